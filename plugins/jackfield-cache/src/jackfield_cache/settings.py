"""Settings: what each of them has to be. No message repeats a value."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield.secret import Secret


def file_path(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Some text that a file may be named by, or None."""
    if value is not None and (not isinstance(value, str) or not value.strip() or "\0" in value):
        raise ValueError(f"{attribute.name}: expected the path of a file")


def reference(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A reference to a secret, or None."""
    if value is not None and not isinstance(value, Secret):
        raise ValueError(f"{attribute.name}: expected a reference to a secret")


def seconds(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A length of time."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"{attribute.name}: expected a number of seconds above 0")


def size(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A number of bytes."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{attribute.name}: expected a whole number of bytes, at least 1")


def label_names(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Names of labels, each once."""
    named = isinstance(value, tuple) and all(isinstance(name, str) and name.strip() for name in value)
    if not named or len(set(value)) != len(value):
        raise ValueError(f"{attribute.name}: expected an array of names of labels, each once")


def flag(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{attribute.name}: expected true or false")  # noqa: TRY004 - how settings fail


def as_tuple(value: Any) -> Any:
    """A list as a tuple; anything else is for the validator."""
    return tuple(value) if isinstance(value, list) else value
