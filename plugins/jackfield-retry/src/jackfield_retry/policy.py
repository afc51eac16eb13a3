"""Policy: which failures may pass, and how long to wait. Pure functions of values."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from jackfield.errors import (
    APIConnectionError,
    APIError,
    InternalServerError,
    InvalidResponseError,
    RateLimitError,
    StreamInterruptedError,
)

MAX_BACKOFF = 20.0
"""Seconds: no wait that the backend did not ask for is longer."""
SPREAD = 0.1
"""The part by which a wait that the backend asked for is lengthened at most: not all shall come back at once."""


@attrs.frozen
class Kind:
    """A kind of passing failure.

    Attributes:
        base: upper limit of the first wait, seconds; it doubles with each further one.
        cost: what a retry takes out of the budget.
    """

    base: float
    cost: int


TRANSIENT = Kind(base=0.25, cost=14)
THROTTLE = Kind(base=1.0, cost=5)
"""The backend is well, but wants fewer requests: a retry costs less, and comes later."""

_BY_STATUS = {
    408: TRANSIENT,
    429: THROTTLE,
    500: TRANSIENT,
    502: TRANSIENT,
    503: TRANSIENT,
    504: TRANSIENT,
    529: THROTTLE,  # "overloaded", as Anthropic and those behind Cloudflare say it
}


@attrs.frozen
class Verdict:
    """A failure that may pass.

    Attributes:
        kind: what sort of failure it is.
        ambiguous: the backend may have carried the request out.
    """

    kind: Kind
    ambiguous: bool = False


def judge(error: APIError, *, store: bool) -> Verdict | None:
    """Whether a failure may pass, or None: another try cannot help, or could do harm.

    Args:
        error: of an attempt of which the host has been given nothing.
        store: the backend was asked to keep the completion: a second one would be a side effect.
    """
    if "insufficient_quota" in {(error.code or "").lower(), (error.type or "").lower()}:
        return None
    if isinstance(error, APIConnectionError | StreamInterruptedError | InvalidResponseError):
        return _broken(error, store=store)
    if error.should_retry is not None:
        return Verdict(_kind(error) or TRANSIENT) if error.should_retry else None
    kind = _kind(error)
    return None if kind is None else Verdict(kind)


def _broken(error: APIError, *, store: bool) -> Verdict | None:
    """No answer, or half of one: what counts is how far the request came."""
    if error.stage == "not_sent":
        # A certificate does not become valid by asking again; and a layer that refused to send may have said so.
        return None if error.code == "certificate" or error.should_retry is False else Verdict(TRANSIENT)
    return None if store else Verdict(TRANSIENT, ambiguous=True)


def _kind(error: APIError) -> Kind | None:
    """By status; by class where the backend told of a failure in another way."""
    if error.status_code is not None:
        return _BY_STATUS.get(error.status_code)
    if isinstance(error, RateLimitError) or error.type == "overloaded_error":
        return THROTTLE
    return TRANSIENT if isinstance(error, InternalServerError) else None


def delay(kind: Kind, failures: int, retry_after: float | None, uniform: Callable[[float, float], float]) -> float:
    """Seconds to wait before the next try.

    What the backend asked for is the least, lengthened by up to a tenth. Otherwise full jitter: evenly anywhere between
    0 and ``base·2^(failures-1)``, at most ``MAX_BACKOFF``.

    Args:
        kind: of the last failure.
        failures: how many there were, at least 1.
        retry_after: seconds that the backend asked for; None or 0 where it asked for no wait.
        uniform: a source of random numbers between two limits.
    """
    if retry_after:
        return retry_after + uniform(0.0, retry_after * SPREAD)
    return uniform(0.0, min(MAX_BACKOFF, math.ldexp(kind.base, min(failures - 1, 32))))
