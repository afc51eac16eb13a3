"""What the service's words tell beyond its status."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from jackfield.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ContextLengthExceededError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from jackfield_anthropic import AnthropicProvider


def failed(status: int, kind: str, message: str = "no", **headers: str) -> Any:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_2"}
    return AnthropicProvider().failure(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "kind", "wanted"),
    [
        (400, "invalid_request_error", BadRequestError),
        (401, "authentication_error", AuthenticationError),
        (402, "billing_error", APIStatusError),
        (403, "permission_error", PermissionDeniedError),
        (404, "not_found_error", NotFoundError),
        (409, "conflict_error", ConflictError),
        (413, "request_too_large", APIStatusError),
        (429, "rate_limit_error", RateLimitError),
        (500, "api_error", InternalServerError),
        (504, "timeout_error", InternalServerError),
        (529, "overloaded_error", InternalServerError),
    ],
)
def test_each_status_has_its_exception(status, kind, wanted):
    """With the service's own type and message, and the id of the exchange."""
    error = failed(status, kind, "why", **{"request-id": "req_1", "retry-after": "7", "x-should-retry": "false"})

    assert type(error) is wanted
    assert (error.status_code, error.type, error.code, error.message) == (status, kind, None, f"HTTP {status}: why")
    assert (error.request_id, error.retry_after, error.should_retry) == ("req_1", 7.0, False)


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 213462 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease input length or `max_tokens` and try again",
    ],
)  # fmt: skip
def test_a_prompt_that_does_not_fit_is_named_so(message):
    """A host can shorten it and try again."""
    error = failed(400, "invalid_request_error", message, **{"request-id": "req_1", "retry-after-ms": "250"})

    assert type(error) is ContextLengthExceededError
    assert (error.code, error.type, error.status_code) == ("context_length_exceeded", "invalid_request_error", 400)
    assert (error.request_id, error.retry_after, error.stage) == ("req_1", 0.25, "answered")
    assert message[:40] in error.message
    assert message[:40] in error.body_excerpt
    assert type(pickle.loads(pickle.dumps(error))) is ContextLengthExceededError


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "max_tokens: 128000 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-4-5"),
        (413, "prompt is too long"),
        (500, "prompt is too long"),
    ],
)
def test_another_limit_is_not_the_context(status, message):
    """A shorter prompt would not help."""
    assert type(failed(status, "invalid_request_error", message)) is not ContextLengthExceededError


def test_llama_cpp_says_it_in_its_own_words(data):
    """Its type tells."""
    error = AnthropicProvider().failure(400, {}, data("llama_too_long.json"))

    assert type(error) is ContextLengthExceededError


def test_a_credit_balance_that_is_too_low_is_named_so():
    """No wait and no other key of the same account helps."""
    error = failed(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.")

    assert (type(error), error.code) == (BadRequestError, "insufficient_quota")


@pytest.mark.parametrize("body", [b"", b"<html>", b'"overloaded"', b"[]", b'{"error": null}'])
def test_any_body_makes_an_error(body):
    """A proxy before the service does not speak its format."""
    error = AnthropicProvider().failure(529, {}, body)

    assert (type(error), error.status_code) == (InternalServerError, 529)
