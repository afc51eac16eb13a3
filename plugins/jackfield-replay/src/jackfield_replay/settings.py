"""Settings: validators of what both middleware take."""

from __future__ import annotations

import os
import re
from typing import Any

import attrs


def is_path(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is no path of a file."""
    try:
        possible = isinstance(value, str) and bool(value.strip()) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise ValueError(f"{attribute.name}: expected the path of a file")


def is_path_or_none(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is neither a path nor nothing."""
    if value is not None:
        is_path(None, attribute, value)


def is_flag(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is no boolean."""
    if not isinstance(value, bool):
        raise ValueError(f"{attribute.name}: expected true or false")  # noqa: TRY004 - how settings fail


def is_factor(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what is no finite number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"{attribute.name}: expected a number of at least 0")


def patterns(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what are no regular expressions, and those that match what is not there."""
    for index, pattern in enumerate(value):
        try:
            empty = re.compile(pattern).search("") is not None
        except (re.error, TypeError, RecursionError):
            empty = True
        if empty:
            raise ValueError(
                f"{attribute.name}: expected regular expressions that match something, number {index + 1} does not"
            )


def paths(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse what are no paths into a body."""
    for index, path in enumerate(value):
        if not isinstance(path, str) or not re.fullmatch(r"[^\[\].]+(?:\.[^\[\].]+|\[(?:\d+|\*)\])*", path):
            raise ValueError(
                f"{attribute.name}: expected paths into a body like messages[0].name or tools[*].id, "
                f"number {index + 1} is none"
            )


def choice(*words: str) -> Any:
    """A validator that takes one of these words."""

    def validate(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{attribute.name}: expected one of {', '.join(words)}")

    return validate
