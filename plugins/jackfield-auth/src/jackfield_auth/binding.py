"""Binding: where a credential may be sent, and what its settings must look like."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import ConfigError
from jackfield.headers import FRAMING, is_token
from jackfield.http import HttpRequest, Origin
from jackfield.secret import EXPECTED, Secret

_RESERVED = FRAMING | {"connection", "host", "upgrade"}
"""Headers that steer the exchange itself."""


def check_bound(http_request: HttpRequest, call: Call) -> None:
    """Refuse to send a credential to any origin but the backend's, or in clear to another machine.

    Raises:
        ConfigError: names the origins, and no credential.
    """
    backend, origin = call.backend, http_request.origin
    if backend is None or backend.origin != origin:
        bound = "no backend" if backend is None else f"backend {backend.name} at {backend.origin or 'no origin'}"
        raise ConfigError(f"a credential of {bound} must not be sent to {origin}")
    check_secure(origin)


def check_secure(origin: Origin) -> None:
    """Refuse to send a credential in clear to another machine.

    Raises:
        ConfigError: names the origin.
    """
    if not origin.secure:
        raise ConfigError(f"a credential must not be sent in clear to {origin}: use https")


def secret(_: Any, attribute: attrs.Attribute[Secret], value: Any) -> None:
    """Validator: a ``Secret``. The message does not repeat the value, for it may be a key."""
    if not isinstance(value, Secret):
        raise ValueError(f"{attribute.name}: expected {EXPECTED}")  # noqa: TRY004 - how settings fail


def text(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Validator: printable text, not empty."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"{attribute.name}: expected a text of printable characters")


def header_name(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    """Validator: the name of a header, but none of those that frame the message."""
    if not isinstance(value, str) or not is_token(value) or value.lower() in _RESERVED:
        raise ValueError(f"{attribute.name}: expected the name of a header, like x-api-key")


def header_text(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    """Validator: what can stand in a header; may be empty."""
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        raise ValueError(f"{attribute.name}: expected printable ASCII characters")
