"""The engine's failures as errors of jackfield."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.errors import (
    APIError,
    BadRequestError,
    ContextLengthExceededError,
    InternalServerError,
    JackfieldError,
    status_error,
)

TOO_LONG = "exceed_context_size_error"


def bad_request(message: str, param: str | None = None) -> BadRequestError:
    """The error for a request that is refused before the engine sees it."""
    return BadRequestError(message, type="invalid_request_error", param=param, status_code=400)


def from_exception(error: BaseException) -> BaseException:
    """What stands for an exception of the engine: ``ValueError`` is the caller's fault, anything else the engine's."""
    if isinstance(error, JackfieldError) or not isinstance(error, Exception):
        return error
    if isinstance(error, ValueError):
        return bad_request(f"the local engine refused the request: {error}")
    return InternalServerError(f"the local engine failed: {error}", type="server_error", status_code=500)


def from_reply(error: Any) -> APIError:
    """The error for an ``error`` object that the engine gave instead of an answer.

    Its ``code`` is a word, or None: the engine has the status there, for which OpenAI has no code.
    """
    fields: Mapping[str, Any] = error if isinstance(error, Mapping) else {"message": str(error)}
    message, kind, code = str(fields.get("message", "no reason given")), fields.get("type"), fields.get("code")
    status = code if isinstance(code, int) and code in range(400, 600) else 500
    if kind == TOO_LONG:
        return ContextLengthExceededError(
            f"{message}: shorten the messages, or raise the local backend's setting `context`",
            code="context_length_exceeded",
            type=kind,
            param="messages",
            status_code=status,
        )
    return status_error(status)(
        message,
        code=code if isinstance(code, str) and not code.isdecimal() else None,
        type=None if kind is None else str(kind),
        status_code=status,
    )
