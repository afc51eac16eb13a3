"""Verdict: what the outcome of a request says of the backend. Pure functions of values."""

from __future__ import annotations

from enum import Enum

from jackfield.call import Attempt
from jackfield.errors import (
    APIConnectionError,
    APIError,
    DeadlineExceededError,
    InternalServerError,
    InvalidResponseError,
    StreamInterruptedError,
)

CIRCUIT_OPEN = "circuit_open"
OWN_CODES = frozenset({CIRCUIT_OPEN, "pool"})
"""Codes of failures on this side, which say nothing of the backend: another circuit's, connections all in use."""


class Verdict(Enum):
    """What an outcome says."""

    SUCCESS = "it answered"
    FAILURE = "it is in trouble"
    REFUSAL = "it is there, and has something against this request"
    NOTHING = "it was not asked, or was given no time"


def judge(error: Exception, attempt: Attempt | None) -> Verdict:
    """What a failure says of the backend.

    Args:
        error: what was raised.
        attempt: the last one that was made for the request; None where no backend was asked.
    """
    if attempt is None:
        return Verdict.NOTHING
    if isinstance(error, DeadlineExceededError):
        hung = attempt.outcome == "error" and attempt.first_chunk is None
        return Verdict.FAILURE if hung else Verdict.NOTHING
    if not isinstance(error, APIError) or error.code in OWN_CODES:
        return Verdict.NOTHING
    if isinstance(error, APIConnectionError):
        return Verdict.FAILURE
    if error.stage == "not_sent":
        return Verdict.NOTHING
    return Verdict.FAILURE if _is_trouble(error) else Verdict.REFUSAL


def _is_trouble(error: APIError) -> bool:
    if isinstance(error, StreamInterruptedError | InvalidResponseError):
        return True
    status = error.status_code
    if status is None:
        return isinstance(error, InternalServerError)
    return not 400 <= status < 500
