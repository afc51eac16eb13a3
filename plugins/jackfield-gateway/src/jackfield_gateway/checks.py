"""Validators of settings. No message repeats a text that was given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

Check: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]
_NAME = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?"
_IPV6 = r"[0-9a-f]*(:[0-9a-f.]*){2,}"


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


def texts(pattern: str, of: str) -> Check:
    """A validator: an array of texts, each of which the pattern matches, in whatever case."""
    compiled = re.compile(pattern, re.IGNORECASE | re.ASCII | re.DOTALL)

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, tuple) or not all(isinstance(one, str) and compiled.fullmatch(one) for one in value):
            raise ValueError(f"{attribute.name}: expected an array of {of}")

    return check


def place(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validator: where a store is, by value only a file."""
    if isinstance(value, str) and (not value.startswith("sqlite:") or value == "sqlite:"):
        raise ValueError(
            f"{attribute.name}: expected sqlite:PATH, or a reference to a postgresql:// URL: env:DATABASE_URL"
        )


seconds = number(0.01, 86_400, "seconds")
filled = texts(r".*\S.*", "texts, none of them empty")
hosts = texts(
    rf"\*|{_NAME}|{_IPV6}|\[{_IPV6}\]",
    "names as llm.example, each without scheme, port and path, or * for any; other letters as xn--…",
)
"""What a ``Host`` can be without its port: anything else would match nothing."""
origins = texts(
    rf"null|(?!http:.*:80/?$|https:.*:443/?$)[a-z][a-z0-9+.-]*://({_NAME}|\[{_IPV6}\])(:[1-9][0-9]{{0,4}})?/?",
    "origins as https://app.example, each without path, pattern, and the port that its scheme has anyway",
)
"""What browsers send as ``Origin``. WHATWG HTML, section 7.1.1."""
