"""How results and messages are written: harmless on a terminal, plain for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from jackfield.errors import APIError, CallError, JackfieldError
from jackfield.redaction import scrub

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
    return scrub(text).translate(_ON_ONE_LINE if one_line else _SHOWN)


def told(error: JackfieldError) -> str:
    """What went wrong, for a user: the message and what helps to ask others about it."""
    facts = []
    if isinstance(error, CallError):
        if error.backend is not None:
            facts.append(f"{error.backend}/{error.model}" if error.model else error.backend)
        if isinstance(error, APIError):
            status = f"HTTP {error.status_code}"
            facts += [] if error.status_code is None or error.message.startswith(status) else [status]
            facts += [f"request {error.request_id}"] if error.request_id is not None else []
        if len(error.attempts) > 1:
            facts.append(f"{len(error.attempts)} attempts")
    message = error.message or type(error).__name__
    return harmless(f"{message} [{', '.join(facts)}]" if facts else message)


def emit(text: str) -> None:
    """Write a result on stdout at once; nothing else writes there.

    Raises:
        BrokenPipeError: the reader has seen enough; click ends the command quietly.
        click.ClickException: it cannot be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the buffer cannot be written either, and is not to be tried again when the interpreter ends.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - the interpreter closes it
        raise click.ClickException(f"the output cannot be written: {error.strerror}") from error


def say(message: str) -> None:
    """Write a message on stderr, harmless."""
    click.echo(harmless(message), err=True)


def left_out(parameters: Iterable[str]) -> str:
    """What a provider did not say, in a line."""
    return f"left out: {', '.join(dict.fromkeys(parameters))}"


def document(value: Any) -> None:
    """Write one JSON document on stdout."""
    json_text(json.dumps(value, ensure_ascii=False, indent=2))


def json_text(text: str) -> None:
    """Write JSON text on stdout, without known secrets; on a terminal without control characters that JSON allows."""
    if scrub(text) != text:  # in its texts only: a number that is masked is none
        text = json.dumps(_clean(json.loads(text)), ensure_ascii=False, indent=2 if "\n" in text else None)
    emit((text.translate(_IN_JSON) if sys.stdout.isatty() else text) + "\n")


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {scrub(name): _clean(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_clean(member) for member in value]
    return scrub(value) if isinstance(value, str) else value


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
    emit("".join("\t".join(line).rstrip("\t") + "\n" for line in lines))


def _draw(head: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    style = "" if os.environ.get("NO_COLOR") else "bold"  # rich takes away the colours only
    drawn = Table(box=None, pad_edge=False, header_style=style)
    for number, title in enumerate(head):
        drawn.add_column(title, overflow="fold", no_wrap=number == 0)  # the first is what other commands take
    for line in lines:
        drawn.add_row(*map(Text, line))  # Text: a name may look like rich's markup
    console = Console(file=sys.stdout)
    with console.capture() as captured:
        console.print(drawn)
    emit(captured.get())


class TextOut:
    """The text of an answer on stdout, each piece as it arrives.

    Attributes:
        pieces: what was written, as it came.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._terminal = sys.stdout.isatty()

    def write(self, text: str) -> None:
        """Write a piece at once, without known secrets, but for those that come in two pieces."""
        self.pieces.append(text)
        emit(harmless(text) if self._terminal else scrub(text))

    def end(self) -> None:
        """End the last line, where something was written and its line is open."""
        text = next((piece for piece in reversed(self.pieces) if piece), "")
        if text and not text.endswith("\n"):
            emit("\n")
