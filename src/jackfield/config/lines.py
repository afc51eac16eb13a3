"""The line of each key in a TOML document. tomllib does not tell, and a fault without a line is hard to find."""

from __future__ import annotations

import re
from bisect import bisect_right

from jackfield.config.place import Path

_GAP = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^\s,\]}#][^,\]}#\n]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"{3,5}(?!")'  # up to two quotes may stand before the closing three
    r"|'''[\s\S]*?'{3,5}(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)


def lines_of(document: str) -> dict[Path, int]:
    """Line, counted from 1, of each table, array element and key of a TOML document.

    A key has the line where it is written itself; a table that only other keys imply has that of the first of them.
    Nothing is guessed: a document that is not understood gives an empty answer.

    Args:
        document: text that ``tomllib`` has accepted. Source of the grammar: TOML 1.0.0.
    """
    scanner = _Scanner(document.replace("\r\n", "\n"))
    try:
        scanner.scan()
    except (_NotUnderstoodError, RecursionError):
        return {}
    return scanner.lines


class _NotUnderstoodError(Exception):
    """The scanner lost its way: its lines must not be used."""


class _Scanner:
    """One pass over a document; it reads structure only, and leaves values to tomllib."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._lengths: dict[Path, int] = {}

    def scan(self) -> None:
        """Read the document to its end."""
        table: Path = ()
        self.take(_GAP)
        while self.at < len(self.text):
            if self.skip("["):
                table = self.header()
            else:
                self.pair(table)
            self.take(_GAP)

    def header(self) -> Path:
        """``[table]`` or ``[[table]]``, its first bracket read already; the path of the table that it opens."""
        line, many = self.line(), self.skip("[")
        keys = self.keys()
        self.need("]]" if many else "]")
        path: Path = ()
        for key in keys[:-1]:
            path = (*path, key)
            self.lines.setdefault(path, line)
            if path in self._lengths:  # a header that goes on below an array of tables means its last element
                path = (*path, self._lengths[path] - 1)
        path = (*path, keys[-1])
        if not many:
            self.lines[path] = line
            return path
        self.lines.setdefault(path, line)
        index = self._lengths.get(path, 0)
        self._lengths[path] = index + 1
        self.lines[*path, index] = line
        return (*path, index)

    def pair(self, table: Path) -> None:
        """``key = value`` in a table."""
        line, path = self.line(), table
        for key in self.keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.need("=")
        self.take(_BLANK)
        self.value(path)

    def keys(self) -> list[str]:
        """A dotted key."""
        keys = [self.key()]
        while self.skip("."):
            keys.append(self.key())
        return keys

    def key(self) -> str:
        """One key, bare or quoted, with the blanks around it."""
        self.take(_BLANK)
        quoted = self.text.startswith(('"', "'"), self.at)
        key = _unquoted(self.take(_STRING)) if quoted else self.take(_BARE)
        self.take(_BLANK)
        return key

    def value(self, path: Path) -> None:
        """Any value; the lines of what is in it are kept."""
        if self.skip("["):
            self.array(path)
        elif self.skip("{"):
            self.inline_table(path)
        elif self.text.startswith(('"', "'"), self.at):
            self.take(_STRING)
        else:
            self.take(_SCALAR)

    def array(self, path: Path) -> None:
        """The elements of an array, up to its closing bracket."""
        index = 0
        self.take(_GAP)
        while not self.skip("]"):
            self.lines[*path, index] = self.line()
            self.value((*path, index))
            index += 1
            self.separator("]")

    def inline_table(self, path: Path) -> None:
        """The keys of an inline table, up to its closing brace."""
        self.take(_GAP)
        while not self.skip("}"):
            self.pair(path)
            self.separator("}")

    def separator(self, end: str) -> None:
        """A comma, or the end, which is left where it is."""
        self.take(_GAP)
        if not self.text.startswith(end, self.at):
            self.need(",")
            self.take(_GAP)

    def take(self, pattern: re.Pattern[str]) -> str:
        """What ``pattern`` matches here."""
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _NotUnderstoodError
        self.at = match.end()
        return match[0]

    def skip(self, mark: str) -> bool:
        """Whether ``mark`` stands here; if so it is passed."""
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) if found else 0
        return found

    def need(self, mark: str) -> None:
        """Pass ``mark``."""
        if not self.skip(mark):
            raise _NotUnderstoodError

    def line(self) -> int:
        """The line here, from 1."""
        return bisect_right(self._ends, self.at - 1) + 1


def _unquoted(literal: str) -> str:
    """The key that a quoted literal means."""
    if literal.startswith("'") or "\\" not in literal:
        return literal[1:-1]
    import tomllib

    key: str = tomllib.loads(f"key = {literal}")["key"]
    return key
