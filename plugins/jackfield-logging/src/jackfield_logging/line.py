"""Line: text from outside made fit for one line of a log."""

from __future__ import annotations

from typing import Any

from jackfield.redaction import scrub


def one_line(value: Any) -> str:
    """The text of ``value`` without secrets, and with an escape for each character that is not printable.

    That is every line break (also NEL, U+2028 and U+2029), control character, ANSI escape, bidirectional control,
    invisible character and lone surrogate: nothing in it can begin a record, colour a terminal or turn text around.
    """
    text = scrub(str(value))
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def capped(text: str, limit: int) -> str:
    """``one_line`` of a text, cut after ``limit`` characters; an ellipsis tells of the cut."""
    whole = scrub(text)  # before the cut, which could leave half a secret that no one recognises
    line = one_line(whole[: limit + 1])
    return line if len(line) <= limit else line[:limit] + "…"
