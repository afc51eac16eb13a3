"""The ledger: what is told of each attempt."""

from __future__ import annotations

import pickle

import pytest

from engine_fakes import (
    URL,
    Driven,
    Layer,
    Provider,
    Retry,
    answer,
    ask,
    in_turn,
    piece,
    said,
    sending,
    streaming,
)
from jackfield import (
    APIConnectionError,
    APITimeoutError,
    BadRequestError,
    DeadlineExceededError,
    Deliver,
    HttpRequest,
    InternalServerError,
    InvalidResponseError,
    PluginError,
    Read,
    Send,
    Sleep,
    StreamInterruptedError,
)
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.http import Timeouts
from jackfield.models import CompletionUsage
from jackfield.redaction import remember
from jackfield.testing import Echo, plan


def attempts_of(the_plan, request, driver=None, **fields):
    """The ledger of a call, and its error or None."""
    driven = Driven(the_plan, driver or ScriptedDriver()).begin(request, **fields)
    try:
        driven.finish()
    except Exception as error:
        return driven.engine.call.attempts, error
    return driven.engine.call.attempts, None


def test_a_successful_attempt_tells_number_backend_model_duration_and_usage():
    """All that is known of a success is in its entry."""

    def behave(request, call):
        yield Sleep(2)
        return answer(usage=CompletionUsage(total_tokens=5))

    (attempt,), _ = attempts_of(plan(Provider(behave)), ask(model="test/m"))
    assert (attempt.number, attempt.backend.name, attempt.model, attempt.stream) == (1, "test", "m", False)
    assert (attempt.outcome, attempt.error, attempt.duration, attempt.started) == ("success", None, 2, 0)
    assert attempt.usage == CompletionUsage(total_tokens=5)
    assert not attempt.maybe_billed


def test_the_seconds_that_layers_slept_before_an_attempt_are_told():
    """``wait`` is what layers slept since the attempt before; a provider's own sleep is not counted."""

    def waiting(request, call):
        yield Sleep(1)
        try:
            return (yield request)
        except InternalServerError:
            yield Sleep(3)
            yield Sleep(4)
        return (yield request)

    def slow(request, call):
        yield Sleep(10)
        raise InternalServerError("x")

    attempts, _ = attempts_of(plan(in_turn(slow, answer()), middleware=[Layer(waiting)]), ask())
    assert [attempt.wait for attempt in attempts] == [1, 7]
    assert [attempt.started for attempt in attempts] == [1, 18]
    assert [attempt.number for attempt in attempts] == [1, 2]


def test_an_attempt_that_runs_has_no_outcome_yet():
    """A layer that looks while an attempt runs sees it running."""
    driven = Driven(plan(Provider(sending)), ScriptedDriver([Reply()])).begin(ask())
    (attempt,) = driven.engine.call.attempts
    assert (attempt.outcome, attempt.duration) == ("running", None)
    assert driven.engine.call.attempt is attempt
    assert driven.engine.call.backend is attempt.backend
    assert said(driven.finish()) == "200 "


def test_the_first_chunk_is_timed_from_the_attempts_start():
    """Time to the first chunk leaves out what came before the attempt."""

    def behave(request, call):
        yield Sleep(3)
        yield Deliver([piece("a")])
        yield Sleep(1)
        yield Deliver([piece("b")], last=True)

    def late(request, call):
        yield Sleep(5)
        return (yield request)

    (attempt,), _ = attempts_of(plan(Provider(behave), middleware=[Layer(late)]), ask(stream=True))
    assert (attempt.first_chunk, attempt.started, attempt.duration, attempt.stream) == (3, 5, 4, True)


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (APIConnectionError("x", stage="not_sent"), False),
        (APIConnectionError("x", stage="ambiguous"), True),
        (APITimeoutError("x"), True),
        (BadRequestError("HTTP 400"), False),
        (InternalServerError("HTTP 500"), False),
        (InvalidResponseError("no JSON"), True),
        (StreamInterruptedError("cut"), True),
    ],
)
def test_tokens_of_a_failed_attempt_may_be_billed_unless_the_backend_did_no_work(error, billed):
    """What was sent and not refused may have cost tokens."""

    def behave(request, call):
        yield Send(HttpRequest("POST", URL))
        raise error

    (attempt,), caught = attempts_of(plan(Provider(behave)), ask(), ScriptedDriver([Reply()]))
    assert caught is error
    assert attempt.maybe_billed is billed
    assert attempt.exchanges == 1


def test_nothing_is_billed_where_nothing_was_sent():
    """An attempt that never reached a backend cost nothing."""
    (attempt,), _ = attempts_of(plan(in_turn(APIConnectionError("x"))), ask())
    assert (attempt.exchanges, attempt.maybe_billed) == (0, False)


def test_a_cancelled_attempt_may_be_billed():
    """The backend may go on working after the host has left."""
    driven = Driven(plan(Provider(sending)), ScriptedDriver([Reply()])).begin(ask()).on()
    driven.engine.cancel()
    (attempt,) = driven.engine.call.attempts
    assert (attempt.outcome, attempt.error, attempt.maybe_billed) == ("cancelled", "CallCancelled", True)


def test_the_usage_of_a_broken_stream_is_what_had_been_told():
    """Usage that came before a stream broke is in the ledger."""

    def behave(request, call):
        yield Deliver([piece("a", usage=CompletionUsage(total_tokens=2))])
        raise StreamInterruptedError("cut")

    (attempt,), _ = attempts_of(plan(Provider(behave)), ask(stream=True))
    assert attempt.usage == CompletionUsage(total_tokens=2)
    (attempt,), _ = attempts_of(plan(Provider(streaming("a", error=StreamInterruptedError("x")))), ask(stream=True))
    assert attempt.usage is None


@pytest.mark.parametrize("known", ["error", "attempt"])
def test_error_and_attempt_share_the_request_id(known):
    """Whoever knows the backend's id of the exchange tells the other."""

    def behave(request, call):
        if known == "attempt":
            call.attempt.request_id = "req-1"
        raise InternalServerError("x", request_id="req-1" if known == "error" else None)
        yield

    (attempt,), error = attempts_of(plan(Provider(behave)), ask())
    assert attempt.request_id == error.request_id == "req-1"


def test_the_text_of_a_failure_is_scrubbed():
    """A foreign exception's text may hold a key; the ledger may be logged."""
    remember("sk-ledger-canary")
    (attempt,), _ = attempts_of(plan(in_turn(ValueError("key sk-ledger-canary"))), ask())
    assert attempt.error == "ValueError: key ***"


def test_an_error_that_knows_its_backend_keeps_it():
    """The error of an attempt is about that attempt, even if another was made after it."""
    first = InternalServerError("first")

    def keep_first(request, call):
        try:
            return (yield request)
        except InternalServerError as error:
            kept = error
        try:
            return (yield ask(model="other/n"))
        except InternalServerError:
            raise kept from None

    the_plan = plan(
        in_turn(first), middleware=[Layer(keep_first)], backends={"other": in_turn(InternalServerError("second"))}
    )
    attempts, error = attempts_of(the_plan, ask(model="test/m"))
    assert error is first
    assert (error.backend, error.model) == ("test", "m")
    assert error.attempts == tuple(attempts)
    assert [attempt.backend.name for attempt in attempts] == ["test", "other"]


def test_an_error_of_a_layer_tells_the_backend_that_was_asked_last():
    """A deadline that passes between attempts is told with the backend before it; without attempts there is none."""

    def late(request, call):
        yield Sleep(100)
        return (yield request)

    _, error = attempts_of(plan(Echo(), middleware=[Layer(late)]), ask(), timeout=1)
    assert isinstance(error, DeadlineExceededError)
    assert (error.backend, error.model, error.attempts) == (None, None, ())

    def after(request, call):
        yield request
        yield Sleep(100)

    _, error = attempts_of(plan(Echo(), middleware=[Layer(after)]), ask(model="test/m"), timeout=1)
    assert (error.backend, error.model, len(error.attempts)) == ("test", "m", 1)


def test_the_first_backend_sets_the_deadline_and_later_ones_do_not():
    """A fallback does not give the call more time."""
    driven = Driven(
        plan(in_turn(InternalServerError("x"), sending), middleware=[Retry()], timeouts=Timeouts(total=9)),
        ScriptedDriver([Reply()]),
    ).begin(ask())
    assert driven.engine.call.deadline == driven.engine.call.started + 9
    driven.driver.now += 2
    driven.finish()
    assert driven.engine.call.deadline == driven.engine.call.started + 9


def test_an_error_with_its_attempts_can_be_pickled():
    """The ledger goes with the error to another process, without what belongs to layers and streams."""

    def behave(request, call):
        call.attempt.state[object()] = lambda: None
        yield Send(HttpRequest("POST", URL))
        response = yield Deliver([piece("a")])
        raise StreamInterruptedError("cut", partial=call.partial) if response is None else PluginError("no")

    _, error = attempts_of(plan(Provider(behave)), ask(stream=True), ScriptedDriver([Reply()]))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is StreamInterruptedError
    assert again.partial == error.partial
    (attempt,) = again.attempts
    assert (attempt.error, attempt.exchanges, attempt.backend.name) == ("StreamInterruptedError: cut", 1, "test")
    assert (attempt.state, attempt.folder) == ({}, None)


def test_what_is_read_of_an_answer_is_no_exchange():
    """``exchanges`` counts requests, not blocks."""

    def behave(request, call):
        response = yield Send(HttpRequest("POST", URL))
        while (yield Read(response)):
            pass
        return answer()

    (attempt,), _ = attempts_of(plan(Provider(behave)), ask(), ScriptedDriver([Reply(blocks=[b"a", b"b"])]))
    assert attempt.exchanges == 1
