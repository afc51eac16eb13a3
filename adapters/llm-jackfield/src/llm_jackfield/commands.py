"""Commands: ``llm jackfield``."""

from __future__ import annotations

import click


@click.group()
def jackfield() -> None:
    """Commands for the models of a jackfield configuration."""


@jackfield.command()
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), help="Give up on a backend after so many seconds."
)
@click.pass_context
def refresh(context: click.Context, timeout: float | None) -> None:
    """Ask the backends for their models, which llm then lists.

    A backend that does not answer is told on stderr, and what was known of it stays; it is a failure where none of
    them answers.
    """
    from jackfield import JackfieldError
    from jackfield.cli.output import harmless, told
    from llm_jackfield import clients, configured, refreshed

    found: dict[str, list[str]] = {}
    try:
        backends, client = configured.read().backends, clients.client()
    except JackfieldError as error:
        raise click.ClickException(told(error)) from None
    for backend in backends:
        try:
            found[backend] = [model.id for model in client.list_models(backend, timeout=timeout)]
        except JackfieldError as error:
            click.echo(harmless(f"{backend}: {told(error)}"), err=True)
    refreshed.save(found)
    for backend, names in found.items():
        click.echo(f"{backend}: {len(names)} models")
    if not found:
        context.exit(1)
