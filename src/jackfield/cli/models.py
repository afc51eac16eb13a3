"""``jackfield models``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from jackfield.cli.output import document, say, table, told
from jackfield.cli.params import Seconds
from jackfield.cli.source import Source, source_options
from jackfield.errors import JackfieldError
from jackfield.wire import to_dict

if TYPE_CHECKING:
    from jackfield.client import Client
    from jackfield.models.models import Model
    from jackfield.names import Names

HEAD = ("MODEL", "ALIAS OF", "OWNER")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--timeout", type=Seconds(), help="Give up on a backend after so many seconds.")
@source_options
@click.pass_context
def models(context: click.Context, *, as_json: bool, timeout: float | None) -> None:
    """List the models.

    These are the names that chat -m takes: those that middleware shares out among models, the aliases of the
    configuration, and the models of every backend. Columns: name, what it is an alias of, owner. A backend that does
    not answer is told on stderr; it is a failure where none of them answers.
    """
    source = context.ensure_object(Source)
    with source.client() as client:
        names = client.names
        found, failures = _ask(client, names.backends, timeout)
    if as_json:
        document(_plain(names, found, failures))
    else:
        replaced = [(group, f"one of {', '.join(members)}", "") for group, members in names.groups.items()]
        aliases = [(alias, target, "") for alias, target in names.aliases.items() if alias not in names.groups]
        table(HEAD, [*replaced, *aliases, *((model.id, "", model.owned_by) for model in found)])
    for backend, failure in failures.items():
        say(f"{backend}: {told(failure)}")
    if len(failures) == len(names.backends):
        context.exit(1)


def _ask(
    client: Client, backends: Iterable[str], timeout: float | None
) -> tuple[list[Model], dict[str, JackfieldError]]:
    """The models of all backends, one backend after the other, and the failures of those that have none to tell."""
    found: list[Model] = []
    failures: dict[str, JackfieldError] = {}
    for backend in backends:
        try:
            found += client.list_models(backend, timeout=timeout)
        except JackfieldError as error:
            failures[backend] = error
    return found, failures


def _plain(names: Names, found: list[Model], failures: Mapping[str, JackfieldError]) -> dict[str, Any]:
    return {
        "aliases": dict(names.aliases),
        "groups": {group: list(members) for group, members in names.groups.items()},
        "models": [to_dict(model) for model in found],
        "failures": [
            {"backend": backend, "error": type(failure).__name__, "message": failure.message}
            for backend, failure in failures.items()
        ],
    }
