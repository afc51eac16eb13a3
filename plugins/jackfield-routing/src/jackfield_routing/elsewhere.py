"""Elsewhere: which failures another model need not have. Pure functions of values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from jackfield.errors import (
    APIConnectionError,
    APIError,
    BadRequestError,
    ContentFilterError,
    ContextLengthExceededError,
    InvalidResponseError,
    StreamInterruptedError,
    UnprocessableEntityError,
)

Condition = Literal["content_filter", "bad_request"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
"""What goes elsewhere only where the settings say so."""
OF_THE_BACKEND = frozenset({401, 402, 403, 404, 408, 409, 410, 413, 429})
"""Statuses of the 400s that tell of this backend, its key, its account, its models and limits, not of the request."""
NOT_TAKEN = frozenset({"unsupported_parameter", "unsupported_value"})
"""Codes by which a backend, or a provider on its behalf, says that it has no such feature."""


def may_pass(error: APIError, *, store: bool, on: Collection[str] = ()) -> bool:
    """Whether another model may well answer what failed here.

    Args:
        error: of a request of which the host has been given nothing.
        store: the backend was asked to keep the completion: where it may have done so, no other is asked.
        on: conditions of the settings, of ``CONDITIONS``.
    """
    if isinstance(error, ContentFilterError):
        return "content_filter" in on
    if error.stage == "not_sent":
        return True
    if is_ambiguous(error):
        return not store
    if isinstance(error, ContextLengthExceededError) or error.code in NOT_TAKEN:
        return True
    return "bad_request" in on or not _is_of_the_request(error)


def is_ambiguous(error: APIError) -> bool:
    """Whether the backend may have carried the request out, though no whole answer came."""
    broken = isinstance(error, APIConnectionError | StreamInterruptedError | InvalidResponseError)
    return error.stage == "ambiguous" or (broken and error.stage != "not_sent")


def _is_of_the_request(error: APIError) -> bool:
    """Whether the backend found fault with the request; by class where it sent no status."""
    status = error.status_code
    if status is None:
        return isinstance(error, BadRequestError | UnprocessableEntityError)
    return 400 <= status < 500 and status not in OF_THE_BACKEND
