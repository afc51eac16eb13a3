"""How results and messages are written: harmless on a terminal, plain for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from jackfield.errors import APIError, CallError, JackfieldError

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_SHOWN = {code: f"\\x{code:02x}" for code in _CONTROLS if chr(code) not in "\n\t"}
_ON_ONE_LINE = {**_SHOWN, ord("\n"): "\\n", ord("\t"): "\\t"}
_IN_JSON = {code: f"\\u{code:04x}" for code in _CONTROLS if code >= 0x7F}


def harmless(text: str, *, one_line: bool = False) -> str:
    r"""The text with its control characters as ``\x1b``, but for line feeds and tabs.

    A model, or a server's error, must not move the cursor, write to the clipboard or hide what it wrote before.

    Args:
        text: from outside.
        one_line: line feeds and tabs are shown too.
    """
    return text.translate(_ON_ONE_LINE if one_line else _SHOWN)


def told(error: JackfieldError) -> str:
    """What went wrong, for a user: the message and what helps to ask others about it."""
    facts = []
    if isinstance(error, CallError):
        if error.backend is not None:
            facts.append(f"{error.backend}/{error.model}" if error.model else error.backend)
        if isinstance(error, APIError):
            facts += [f"HTTP {error.status_code}"] if error.status_code is not None else []
            facts += [f"request {error.request_id}"] if error.request_id is not None else []
        if len(error.attempts) > 1:
            facts.append(f"{len(error.attempts)} attempts")
    message = error.message or type(error).__name__
    return harmless(f"{message} [{', '.join(facts)}]" if facts else message)


def say(message: str) -> None:
    """Write a message on stderr, harmless."""
    import click

    click.echo(harmless(message), err=True)


def document(value: Any) -> None:
    """Write one JSON document on stdout."""
    json_text(json.dumps(value, ensure_ascii=False, indent=2))


def json_text(text: str) -> None:
    """Write JSON text on stdout; on a terminal without control characters that JSON leaves alone."""
    sys.stdout.write((text.translate(_IN_JSON) if sys.stdout.isatty() else text) + "\n")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table on stdout: drawn on a terminal, else a line for each row, its cells parted by tabs.

    Args:
        head: titles of the columns, shown on a terminal only.
        rows: cells, shown on one line each.
    """
    lines = [[harmless(cell, one_line=True) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(head, lines)
        return
    for line in lines:
        sys.stdout.write("\t".join(line).rstrip("\t") + "\n")


def _draw(head: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for title in head:
        drawn.add_column(title, overflow="fold")
    for line in lines:
        drawn.add_row(*map(Text, line))  # Text: a name may look like rich's markup
    Console(file=sys.stdout).print(drawn)


class TextOut:
    """The text of an answer on stdout, each piece as it arrives.

    Attributes:
        pieces: what was written, as it came.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._terminal = sys.stdout.isatty()

    def write(self, text: str) -> None:
        """Write a piece at once."""
        self.pieces.append(text)
        sys.stdout.write(harmless(text) if self._terminal else text)
        sys.stdout.flush()

    def end(self) -> None:
        """End the last line, where something was written and its line is open."""
        text = next((piece for piece in reversed(self.pieces) if piece), "")
        if text and not text.endswith("\n"):
            sys.stdout.write("\n")
            sys.stdout.flush()
