"""Headers: the fields of an answer's head, and which fields a request may have (RFC 9110, section 5)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from jackfield.errors import ConfigError
from jackfield.redaction import remember

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110, section 5.6.2)."""
SENSITIVE = frozenset(
    {"authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "x-auth-token"}
)
"""Names of headers whose values are secrets, whoever set them."""

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


def remember_credentials(values: Mapping[str, Any], *, pinned: bool = False) -> None:
    """Have the values of headers, or of other fields, whose names tell that they are secrets, scrubbed from now on.

    Also what they are without their scheme, and the password in a value of ``Basic`` (RFC 7617).

    Args:
        values: by name.
        pinned: they stand in a configuration, see ``remember``.
    """
    from jackfield.config.show import names_secret  # few calls bring fields of their own

    for name, value in values.items():
        if isinstance(value, str) and (name.lower() in SENSITIVE or names_secret(name)):
            remember(value, pinned=pinned)
            scheme, _, rest = value.rpartition(" ")
            remember(rest, pinned=pinned)
            if scheme.lower() == "basic":
                with suppress(ValueError):  # it is none
                    remember(b64decode(rest + "===").decode("utf-8", "replace").partition(":")[2], pinned=pinned)


@lru_cache(maxsize=512)
def is_token(name: object) -> bool:
    """Whether this may be the name of a header or a method."""
    return isinstance(name, str) and _TOKEN.fullmatch(name) is not None
