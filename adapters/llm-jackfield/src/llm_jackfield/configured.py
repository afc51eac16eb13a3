"""Configured: the names of models that a configuration knows by itself, without a word to a backend."""

from __future__ import annotations

import functools

import attrs
import click


@attrs.frozen
class Configured:
    """What a configuration knows.

    Attributes:
        names: of models, as jackfield's ``model=`` takes them.
        default: the one among them that is asked where none is named; None where there is none.
        backends: their names.
    """

    names: tuple[str, ...] = ()
    default: str | None = None
    backends: tuple[str, ...] = ()


def read() -> Configured:
    """Read the configuration that holds here: groups of the middleware, aliases, the default, and what these stand for.

    Raises:
        JackfieldError: it cannot be used.
    """
    from jackfield.groups import groups
    from jackfield.session import Session

    session = Session(None, None, None)
    try:
        settings, shared = session.settings, list(groups(session.plan.layers))
    finally:
        session.close_plugins()
    default = settings.default_model
    names = [group.name for group in reversed(shared)]
    names += [*settings.models, *([] if default is None else [default]), *settings.models.values()]
    names += [member for group in shared for member in group.members]
    return Configured(tuple(dict.fromkeys(names)), default, tuple(settings.backends))


@functools.cache
def configured() -> Configured:
    """The same, read once in a process; what is wrong with it is told on stderr, and then it knows nothing."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises when it is built must not break every command
        click.echo(f"llm-jackfield: no models, since {_told(error)}", err=True)
        return Configured()


def _told(error: Exception) -> str:
    from jackfield.cli.output import harmless

    text = str(error)
    return harmless(text or type(error).__name__)
