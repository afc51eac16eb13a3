"""Guesses at what was meant, for messages about names that are not known."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 8
"""So many known names are listed where no guess can be made; more would bury the message."""


def kind(value: object) -> str:
    """What a value is, in TOML's words and never by its content; another object by its class."""
    from collections.abc import Mapping
    from datetime import date, time

    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string" if value.strip() else "an empty string"
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (int, "integer"),
        (float, "float"),
        (Mapping, "table"),
        ((list, tuple), "array"),
        ((date, time), "date or time"),
        (type(None), "null"),
    )
    return next((name for types, name in names if isinstance(value, types)), type(value).__name__)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that is most like ``word``, letters' case aside, or None."""
    from difflib import get_close_matches

    folded = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), folded, n=1)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], *, what: str = "known") -> str | None:
    """A hint for an unknown name: the closest known one, else the list of them where it is short, else None.

    Args:
        word: what was written.
        known: what could have been written.
        what: the word in front of the list.
    """
    names = sorted(known)
    guess = closest(word, names)
    if guess is not None:
        return f'did you mean "{guess}"?'
    return f"{what}: {', '.join(names)}" if 0 < len(names) <= MOST else None
