"""Validators of settings. No message repeats a text that was given."""

from __future__ import annotations

import math
from typing import Any

import attrs

from jackfield.secret import EXPECTED, Secret
from jackfield_limits.key import LABEL

MOST_REQUESTS = 1_000_000_000
MOST_TOKENS = 1_000_000_000_000_000
MOST_MONEY = 9_000_000.0
"""Billionths of it are whole numbers that Lua, too, counts without loss."""
LONGEST_WINDOW = 31 * 24 * 3600.0
REDIS = "it needs the extra: pip install 'jackfield-limits[redis]'"


def whole(most: int, least: int = 1) -> Any:
    """A validator: a whole number from ``least`` to ``most``."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{attribute.name}: expected a whole number from {least} to {most}")

    return check


def number(least: float, most: float, of: str) -> Any:
    """A validator: a number from ``least`` to ``most``."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"{attribute.name}: expected {of} from {least:g} to {most:.10g}")

    return check


price = number(0, 1_000_000, "the price of a million tokens")


def money(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validator: an amount of money above 0."""
    wrong = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong or not math.isfinite(value) or not 0 < value <= MOST_MONEY:
        raise ValueError(f"{attribute.name}: expected an amount above 0, at most {MOST_MONEY:.0f}")


def choice(*choices: str) -> Any:
    """A validator: one of some words."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise ValueError(f"{attribute.name}: expected {' or '.join(choices)}")

    return check


def name(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    """Validator: printable text, not empty, at most 64 characters."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 64:
        raise ValueError(f"{attribute.name}: expected a text of 1 to 64 printable characters")


KEYS = frozenset({"backend", "model"})
"""What a limit may be of, besides labels."""


def per(_: Any, attribute: attrs.Attribute[tuple[str, ...]], value: Any) -> None:
    """Validator: ``backend``, ``model`` and ``label:NAME``, each once."""
    fits = isinstance(value, tuple) and len(set(value)) == len(value)
    if not fits or not all(part in KEYS or (part.startswith(LABEL) and part != LABEL) for part in value):
        raise ValueError(f"{attribute.name}: expected an array of backend, model and label:NAME, each once")


def redis(_: Any, attribute: attrs.Attribute[Secret | None], value: Any) -> None:
    """Validator: None, or a ``Secret``, and the library for it is there."""
    from importlib.util import find_spec

    if value is not None and not isinstance(value, Secret):
        raise ValueError(f"{attribute.name}: expected {EXPECTED}")
    if value is not None and find_spec("redis") is None:
        raise ValueError(f"{attribute.name}: {REDIS}")


def named(redis: Secret | None, name: str | None) -> None:
    """Refuse a limit that is shared under no name.

    Raises:
        ValueError: it has none.
    """
    if redis is not None and name is None:
        raise ValueError("name: expected a text: limits of one name count together in Redis")
