"""Docstring: what the text of a class says of the class, and of each of its attributes."""

from __future__ import annotations

import inspect
import re

_SECTION = "Attributes:"
_ENTRY = re.compile(r"(?P<names>\w+(?:, *\w+)*)(?: *\([^)]*\))?: *(?P<text>.*)")
"""``name: text`` or ``one, other: text``, a type between the two or not."""


def text_of(cls: type) -> str:
    """What a class says of itself: its docstring up to the first section, in paragraphs; empty where there is none."""
    return "\n\n".join(_joined(part) for part in _lines(cls).partition(_SECTION)[0].split("\n\n") if part.strip())


def summary(cls: type) -> str:
    """The first paragraph of a class's docstring, in one line; empty where there is none."""
    return text_of(cls).partition("\n\n")[0]


def attributes(cls: type) -> dict[str, str]:
    """What a class and those that it derives from say of their attributes, by name, each in one line.

    It is read from the section ``Attributes:`` of their docstrings, in Google's style.
    """
    found: dict[str, str] = {}
    for link in reversed(cls.__mro__):
        found |= _entries(_lines(link).partition(f"\n{_SECTION}\n")[2])
    return found


def _entries(section: str) -> dict[str, str]:
    """The entries of a section, which ends with the first line that is not indented."""
    body = re.split(r"^(?=\S)", section, maxsplit=1, flags=re.MULTILINE)[0]
    entries = re.split(r"^(?= {4}\S)", body, flags=re.MULTILINE)
    matches = (_ENTRY.fullmatch(_joined(entry)) for entry in entries)
    return {name.strip(): match["text"] for match in matches if match for name in match["names"].split(",")}


def _lines(cls: type) -> str:
    return inspect.cleandoc(vars(cls).get("__doc__") or "")


def _joined(text: str) -> str:
    """One line, and code between single marks, as Markdown has it."""
    return " ".join(text.split()).replace("``", "`")
