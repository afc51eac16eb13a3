"""Refusal: each failure as a client is told of it."""

from __future__ import annotations

import json

import pytest

from jackfield import errors
from jackfield.call import Attempt
from jackfield.http import Backend
from jackfield.models import ErrorResponse
from jackfield.wire import from_json
from jackfield_gateway.refusal import Refusal, refusal_of


def tried(error: errors.CallError, times: int) -> errors.CallError:
    """The error of a call that made so many attempts."""
    backend = Backend("b", "https://b.example")
    error.attempts = tuple(Attempt(number + 1, backend, "m") for number in range(times))
    return error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.BadRequestError("no", status_code=400, code="c"), 400, "c"),
        (errors.AuthenticationError("bad key", status_code=401, code="c"), 502, "backend_authentication"),
        (errors.PermissionDeniedError("no", status_code=403, code="c"), 403, "c"),
        (errors.NotFoundError("no model", status_code=404, code="c"), 404, "c"),
        (errors.NotFoundError("leads nowhere"), 404, "model_not_found"),
        (errors.UnprocessableEntityError("no", status_code=422), 422, None),
        (errors.RateLimitError("slow", status_code=429, code="c"), 429, "c"),
        (errors.RateLimitError("slow"), 429, None),
        (errors.InternalServerError("oh", status_code=503), 503, None),
        (errors.UnexpectedRedirectError("there", status_code=302), 502, "backend_error"),
        (errors.APIConnectionError("nobody"), 502, "backend_unreachable"),
        (errors.APITimeoutError("late"), 504, "backend_timeout"),
        (errors.DeadlineExceededError(), 504, "deadline_exceeded"),
        (errors.ConfigError("environment variable KEY is not set"), 500, "backend_configuration"),
        (errors.InvalidResponseError("what"), 502, "backend_invalid_response"),
        (errors.StreamInterruptedError("cut"), 502, "stream_interrupted"),
        (errors.UnsupportedParameterError("no way", param="n"), 400, "unsupported_parameter"),
        (errors.ClientClosedError(), 503, "shutting_down"),
        (errors.ValidationError("messages: expected array"), 400, "invalid_value"),
        (errors.PluginError("secret words of a plugin"), 500, "internal_error"),
        (RuntimeError("secret words"), 500, "internal_error"),
    ],
)
def test_each_error_has_its_status_and_code(error, status, code):
    """What is about the request passes; what is about the gateway's own affairs is a bad gateway."""
    refusal = refusal_of(error)
    assert (refusal.status, refusal.code) == (status, code)


def test_a_fault_of_the_program_is_not_told():
    """Its words may be of anything."""
    assert "secret" not in refusal_of(RuntimeError("secret words")).message


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.APIConnectionError, "backend_unreachable"),
        (errors.APITimeoutError, "backend_timeout"),
        (errors.InvalidResponseError, "backend_invalid_response"),
        (errors.UnexpectedRedirectError, "backend_error"),
        (errors.StreamInterruptedError, "stream_interrupted"),
        (errors.AuthenticationError, "backend_authentication"),
    ],
)
def test_neither_place_nor_key_of_a_backend_is_told(kind, code):
    """Both are the operator's matter, and stand in the inspector; some services show part of a wrong key."""
    refusal = refusal_of(kind("no JSON from http://10.1.2.3:9 with sk-****abcd"))
    assert "10.1.2.3" not in refusal.message
    assert "abcd" not in refusal.message
    assert refusal.code == code


def test_the_body_has_the_shape_that_clients_expect():
    """Four members, null where there is nothing to tell."""
    body = Refusal(404, "no such model", code="model_not_found").body
    told = {"message": "no such model", "type": "not_found_error", "param": None, "code": "model_not_found"}
    assert json.loads(body) == {"error": told}
    assert from_json(body, ErrorResponse).error.code == "model_not_found"


def test_the_fault_at_a_parameter_names_it():
    """Clients show it."""
    error = errors.BadRequestError("too hot", status_code=400, param="temperature", type="invalid_request_error")
    refusal = refusal_of(error)
    assert (refusal.param, refusal.type, refusal.message) == ("temperature", "invalid_request_error", "too hot")


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "0"), (0.2, "1"), (7.0, "7"), (7.1, "8")])
def test_the_wait_that_a_backend_asks_for_is_passed_on(seconds, header):
    """In whole seconds, never less (RFC 9110, section 10.2.3)."""
    refusal = refusal_of(errors.RateLimitError("slow", status_code=429, retry_after=seconds))
    assert refusal.headers["retry-after"] == header


@pytest.mark.parametrize(("times", "header"), [(0, None), (1, None), (2, "false")])
def test_clients_are_told_not_to_repeat_what_was_repeated(times, header):
    """Else the attempts of both multiply."""
    refusal = refusal_of(tried(errors.InternalServerError("oh", status_code=500), times))
    assert refusal.headers.get("x-should-retry") == header


def test_a_refusal_is_told_as_it_is():
    """It knows what to say."""
    refusal = Refusal(431, "too much")
    assert refusal_of(refusal) is refusal
