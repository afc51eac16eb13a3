"""Google's errors: which exception, and what it tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import (
    APIError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContextLengthExceededError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from jackfield.redaction import remember
from jackfield_gemini import GeminiProvider
from jackfield_gemini.failure import event_failure, raw_failure

RPC = "type.googleapis.com/google.rpc."


def failed(status: int, content: Any, **headers: str) -> APIError:
    """The exception for an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return GeminiProvider().failure(status, named, json.dumps(content).encode())


def error(status: str, *details: dict[str, Any], code: int = 400, message: str = "Something.") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def detail(kind: str, **members: Any) -> dict[str, Any]:
    return {"@type": RPC + kind, **members}


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "INVALID_ARGUMENT", BadRequestError),
        (400, "FAILED_PRECONDITION", BadRequestError),
        (401, "UNAUTHENTICATED", AuthenticationError),
        (402, "RESOURCE_EXHAUSTED", APIStatusError),
        (403, "PERMISSION_DENIED", PermissionDeniedError),
        (404, "NOT_FOUND", NotFoundError),
        (429, "RESOURCE_EXHAUSTED", RateLimitError),
        (499, "CANCELLED", APIStatusError),
        (500, "INTERNAL", InternalServerError),
        (503, "UNAVAILABLE", InternalServerError),
        (504, "DEADLINE_EXCEEDED", InternalServerError),
    ],
)
def test_the_class_goes_by_the_status(status: int, word: str, kind: type[APIError]) -> None:
    """The word is code and type."""
    caught = failed(status, error(word, code=status))

    assert type(caught) is kind
    assert (caught.message, caught.code, caught.type, caught.status_code) == (
        f"HTTP {status}: Something.",
        word,
        word,
        status,
    )
    assert (caught.param, caught.retry_after, caught.should_retry, caught.stage) == (None, None, None, "answered")


@pytest.mark.parametrize("reason", ["API_KEY_INVALID", "API_KEY_EXPIRED"])
def test_a_wrong_key_is_told_though_the_status_is_400(reason: str) -> None:
    """All that the plain error has goes with it."""
    caught = failed(
        400, error("INVALID_ARGUMENT", detail("ErrorInfo", reason=reason)), x_request_id="req-1", x_should_retry="false"
    )

    assert type(caught) is AuthenticationError
    assert (caught.code, caught.type, caught.request_id, caught.should_retry) == (
        reason,
        "INVALID_ARGUMENT",
        "req-1",
        False,
    )
    assert reason in (caught.body_excerpt or "")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
            ContextLengthExceededError,
        ),
        ("The input token count exceeds the maximum number of tokens allowed 32768.", ContextLengthExceededError),
        ("The number of tokens allowed is 5.", BadRequestError),
    ],
)
def test_a_prompt_that_is_too_long_is_told_by_the_message(message: str, kind: type[APIError]) -> None:
    """Nothing else tells it."""
    assert type(failed(400, error("INVALID_ARGUMENT", message=message))) is kind


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        ("37s", 37.0),
        ("34.4s", 34.4),
        ("0s", 0.0),
        ("-1s", None),
        ("soon", None),
        ("1e5s", None),
        (5, None),
        (None, None),
        ("9" * 40 + "s", None),
    ],
)
def test_the_wait_is_told_by_its_detail(delay: Any, seconds: float | None) -> None:
    """No header tells it; what is malformed is none."""
    caught = failed(429, error("RESOURCE_EXHAUSTED", detail("RetryInfo", retryDelay=delay), code=429))

    assert caught.retry_after == seconds


def test_a_header_with_the_wait_wins() -> None:
    """A gateway that sets one knows better."""
    caught = failed(429, error("RESOURCE_EXHAUSTED", detail("RetryInfo", retryDelay="37s"), code=429), retry_after="2")

    assert caught.retry_after == 2.0


@pytest.mark.parametrize(
    ("quota", "should_retry"),
    [("GenerateRequestsPerDayPerProjectPerModel-FreeTier", False), ("GenerateRequestsPerMinutePerProject", None)],
)
def test_a_quota_of_the_day_is_not_tried_again(quota: str, should_retry: bool | None) -> None:
    """Waiting does not help before tomorrow."""
    violations = [{"quotaId": "GenerateRequestsPerMinutePerProject"}, {"quotaId": quota}]

    caught = failed(429, error("RESOURCE_EXHAUSTED", detail("QuotaFailure", violations=violations), code=429))

    assert caught.should_retry is should_retry
    assert (
        failed(
            429, error("RESOURCE_EXHAUSTED", detail("QuotaFailure", violations=violations)), x_should_retry="true"
        ).should_retry
        is True
    )


def test_the_field_that_is_wrong_is_told() -> None:
    """The first of them."""
    violations = [{"field": "contents[0].parts[1]", "description": "Cannot find field."}, {"field": "other"}]

    caught = failed(400, error("INVALID_ARGUMENT", detail("BadRequest", fieldViolations=violations)))

    assert caught.param == "contents[0].parts[1]"


def test_a_list_with_an_error_is_that_error() -> None:
    """As some endpoints of the service wrap it."""
    caught = failed(429, [error("RESOURCE_EXHAUSTED", detail("RetryInfo", retryDelay="5s"), code=429)])

    assert (type(caught), caught.message, caught.type, caught.retry_after) == (
        RateLimitError,
        "HTTP 429: Something.",
        "RESOURCE_EXHAUSTED",
        5.0,
    )


def test_a_secret_in_an_error_is_not_shown() -> None:
    """Wherever the service repeats it."""
    remember("canary-gemini-0123456789")
    word = "x canary-gemini-0123456789"

    caught = failed(
        400,
        error(
            word,
            detail("ErrorInfo", reason=word),
            detail("BadRequest", fieldViolations=[{"field": word}]),
            message=word,
        ),
    )

    assert "canary-gemini" not in repr(vars(caught))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["error", "details", "@type", "message", "status", "code", "violations", "quotaId", "fieldViolations", "field", "retryDelay", "reason"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(content=JSON, status=st.sampled_from([400, 429, 503]))
def test_a_body_of_any_shape_is_an_error_of_jackfield(content: Any, status: int) -> None:
    """Proxies write what they like."""
    body = json.dumps(content).encode()

    assert isinstance(GeminiProvider().failure(status, {}, body), APIError)
    assert isinstance(event_failure("error", body), APIError)
    for told in (event_failure("message", body), raw_failure(body)):
        assert told is None or isinstance(told, APIError)


@given(body=st.binary(max_size=40))
def test_bytes_of_any_kind_are_no_failure_of_the_reader(body: bytes) -> None:
    """Whatever stands at the end of a stream."""
    told = raw_failure(b'data: {"a": 1}\r\n\r\n' + body)

    assert told is None or isinstance(told, APIError)
