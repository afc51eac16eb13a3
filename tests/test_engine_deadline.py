"""The engine: the deadline of a call."""

from __future__ import annotations

import itertools

import pytest

from engine_fakes import (
    Driven,
    Layer,
    Recorder,
    answer,
    ask,
    in_turn,
    said,
)
from jackfield import (
    DeadlineExceededError,
    Run,
    Sleep,
)
from jackfield.drivers.scripted import ScriptedDriver
from jackfield.http import Timeouts
from jackfield.testing import plan, run_call


def test_the_deadline_ends_a_request_passed_inward_after_it():
    """A request passed inward after the deadline has ``DeadlineExceededError`` as its outcome, and nobody is asked."""
    driver, provider = ScriptedDriver(), in_turn(answer())

    def late(request, call):
        yield Run(setattr, driver, "now", driver.now + 5)
        return (yield request)

    def flow(request, call):
        driver.now += 5
        return (yield request)

    outer = Recorder()
    with pytest.raises(DeadlineExceededError):
        run_call(plan(provider, middleware=[outer, Layer(flow)]), ask(), driver, timeout=3)
    with pytest.raises(DeadlineExceededError):
        run_call(plan(provider, middleware=[outer, Layer(late)]), ask(), driver, timeout=3)
    assert outer.words == ["DeadlineExceededError"] * 2
    assert provider.requests == []


def test_after_the_deadline_a_layer_that_yields_is_closed_and_the_error_goes_outward():
    """A layer that wants to try again after the deadline is closed; what it was told goes on outward."""
    cleaned = []

    def stubborn(request, call):
        try:
            for _ in itertools.count():
                try:
                    return (yield request)
                except DeadlineExceededError:
                    yield Sleep(1)
        finally:
            cleaned.append(call.faults[:])

    outer, provider = Recorder(), in_turn(lambda request, call: iter_sleep(10))
    with pytest.raises(DeadlineExceededError) as caught:
        run_call(plan(provider, middleware=[outer, Layer(stubborn)]), ask(), timeout=3)
    assert outer.outcomes == [caught.value]
    assert cleaned == [[]]
    assert caught.value.attempts[0].outcome == "error"


@pytest.mark.parametrize(("slept", "asked"), [(2.999, 1), (3, 0), (3.001, 0)])
def test_at_the_deadline_itself_nobody_is_asked_any_more(slept, asked):
    """The deadline is the first moment at which there is no time left."""
    driver, provider = ScriptedDriver(), in_turn(answer())

    def flow(request, call):
        driver.now = call.started + slept
        return (yield request)

    the_plan = plan(provider, middleware=[Layer(flow)])
    if asked:
        run_call(the_plan, ask(), driver, timeout=3)
    else:
        with pytest.raises(DeadlineExceededError):
            run_call(the_plan, ask(), driver, timeout=3)
    assert len(provider.requests) == asked


def iter_sleep(seconds):
    """A flow that sleeps and answers."""
    yield Sleep(seconds)
    return answer()


def test_an_answer_in_place_of_the_deadline_is_allowed_but_nothing_can_be_asked_after_it():
    """A layer may answer from what it has; a layer outside that wants more is closed."""

    def salvage(request, call):
        try:
            return (yield request)
        except DeadlineExceededError:
            return answer("what I have")

    def greedy(request, call):
        yield request
        return (yield request)

    def slow(request, call):
        return iter_sleep(10)

    assert said(run_call(plan(in_turn(slow), middleware=[Layer(salvage)]), ask(), timeout=3)) == "what I have"
    with pytest.raises(DeadlineExceededError):
        run_call(plan(in_turn(slow), middleware=[Layer(greedy), Layer(salvage)]), ask(), timeout=3)


def test_the_backends_total_is_the_deadline_of_a_call_that_has_none():
    """Where the host gave no timeout, the first backend that is asked sets the deadline."""
    driven = Driven(plan(in_turn(lambda request, call: iter_sleep(8)), timeouts=Timeouts(total=7))).begin(ask())
    assert driven.engine.call.time_left == 7
    with pytest.raises(DeadlineExceededError):
        driven.finish()
