"""Calls and attempts as their layers see them."""

from __future__ import annotations

import pickle

import pytest

from engine_fakes import piece
from jackfield import Call, stream
from jackfield.call import Attempt
from jackfield.fold import fold
from jackfield.http import Backend
from jackfield.testing import ScriptedDriver, make_call

BACKEND = Backend("b", "echo")


def folder(*texts):
    """What puts chunks of these texts together."""
    kept = stream.folder()
    kept.extend([piece(text) for text in texts])
    return kept


def test_a_call_tells_the_time_by_its_own_clock():
    """Elapsed time and time left are counted on the clock of the driver."""
    driver = ScriptedDriver()
    call = make_call(driver, timeout=10)
    driver.now += 4
    assert (call.elapsed, call.time_left) == (4, 6)
    driver.now += 8
    assert call.time_left == -2


def test_a_call_without_timeout_has_no_deadline_of_its_own():
    """The first backend sets it."""
    assert make_call().deadline == float("inf")
    assert make_call(timeout=0).time_left == 0


def test_ids_are_hexadecimal_and_differ():
    """An id names one call."""
    first, second = make_call(), make_call()
    assert first.id != second.id
    assert len(bytes.fromhex(first.id)) == 16


def test_before_the_first_attempt_there_is_no_backend_and_nothing_partial():
    """What is not yet known is None."""
    call = make_call()
    assert (call.attempt, call.backend, call.partial) == (None, None, None)


def test_attempt_backend_and_partial_are_of_the_last_attempt():
    """What an earlier attempt had does not count."""
    call = make_call()
    other = Backend("other", "echo")
    call.attempts.append(Attempt(1, BACKEND, "m", folder=folder("old")))
    assert call.attempt.number == 1
    assert call.backend is BACKEND
    assert call.partial == fold([piece("old")])
    call.attempts.append(Attempt(2, other, "m"))
    assert call.attempt.number == 2
    assert call.backend is other
    assert call.partial is None
    call.attempts[1].folder = folder()
    assert call.partial is None
    call.attempts[1].folder = folder("n", "ew")
    assert call.partial == fold([piece("n"), piece("ew")])


@pytest.mark.parametrize("name", ["id", "attempts", "state", "faults"])
def test_calls_share_nothing(name):
    """What one call keeps is not another's."""
    first, second = make_call(), make_call()
    assert getattr(first, name) is not getattr(second, name)


def test_the_repr_of_a_call_shows_no_headers_and_no_state():
    """What a host sends besides may be a secret."""
    call = Call(lambda: 0.0, "m", extra_headers={"x-key": "canary"}, extra_body={"k": "canary"})
    call.state["x"] = "canary"
    assert "canary" not in repr(call)
    assert "canary" not in repr(Attempt(1, BACKEND, "m", state={1: "canary"}, folder=folder("canary")))


def test_an_attempt_is_pickled_without_state_and_stream():
    """What layers keep may not be fit for another process."""
    attempt = Attempt(1, BACKEND, "m", wait=2.0, outcome="error", state={1: lambda: None}, folder=folder("a"))
    again = pickle.loads(pickle.dumps(attempt))
    assert (again.number, again.model, again.wait, again.outcome) == (1, "m", 2.0, "error")
    assert (again.state, again.folder) == ({}, None)
    assert again.backend.name == "b"


def test_an_attempt_reads_limits_from_the_head_of_the_answer():
    """The backend's headers are looked into when they are asked for; what it did not tell is None or empty."""
    head = {"X-RateLimit-Remaining-Requests": "9", "openai-processing-ms": "12.5", "date": "now"}
    attempt = Attempt(1, BACKEND, "m", head=head)
    assert attempt.rate_limit == {"remaining-requests": "9"}
    anthropic = Attempt(1, BACKEND, "m", head={"Anthropic-RateLimit-Tokens-Reset": "2026-01-01T00:00:00Z"})
    assert anthropic.rate_limit == {"tokens-reset": "2026-01-01T00:00:00Z"}
    silent = Attempt(1, BACKEND, "m")
    assert silent.rate_limit == {}
