"""Failure: Google's error objects as exceptions (https://google.aip.dev/193)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from jackfield.errors import (
    APIError,
    APIStatusError,
    AuthenticationError,
    ContextLengthExceededError,
    InternalServerError,
    RateLimitError,
    ValidationError,
)
from jackfield.event_reader import check
from jackfield.failure import MAX_WORD, answer_error, body_error, excerpt
from jackfield.wire import parse

_TOO_LONG = re.compile(r"input token count\b.{0,40}\bexceeds the maximum number of tokens")
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)s")
_BAD_KEYS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
_BY_STATUS: Mapping[str, type[APIStatusError]] = {
    "DEADLINE_EXCEEDED": InternalServerError,
    "INTERNAL": InternalServerError,
    "RESOURCE_EXHAUSTED": RateLimitError,
    "UNAUTHENTICATED": AuthenticationError,
    "UNAVAILABLE": InternalServerError,
}
"""Classes for errors that have no HTTP status."""


@attrs.frozen
class Told:
    """What an error object tells besides its message.

    Attributes:
        status: canonical name, such as ``RESOURCE_EXHAUSTED``.
        reason: for programs, of ``ErrorInfo``.
        field: the first that was wrong, of ``BadRequest``.
        retry_after: seconds, of ``RetryInfo``.
        by_day: a quota of the day is used up, of ``QuotaFailure``.
        too_long: the prompt does not fit.
    """

    status: str | None = None
    reason: str | None = None
    field: str | None = None
    retry_after: float | None = None
    by_day: bool = False
    too_long: bool = False


def told(content: Any) -> Told:
    """What a decoded body tells of an error; whatever has another shape tells nothing."""
    error = content[0] if isinstance(content, list) and content else content
    error = error.get("error") if isinstance(error, dict) else None
    if not isinstance(error, dict):
        return Told()
    details = {kind: detail for detail in _objects(error.get("details")) if (kind := _kind(detail))}
    violations = _objects(details.get("QuotaFailure", {}).get("violations"))
    fields = _objects(details.get("BadRequest", {}).get("fieldViolations"))
    return Told(
        status=_word(error.get("status")),
        reason=_word(details.get("ErrorInfo", {}).get("reason")),
        field=next((_word(field.get("field")) for field in fields), None),
        retry_after=_seconds(details.get("RetryInfo", {}).get("retryDelay")),
        by_day=any("PerDay" in str(violation.get("quotaId")) for violation in violations),
        too_long=_TOO_LONG.search(str(error.get("message"))) is not None,
    )


def failure(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    """The exception for an answer whose status is a failure; see ``HttpProvider.failure``."""
    try:
        content = parse(body)
    except ValidationError:
        content = None
    return _typed(answer_error(status, headers, body), told(content))


def event_failure(kind: str, data: bytes) -> APIError | None:
    """The exception for an event of a stream that tells of an error, or None."""
    try:
        content: Any = parse(data)
    except ValidationError:
        content = None
    plain = body_error(content)
    if plain is None and kind == "error":
        try:
            check(kind, data)
        except APIError as error:
            plain = error
    return None if plain is None else _typed(plain, told(content))


def raw_failure(tail: bytes) -> APIError | None:
    """The exception for an error object that stands in a stream without being an event, or None.

    Args:
        tail: the last bytes of the stream.
    """
    text = tail.decode("utf-8", "replace")
    for start in re.finditer(r"^[\[{]", text, re.MULTILINE):
        try:
            content, _ = json.JSONDecoder().raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if (plain := body_error(content)) is not None:
            return _typed(plain, told(content))
    return None


def _typed(plain: APIError, told: Told) -> APIError:
    """The error with what Google tells of it: ``code`` is the reason or else the status, ``type`` the status."""
    error = plain
    kind = _class(plain, told)
    if kind is not type(plain):
        error = kind(plain.message, stage=plain.stage)
        vars(error).update({name: value for name, value in vars(plain).items() if name != "args"})
    error.code = told.reason or told.status or plain.code
    error.type = told.status or plain.type
    error.param = told.field or plain.param
    if error.retry_after is None:
        error.retry_after = told.retry_after
    if told.by_day and error.should_retry is None:
        error.should_retry = False  # the day does not end sooner
    return error


def _class(plain: APIError, told: Told) -> type[APIError]:
    if told.reason in _BAD_KEYS:
        return AuthenticationError
    if told.too_long:
        return ContextLengthExceededError
    if plain.status_code is None and told.status is not None:
        return _BY_STATUS.get(told.status, type(plain))
    return type(plain)


def _kind(detail: Mapping[str, Any]) -> str:
    return str(detail.get("@type")).rpartition(".")[2]


def _objects(value: Any) -> Sequence[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _word(value: Any) -> str | None:
    return excerpt(value, MAX_WORD) if isinstance(value, str) and value else None


def _seconds(value: Any) -> float | None:
    """A duration of protocol buffers' JSON: ``34.4s``."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    seconds = None if found is None else float(found[1])
    return seconds if seconds is not None and math.isfinite(seconds) else None
