"""Token: the answers of a token endpoint, as values (RFC 6749, section 5)."""

from __future__ import annotations

import math
from typing import Any

import attrs
import msgspec

from jackfield.errors import APIError, AuthenticationError, InvalidResponseError
from jackfield.failure import answer_error, sentence
from jackfield.http import HttpResponse, Origin
from jackfield.redaction import remember

LONGEST_TOKEN = 16_384
"""Characters: no header could hold more, and what is longer costs time to know."""
MARGIN = 60.0
"""Seconds before its end at which a token is no longer used; a tenth of its life where that is less."""
MAX_DESCRIPTION = 500
"""Characters of what the endpoint says that an error repeats."""


@attrs.frozen(eq=False)
class Token:
    """An access token. Its repr does not show it.

    Attributes:
        value: of the token.
        fresh_until: when to fetch another, on the clock of the calls.
    """

    value: str = attrs.field(repr=False)
    fresh_until: float


def read_token(body: bytes, asked: float, origin: Origin) -> Token:
    """The token in an answer that is a success.

    Args:
        body: of the answer.
        asked: when it was asked for, on the clock of the calls.
        origin: of the token endpoint.

    Raises:
        InvalidResponseError: there is no usable token in it. The message does not repeat the body.
    """
    data = _object(body)
    value, kind = data.get("access_token"), data.get("token_type", "Bearer")
    if not isinstance(value, str) or not value:
        raise _invalid(origin, "access_token: expected a text")
    if len(value) > LONGEST_TOKEN:
        raise _invalid(origin, f"access_token: longer than {LONGEST_TOKEN} characters")
    remember(value)
    if not all("!" <= char <= "~" for char in value):
        raise _invalid(origin, "access_token: it has characters that cannot be sent in a header")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise _invalid(origin, "token_type: expected Bearer")
    life = _seconds(data.get("expires_in"))
    return Token(value, asked + life - min(MARGIN, life / 10) if math.isfinite(life) else math.inf)


def refused(response: HttpResponse, body: bytes, origin: Origin) -> APIError:
    """The error for an answer that is no success: ``AuthenticationError`` where the credentials are at fault.

    Args:
        response: its head.
        body: what could be read of its body.
        origin: of the token endpoint.
    """
    error = answer_error(response.status, response.headers, body)
    data = _object(body)
    code = data.get("error") if isinstance(data.get("error"), str) else error.code
    description = data.get("error_description")
    more = f" ({sentence(description, MAX_DESCRIPTION)})" if isinstance(description, str) else ""
    at_fault = 400 <= response.status < 500 and response.status not in {408, 429}
    kind = AuthenticationError if at_fault else type(error)
    return kind(
        f"no token from {origin}: {error.message}{more}",
        status_code=response.status,
        code=code,
        request_id=error.request_id,
        retry_after=error.retry_after,
        should_retry=error.should_retry,
    )


def _invalid(origin: Origin, what: str) -> InvalidResponseError:
    # Whatever became of the token, the request itself was not sent.
    return InvalidResponseError(f"no token from {origin}: {what}", stage="not_sent")


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _seconds(value: Any) -> float:
    """A lifetime, also one written as text; without one the token is used until it is refused."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.inf
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return math.inf
    return math.inf if math.isnan(seconds) else max(seconds, 0.0)
