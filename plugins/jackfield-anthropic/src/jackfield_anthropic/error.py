"""Error: what the service's words tell beyond its status.

Source: https://platform.claude.com/docs/en/api/errors; the texts are those that the service sends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from jackfield.errors import (
    APIError,
    APIStatusError,
    BadRequestError,
    ContextLengthExceededError,
    InternalServerError,
)

_TOO_LONG = re.compile(r"prompt is too long|input length and `max_tokens` exceed context limit")
_NO_MONEY = re.compile(r"credit balance is too low")
_TYPES: Mapping[str, type[APIStatusError]] = {
    "timeout_error": InternalServerError,
    "unavailable_error": InternalServerError,
}
"""Types of errors inside streams that the core does not know."""


def told(error: APIError) -> APIError:
    """The error that the service's words make of one that only its status or its type named."""
    status = error.status_code
    if status in (None, 400) and _TOO_LONG.search(error.message):
        return _as(ContextLengthExceededError, error, "context_length_exceeded")
    if _NO_MONEY.search(error.message):
        return _as(type(error) if status is not None else BadRequestError, error, "insufficient_quota")
    kind = _TYPES.get(error.type or "") if status is None and type(error) is APIError else None
    return error if kind is None else _as(kind, error, None)


def _as(kind: type[APIError], error: APIError, code: str | None) -> APIError:
    return kind(
        error.message,
        code=error.code if code is None else code,
        type=error.type,
        param=error.param,
        request_id=error.request_id,
        status_code=error.status_code,
        retry_after=error.retry_after,
        should_retry=error.should_retry,
        stage=error.stage,
        body_excerpt=error.body_excerpt,
    )
