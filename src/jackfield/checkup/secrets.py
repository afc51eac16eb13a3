"""Secrets: whether each reference leads to one. No row shows a value."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import attrs

from jackfield.checkup.bounded import bounded
from jackfield.checkup.build import Built
from jackfield.checkup.row import Row
from jackfield.checkup.scope import Scope
from jackfield.errors import ConfigError
from jackfield.redaction import scrub
from jackfield.secret import EXTRA, Secret

REMEDIES = {
    "env": "set the variable for the process that runs the program",
    "file": "let the file be there, and let the user of the program read it",
    "keyring": "put the entry into the keyring of the user of the program",
    "command": "run the command by hand, as the user of the program",
}


def secret_rows(built: Built, scope: Scope) -> Iterator[Row]:
    """A row for each secret in the settings of the plugins of a backend, or of the host."""
    uses = Counter(layer.use for layer in built.layers)
    for layer in built.layers:
        entry = layer.entry
        place = f" of {entry.place.path.rpartition('.')[2]}" if entry is not None and uses[layer.use] > 1 else ""
        for path, secret in _found_in(layer.plugin):
            yield _row(built.name, f"secret {layer.use}.{path}{place}", secret, scope)


def _found_in(value: object) -> Iterator[tuple[str, Secret]]:
    """The secrets in a plugin's settings, each with its path."""
    if isinstance(value, Secret):
        yield "", value
        return
    items: Iterator[tuple[object, object]] = iter(())
    if isinstance(value, Mapping):
        items = iter(value.items())
    elif isinstance(value, list | tuple):
        items = iter(enumerate(value))
    elif attrs.has(type(value)):
        fields: Iterable[attrs.Attribute[object]] = attrs.fields(type(value))  # type: ignore[arg-type]  # it is one
        items = ((one.name, getattr(value, one.name)) for one in fields if one.init and not one.name.startswith("_"))
    for name, item in items:
        for path, secret in _found_in(item):
            yield f"{name}.{path}".rstrip("."), secret


def _row(about: str, what: str, secret: Secret, scope: Scope) -> Row:
    source, _, name = secret.reference.partition(":")
    shown = _shown(secret)
    if source == "command" and scope.offline:
        return Row(about, what, "skipped", f"{shown} is not run offline")
    try:
        bounded(secret.read, scope.seconds)
    except ConfigError as error:
        detail = error.message.replace(scrub(secret.reference), shown)
        return Row(about, what, "failed", detail, EXTRA if EXTRA in detail else REMEDIES.get(source))
    except TimeoutError:
        text = f"{shown} took longer than {scope.seconds:g} s"
        return Row(about, what, "failed", text, f"{REMEDIES[source]}; --timeout gives it longer")
    path = os.path.expanduser(name)
    if source == "file" and os.name == "posix" and open_to_all(os.stat(path).st_mode):
        return Row(about, what, "warning", f"{shown} can be read by every user of this machine", f"chmod 600 {path}")
    return Row(about, what, "ok", "the program holds it" if shown == "value" else f"{shown} resolves")


def open_to_all(mode: int) -> bool:
    """Whether anyone may read a file of this mode."""
    return bool(mode & stat.S_IROTH)


def _shown(secret: Secret) -> str:
    """The reference, of a command only the program: what stands behind it may be secret itself."""
    source, _, name = secret.reference.partition(":")
    return f"command:{name.split(maxsplit=1)[0]}" if source == "command" else secret.reference
