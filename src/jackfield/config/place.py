"""Where each value of a configuration was written, through files, profiles and the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import attrs

if TYPE_CHECKING:
    from jackfield.errors import Fault

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root of a configuration to a value."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def text(path: Path) -> str:
    """A path as TOML writes it: ``backends.openai.middleware[0].use``, with quotes where a key needs them."""
    written = ""
    for key in path:
        if isinstance(key, int):
            written += f"[{key}]"
        else:
            name = str(key)  # a mapping of a program may have other keys, which are at fault or a plugin's own
            written += ("." if written else "") + (name if _BARE.fullmatch(name) else _quoted(name))
    return written


def _quoted(key: str) -> str:
    import json  # a key that needs quotes is rare

    return json.dumps(key, ensure_ascii=False)


class Origin(NamedTuple):
    """Where one value was written.

    Attributes:
        file: the file, or the environment variable; None for a mapping.
        line: from 1; None where it is not known.
        written: the path there; in a profile it begins with ``profiles``.
    """

    file: str | None
    line: int | None
    written: Path


class Places:
    """The origin of every value of one tree.

    A path without an origin of its own has its nearest ancestor's.

    Args:
        file: the file that the whole tree comes from, or None.
        lines: the line of each path in it, as far as they are known.
    """

    def __init__(self, file: str | None = None, lines: Mapping[Path, int] | None = None) -> None:
        self._origins: dict[Path, Origin] = {(): Origin(file, None, ())}
        self._origins.update({path: Origin(file, line, path) for path, line in (lines or {}).items()})

    def origin(self, path: Path) -> Origin:
        """Where the value at ``path`` was written."""
        end = len(path)
        while path[:end] not in self._origins:  # the root always is
            end -= 1
        found = self._origins[path[:end]]
        return found._replace(written=found.written + path[end:])

    def place(self, path: Path) -> Place:
        """The place of the value at ``path``."""
        file, line, written = self.origin(path)
        return Place(file, line, text(written), keys=path, places=self)

    def put(self, path: Path, origin: Origin) -> None:
        """Let the value at ``path``, with all that is in it, come from ``origin``."""
        self._origins = {known: value for known, value in self._origins.items() if known[: len(path)] != path}
        self._origins[path] = origin

    def move(self, source: Path, target: Path) -> None:
        """Let the value at ``target``, with all that is in it, come from where that at ``source`` does."""
        size = len(source)
        moved = {
            target + path[size:]: origin for path, origin in self._origins.items() if path[:size] == source != path
        }
        self.put(target, self.origin(source))
        self._origins.update(moved)


@attrs.frozen
class Place:
    """Where a table of settings was written.

    Attributes:
        file: the file, the environment variable, or None for a mapping.
        line: in that file, from 1; None where it is not known.
        path: key path, as it is written there.
    """

    file: str | None
    line: int | None
    path: str
    _keys: Path = attrs.field(default=(), eq=False, repr=False)
    _places: Places | None = attrs.field(default=None, eq=False, repr=False)

    def at(self, *keys: str | int) -> Place:
        """The place of a value inside the table, as near as it is known."""
        if self._places is not None:
            return self._places.place(self._keys + keys)
        inner = text(keys)
        dot = "." if self.path and inner and not inner.startswith("[") else ""
        return Place(self.file, self.line, f"{self.path}{dot}{inner}")

    def fault(self, key: str | Path, expected: str, hint: str | None = None) -> Fault:
        """A fault of one setting, with file and line of that very setting where they are known.

        Args:
            key: name of the setting, or keys and indexes down to a value inside it; ``""`` or ``()`` for the table
                itself. A setting that is missing is reported at its table.
            expected: a phrase such as ``expected a number above 0, got string``; it must not repeat a string's value.
            hint: what to do about it.
        """
        from jackfield.errors import Fault

        keys: Path = ((key,) if key else ()) if isinstance(key, str) else key
        place = self.at(*keys)
        return Fault(place.path, expected, file=place.file, line=place.line, hint=hint)
