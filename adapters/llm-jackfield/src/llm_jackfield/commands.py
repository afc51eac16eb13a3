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
    from llm_jackfield import clients, refreshed
    from llm_jackfield.failure import line, told

    found: dict[str, list[str]] = {}
    with told():
        client = clients.client()
    for backend in client.names.backends:
        try:
            found[backend] = [model.id for model in client.list_models(backend, timeout=timeout)]
        except JackfieldError as error:
            click.echo(f"{backend}: {line(error)}", err=True)
    if not found:
        context.exit(1)
    try:
        saved = refreshed.save(found)
    except OSError as error:
        raise click.ClickException(f"the models cannot be kept: {error}") from None
    for backend in found:
        count = len(saved[backend])
        click.echo(f"{backend}: {count} model{'' if count == 1 else 's'}")
