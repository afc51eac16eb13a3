"""``jackfield models``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    from jackfield.plan import Layer

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
        session = client._session  # noqa: SLF001 - what the client has read and built is not read and built again
        settings, shared = session.settings, _shared(session.plan.layers)
        found, failures = _ask(client, list(settings.backends), timeout)
    if as_json:
        document(_plain(settings.models, shared, found, failures))
    else:
        replaced = [(group, f"one of {', '.join(members)}", "") for group, members in shared.items()]
        aliases = [(alias, target, "") for alias, target in settings.models.items() if alias not in shared]
        table(HEAD, [*replaced, *aliases, *((model.id, "", model.owned_by) for model in found)])
    for backend, failure in failures.items():
        say(f"{backend}: {told(failure)}")
    if failures.keys() == settings.backends.keys():
        context.exit(1)


def _ask(client: Client, backends: list[str], timeout: float | None) -> tuple[list[Model], dict[str, JackfieldError]]:
    """The models of all backends, one backend after the other, and the failures of those that have none to tell."""
    found: list[Model] = []
    failures: dict[str, JackfieldError] = {}
    for backend in backends:
        try:
            found += client.list_models(backend, timeout=timeout)
        except JackfieldError as error:
            failures[backend] = error
    return found, failures


def _shared(layers: Iterable[Layer]) -> dict[str, tuple[str, ...]]:
    """The names that layers of the host share out among models, each with those; the outermost layer has it."""
    from jackfield.groups import groups

    return {group.name: group.members for group in reversed(list(groups(layers)))}


def _plain(
    aliases: Mapping[str, str],
    shared: Mapping[str, Sequence[str]],
    found: list[Model],
    failures: Mapping[str, JackfieldError],
) -> dict[str, Any]:
    return {
        "aliases": dict(aliases),
        "groups": {group: list(members) for group, members in shared.items()},
        "models": [to_dict(model) for model in found],
        "failures": [
            {"backend": backend, "error": type(failure).__name__, "message": failure.message}
            for backend, failure in failures.items()
        ],
    }
