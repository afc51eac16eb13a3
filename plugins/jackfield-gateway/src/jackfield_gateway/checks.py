"""Validators of settings. No message repeats a text that was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

Check: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def whole(least: int, most: int) -> Check:
    """A validator: a whole number from ``least`` to ``most``."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{attribute.name}: expected a whole number from {least} to {most}")

    return check


def number(least: float, most: float, of: str) -> Check:
    """A validator: a number from ``least`` to ``most``."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"{attribute.name}: expected {of} from {least:g} to {most:g}")

    return check


def one_of(*choices: str) -> Check:
    """A validator: one of some words."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise ValueError(f"{attribute.name}: expected {', '.join(choices[:-1])} or {choices[-1]}")

    return check


def texts(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validator: an array of texts, none of them empty."""
    if not isinstance(value, tuple) or not all(isinstance(one, str) and one.strip() for one in value):
        raise ValueError(f"{attribute.name}: expected an array of texts, none of them empty")


def place(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validator: where a store is, by value only a file."""
    if isinstance(value, str) and (not value.startswith("sqlite:") or value == "sqlite:"):
        raise ValueError(
            f"{attribute.name}: expected sqlite:PATH, or a reference to a postgresql:// URL: env:DATABASE_URL"
        )


seconds = number(0.01, 86_400, "seconds")
