"""Headers: the fields of an answer's head, and which fields a request may have (RFC 9110, section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jackfield.errors import ConfigError
from jackfield.redaction import remember

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110, section 5.6.2)."""
FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Names of headers that tell where a body ends: only who sends it knows."""


class Headers(Mapping[str, str]):
    """Fields by name, whatever the case of its letters; immutable.

    Args:
        fields: in the order in which they came; values of one name are joined by commas (RFC 9110, section 5.3).
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        joined: dict[str, str] = {}
        for name, value in fields:
            key = name.lower()
            joined[key] = f"{joined[key]}, {value}" if key in joined else value
        self._fields = joined

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or ``default``."""
        return self._fields.get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"<Headers {sorted(self._fields)}>"


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that could not be sent, or would end the head early (RFC 9110, section 5.5).

    Raises:
        ConfigError: names the header, never its value.
    """
    for name, value in headers.items():
        if not isinstance(value, str):
            raise ConfigError(f"header {name!r}: expected text, got {type(value).__name__}")
        if not (value.isascii() and value.isprintable()):
            remember(value)
            raise ConfigError(f"header {name!r}: its value has characters that cannot be sent in a header")
        if not is_token(name):
            raise ConfigError(f"header {name!r}: this is no name of a header")
        if name in FRAMING:
            raise ConfigError(f"header {name!r}: it is set by whoever sends the request")


@lru_cache(maxsize=512)
def is_token(name: object) -> bool:
    """Whether this may be the name of a header or a method."""
    return isinstance(name, str) and _TOKEN.fullmatch(name) is not None
