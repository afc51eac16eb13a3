"""What an outcome says of the backend."""

from __future__ import annotations

import attrs
import pytest

from jackfield.call import Attempt
from jackfield.errors import APIConnectionError, CallError, DeadlineExceededError, InternalServerError, PluginError
from jackfield.http import Backend, Timeouts, Transport
from jackfield_routing.verdict import Verdict, judge

ATTEMPT = Attempt(1, Backend("b", "p", None, Timeouts(), Transport()), "m", outcome="error")
TROUBLE = {
    *("refused", "certificate", "reset", "first byte", "stream broke", "no answer"),
    *("server error inside an answer", "301", "500", "503", "529"),
}
HERE = {
    *("404 before sending", "circuit open", "pool"),
    *("unsupported parameter", "refused by the provider", "filter before sending"),
}


def test_trouble_of_the_backend_and_nothing_else_is_a_failure(kinds):
    """Lost connections, answers that are none, redirects and 5xx; no 429, no other 4xx, nothing of this side."""
    judged = {name: judge(make(), ATTEMPT) for name, make in kinds.items()}

    assert {name for name, verdict in judged.items() if verdict is Verdict.FAILURE} == TROUBLE
    assert {name for name, verdict in judged.items() if verdict is Verdict.NOTHING} == HERE
    assert set(judged.values()) == {Verdict.FAILURE, Verdict.NOTHING, Verdict.REFUSAL}


def test_where_no_backend_was_asked_nothing_is_said(kinds):
    """A layer inside that fails by itself is no backend."""
    assert {judge(make(), None) for make in kinds.values()} == {Verdict.NOTHING}


@pytest.mark.parametrize("error", [PluginError("broken"), ZeroDivisionError("a bug"), CallError("?")])
def test_what_is_no_failure_of_a_backend_says_nothing(error: Exception):
    """A broken plugin and a bug are not the backend's."""
    assert judge(error, ATTEMPT) is Verdict.NOTHING


@pytest.mark.parametrize(
    ("outcome", "first_chunk", "verdict"),
    [
        ("error", None, Verdict.FAILURE),
        ("error", 0.0, Verdict.NOTHING),
        ("success", None, Verdict.NOTHING),
    ],
)
def test_a_deadline_is_a_failure_where_nothing_had_come(outcome: str, first_chunk: float | None, verdict: Verdict):
    """A backend that hangs is in trouble; one that was answering, or had answered, was given too little time."""
    attempt = attrs.evolve(ATTEMPT, outcome=outcome, first_chunk=first_chunk)

    assert judge(DeadlineExceededError(), attempt) is verdict


def test_an_open_circuit_further_inside_says_nothing_even_after_an_attempt():
    """Another model may have been asked before it."""
    assert judge(APIConnectionError("open", code="circuit_open", stage="not_sent"), ATTEMPT) is Verdict.NOTHING


def test_a_status_goes_before_the_class():
    """What says 404 is a refusal, whatever it is called."""
    assert judge(InternalServerError("?", status_code=404), ATTEMPT) is Verdict.REFUSAL
