"""Faults: every way in which what is inside of a middleware can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import get_args

from jackfield import errors
from jackfield.errors import APIConnectionError, APIError, APIStatusError, PluginError, Stage, StreamInterruptedError

STAGES: tuple[Stage, ...] = get_args(Stage)
_STATUS = {
    "BadRequestError": 400,
    "ContextLengthExceededError": 400,
    "ContentFilterError": 400,
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "ConflictError": 409,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
    "InternalServerError": 503,
    "UnexpectedRedirectError": 302,
    "APIStatusError": 418,
}
Maker = Callable[[], BaseException]


class ForeignError(Exception):
    """An exception that no layer knows."""


def api_errors() -> list[type[APIError]]:
    """Every class of ``APIError`` that jackfield has."""
    found = [APIError]
    for known in found:
        found += [kind for kind in known.__subclasses__() if kind.__module__ == errors.__name__]
    return found


def api_error(kind: type[APIError], stage: Stage) -> APIError:
    """An error of a backend, as its class has it."""
    status = _STATUS[kind.__name__] if issubclass(kind, APIStatusError) else None
    code = "reset" if issubclass(kind, APIConnectionError) else None
    return kind(f"the backend failed ({stage})", stage=stage, status_code=status, code=code)


def staged(kind: type[APIError]) -> Iterator[tuple[Stage, Maker]]:
    """Makers of that error, one for each stage."""
    for stage in STAGES:
        yield stage, partial(api_error, kind, stage)


OTHERS: dict[str, Maker] = {
    "another layer broke the contract": partial(PluginError, "another layer broke the contract"),
    "a foreign exception": partial(ForeignError, "of another library"),
    "KeyboardInterrupt": KeyboardInterrupt,
}
"""What is no ``APIError``."""


def interrupted() -> StreamInterruptedError:
    """A stream that broke."""
    return StreamInterruptedError("the stream broke off")
