"""From an HTTP answer that is a failure to the exception for it, whatever shape its body has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield.errors import (
    APIError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthExceededError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    status_error,
)
from jackfield.redaction import reach, scrub

REQUEST_ID = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid")
"""Headers in which services send the id of an exchange, the usual one first."""
MAX_MESSAGE = 1000
"""Characters of a backend's message that an exception's message repeats."""
MAX_WORD = 256
"""Characters of a code, a type, a request id, a host's name."""
MAX_EXCERPT = 2048
"""Characters of what a backend sent instead of an answer that an exception keeps."""
LONGEST_SECRET = 4096
"""No piece of a secret shorter than this is left where a text is cut, nor of a longer one that is known."""
_CONTEXT = {"context_length_exceeded", "exceed_context_size_error", "context_window_exceeded"}
_FILTER = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
_BY_WORD: dict[str, type[APIStatusError]] = {
    "insufficient_quota": RateLimitError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limit_error": RateLimitError,
    "invalid_request_error": BadRequestError,
    "authentication_error": AuthenticationError,
    "invalid_api_key": AuthenticationError,
    "permission_error": PermissionDeniedError,
    "not_found_error": NotFoundError,
    "server_error": InternalServerError,
    "api_error": InternalServerError,
    "overloaded_error": InternalServerError,
}


def answer_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    """The exception for an HTTP answer whose status is a failure.

    Args:
        status: its status.
        headers: its headers; ``retry-after-ms``, ``retry-after``, ``x-should-retry`` and the request id are read.
        body: what could be read of its body.
    """
    details, message = _details(_parse(body), body)
    location = headers.get("location") if 300 <= status < 400 else None
    if location is not None:
        message = f"redirect to {_host(location)} not followed"
    return _class(status, details)(
        f"HTTP {status}: {message}" if message else f"HTTP {status}",
        status_code=status,
        request_id=request_id(headers),
        retry_after=retry_after(headers),
        should_retry={"true": True, "false": False}.get((headers.get("x-should-retry") or "").strip().lower()),
        body_excerpt=body_excerpt(body),
        **details,
    )


def excerpt(text: str, limit: int) -> str:
    """At most ``limit`` characters of a text from outside, scrubbed: no secret is cut in two and so overlooked."""
    margin = _margin()
    window = text[: limit + margin]
    clean = scrub(window)
    return clean[:limit] if len(window) == len(text) else clean[:-margin][:limit]


def sentence(text: str, limit: int) -> str:
    """An excerpt with single blanks for line breaks and the like, which may part a secret: it is scrubbed before."""
    return " ".join(excerpt(text, 2 * limit).split())[:limit]


def body_excerpt(body: bytes) -> str:
    """At most 2 KiB of a body as text, scrubbed."""
    longest = 4 * (MAX_EXCERPT + _margin())  # bytes of so many characters
    return excerpt(body[: longest + 4].decode("utf-8", "replace"), MAX_EXCERPT)


def _margin() -> int:
    return max(LONGEST_SECRET, reach())


def body_error(data: Any) -> APIError | None:
    """The exception for an error object in a place where an answer was expected (status 200, or inside a stream).

    It stands beside the choices, in one of them (OpenRouter), or in ``x_groq`` (Groq); Google's stands in an array. A
    finish reason ``error`` is one without words (Mistral, OpenRouter).
    """
    if isinstance(data, list) and data:
        data = data[0]
    places = [data, *_inner(data)] if isinstance(data, dict) else []
    told = next((place for place in places if place.get("error") not in (None, "", {}, False)), None)
    if told is None:
        broken = any(place.get("finish_reason") == "error" for place in places)
        return APIError("the backend ended the answer with finish_reason 'error'") if broken else None
    details, message = _details(told, b"")
    number = details["code"] or ""
    status = int(number) if len(number) == 3 and number.isdecimal() and 400 <= int(number) <= 599 else None
    kind = _class(status, details)
    return kind(message or "the backend reported an error", status_code=status, **details)


def _inner(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    choices = data.get("choices")
    places = [data.get("x_groq"), *(choices if isinstance(choices, list) else ())]
    return [place for place in places if isinstance(place, dict)]


def request_id(headers: Mapping[str, str]) -> str | None:
    """The backend's id of the exchange, at most 256 characters of it."""
    found = next((headers[name] for name in REQUEST_ID if name in headers), None)
    return None if found is None else excerpt(found, MAX_WORD)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, by ``retry-after-ms`` or ``Retry-After`` (RFC 9110, section 10.2.3); None where malformed.

    A date counts from the answer's own ``Date``, so that a wrong clock on this side does no harm.
    """
    milliseconds = number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = number(value)
    if seconds is not None or value is None:
        return seconds
    then, now = _date(value), _date(headers.get("date"))
    if then is None:
        return None
    if now is None:
        import time

        now = time.time()
    return max(0.0, then - now)


def number(text: str | None) -> float | None:
    """The number in a header, finite and not negative; None where it is malformed."""
    try:
        value = float((text or "").replace("_", " "))  # Python's own notation is no one else's
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _date(text: str | None) -> float | None:
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text or "")
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()  # no other zone is meant
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _host(location: str) -> str:
    from urllib.parse import urlsplit

    try:
        # In lower case, as the name of a host is given, a secret would not be known again.
        return excerpt(urlsplit(scrub(location)).hostname or "the same host", MAX_WORD)
    except ValueError:
        return "an address that is none"


def _parse(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _details(data: Any, body: bytes) -> tuple[dict[str, Any], str]:
    """``code``, ``type`` and ``param`` of an error object, and the message, wherever servers put it."""
    if isinstance(data, list):
        data = data[0] if data else {}
    error = data.get("error", data) if isinstance(data, dict) else data
    details: dict[str, str | None] = {"code": None, "type": None, "param": None}
    if isinstance(error, dict):
        details = {name: _text(error.get(name)) for name in details}
        message = next((error[name] for name in ("message", "detail", "error", "msg") if error.get(name)), "")
    else:
        message = error if error is not None else ""
    if not isinstance(message, str):
        message = msgspec.json.encode(message).decode()
    if not message and isinstance(data, dict) and isinstance(data.get("message"), str):
        message = data["message"]
    if not message and data is None:
        message = body_excerpt(body)
    return details, sentence(message, MAX_MESSAGE)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, dict | list | bool):
        return None
    return excerpt(str(value), MAX_WORD)


def _class(status: int | None, details: Mapping[str, Any]) -> type[APIError]:
    words = {(details[name] or "").lower() for name in ("code", "type")}
    if status is None or 400 <= status < 500:
        if words & _CONTEXT:
            return ContextLengthExceededError
        if words & _FILTER:
            return ContentFilterError
    if status is not None:
        return status_error(status)
    return next((_BY_WORD[word] for word in sorted(words) if word in _BY_WORD), APIError)
