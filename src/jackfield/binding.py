"""Binding: a credential goes to its backend's origin and to no other, whichever layer would send it there."""

from __future__ import annotations

from jackfield.errors import ConfigError
from jackfield.http import Backend, HttpRequest
from jackfield.redaction import scrub
from jackfield.sensitive import SENSITIVE


def check_bound(request: HttpRequest, backend: Backend) -> None:
    """Refuse to send a credential of a backend to another origin. A request without one may go anywhere.

    A credential is the value of a header that is named like one, and every known secret in a header or the URL.

    Args:
        request: as the last layer has it.
        backend: whose layers and provider it comes from; one without an origin has nothing to compare with.

    Raises:
        ConfigError: names both origins and no credential.
    """
    origin = request.origin
    if backend.origin is None or origin == backend.origin:
        return
    texts = [request.url, *(value for value in request.headers.values() if isinstance(value, str))]
    if not SENSITIVE.isdisjoint(request.headers) or any(scrub(text) != text for text in texts):
        raise ConfigError(f"a credential of backend {backend.name} at {backend.origin} must not be sent to {origin}")
