"""Checks: validators of settings. No message repeats a text that stands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeGuard

import attrs

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def is_name(value: object) -> TypeGuard[str]:
    """Whether a value can be the name of a model."""
    return isinstance(value, str) and bool(value.strip())


def are_names(values: object, least: int, most: int) -> TypeGuard[tuple[str, ...]]:
    """Whether a value is an array of so many names, each another."""
    if not isinstance(values, list | tuple) or not all(map(is_name, values)):
        return False
    return least <= len(set(values)) == len(values) <= most


def entry(number: int, key: str) -> str:
    """Which entry of a table a message means: its key, and where that is masked for it is a value too, its number."""
    return f'"{key}" (number {number})'


def is_whole(value: object, least: int, most: int) -> TypeGuard[int]:
    """Whether a value is a whole number within limits; ``True`` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def whole(least: int, most: int) -> Validator:
    """A validator of a whole number within limits."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not is_whole(value, least, most):
            raise ValueError(f"{attribute.name}: expected a whole number from {least} to {most}")

    return check


def number(above: float, most: float, unit: str = "a number") -> Validator:
    """A validator of a finite number above one limit and not above another."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not above < value <= most:
            raise ValueError(f"{attribute.name}: expected {unit} above {above:g} and at most {most:g}")

    return check


def some_of(choices: Iterable[str]) -> Validator:
    """A validator of an array of some of the choices."""
    known = tuple(choices)

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, list | tuple) or not all(one in known for one in value):
            raise ValueError(f"{attribute.name}: expected an array of some of {', '.join(known)}")

    return check
