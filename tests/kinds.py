"""Subclasses of JSON's types, as hosts have them."""

from __future__ import annotations

import enum

__all__ = ["Celsius", "Count", "Role"]


class Role(enum.StrEnum):
    """An enumeration that is text."""

    USER = "user"


class Count(enum.IntEnum):
    """An enumeration that is a number."""

    TWO = 2


class Celsius(float):
    """A float with a meaning."""
