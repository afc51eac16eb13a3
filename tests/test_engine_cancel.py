"""The engine: how a call is taken down: cancelled, interrupted, closed; and what layers do wrong meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from engine_fakes import Chunks, Driven, HttpLayer, Layer, Provider, Recorder, answer, ask, in_turn, sending, streaming
from jackfield import (
    CallCancelled,
    Deliver,
    HttpRequest,
    PluginError,
    Run,
    Send,
    Sleep,
    StreamInterruptedError,
)
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.testing import Echo, plan


def broken_down(driven, expected=StreamInterruptedError):
    """What the host gets of a call that was taken down."""
    assert driven.engine.done
    with pytest.raises(expected) as caught:
        driven.engine.result()
    return caught.value


def test_a_cancelled_call_is_call_cancelled_for_every_layer_and_an_interrupted_stream_for_the_host():
    """``CallCancelled`` is the one outcome of every request, innermost first; the host gets the partial answer."""
    outer, inner = Recorder(), Recorder()
    the_plan = plan(Provider(streaming("par", "tial", "ly")), middleware=[outer], backend_middleware=[inner])
    driven = Driven(the_plan).begin(ask(stream=True, model="test/m")).on()
    assert driven.engine.cancel() is None
    error = broken_down(driven)
    assert str(error) == "closed by the host"
    assert error.partial.choices[0].message.content == "partial"
    assert (error.backend, error.model) == ("test", "m")
    assert [attempt.outcome for attempt in error.attempts] == ["cancelled"]
    assert outer.words == inner.words == ["CallCancelled"]
    assert outer.outcomes[0] is inner.outcomes[0]
    assert inner.partials == ["partial"]


def test_a_cancelled_call_tells_what_the_driver_wants_told():
    """What takes the place of ``CallCancelled`` for the host is the driver's choice."""
    driven = Driven(plan(Provider(streaming("a", "b")))).begin(ask(stream=True))
    driven.engine.cancel(TimeoutError("mine"))
    assert str(broken_down(driven, TimeoutError)) == "mine"


def test_an_interrupted_stream_of_the_drivers_own_gets_the_partial_answer_too():
    """Whoever makes the error, what had arrived is told with it."""
    driven = Driven(plan(Provider(streaming("a", "b")))).begin(ask(stream=True))
    driven.engine.cancel(StreamInterruptedError("closed by the host"))
    assert broken_down(driven).partial.choices[0].message.content == "a"


def test_cancelling_a_call_that_has_ended_changes_nothing():
    """A second cancel, or one after the end, leaves the outcome as it is."""
    driven = Driven(plan(Provider(streaming("a")))).begin(ask(stream=True))
    response = driven.finish()
    driven.engine.cancel()
    assert driven.engine.result() is response


def test_a_call_that_was_never_begun_can_be_cancelled():
    """An engine without a stack ends at once."""
    driven = Driven(plan(Echo())).begin(ask())
    engine = type(driven.engine)(plan(Echo()), driven.engine.call)
    engine.cancel()
    assert engine.done


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_what_is_no_exception_in_an_effect_takes_the_call_down_and_is_raised_unchanged(kind):
    """For the layers it is ``CallCancelled``; the host gets its own exception, the same object."""
    interrupt = kind("now")

    def wait():
        raise interrupt

    def flow(request, call):
        yield Run(wait)
        return (yield request)

    outer = Recorder()
    driven = Driven(plan(Echo(), middleware=[outer, Layer(flow)])).begin(ask()).on()
    assert broken_down(driven, kind) is interrupt
    assert outer.words == ["CallCancelled"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("place", ["layer", "provider", "hook", "on_chunk", "end_of_stream", "canned"])
def test_what_is_no_exception_in_a_layer_takes_the_call_down_wherever_it_comes(kind, place):
    """An interrupt that hits inside a plugin's code unwinds the layers outside, and reaches the host unchanged."""
    interrupt = kind("now")

    def strike(*_):
        raise interrupt

    def flow(request, call):
        strike()
        yield

    outer = Recorder()
    inner, provider = {
        "layer": (Layer(flow), Echo()),
        "provider": (Recorder(), Provider(strike)),
        "hook": (Layer(strike), Echo()),
        "on_chunk": (Chunks(strike), Echo()),
        "end_of_stream": (Chunks(lambda chunk: None, interrupt), Echo()),
        "canned": (Chunks(strike), in_turn(answer())),
    }[place]
    driven = Driven(plan(provider, middleware=[outer, inner])).begin(ask(stream=True))
    with pytest.raises(kind) as caught:
        driven.finish()
    assert caught.value is interrupt
    assert outer.words == (["hi"] if place == "canned" else ["CallCancelled"])
    assert [attempt.outcome for attempt in driven.engine.call.attempts] in (["cancelled"], [], ["success"])


def test_a_layer_that_swallows_call_cancelled_is_recorded_and_the_layers_outside_still_get_it():
    """Nobody can answer in place of a cancellation."""

    def flow(request, call):
        try:
            return (yield request)
        except CallCancelled:
            return answer("never mind")

    outer = Recorder()
    driven = Driven(plan(Provider(streaming("a", "b")), middleware=[outer, Layer(flow)])).begin(ask(stream=True))
    driven.engine.cancel()
    broken_down(driven)
    assert outer.words == ["CallCancelled"]
    assert driven.engine.call.faults == ["layer#1 (Layer of this program): swallowed CallCancelled"]


@pytest.mark.parametrize("mine", [ValueError("mine"), CallCancelled()])
def test_a_layer_that_raises_something_else_is_recorded_and_the_layers_outside_get_call_cancelled(mine):
    """A failing cleanup does not hide the cancellation."""

    def flow(request, call):
        try:
            return (yield request)
        except CallCancelled:
            raise mine from None

    outer = Recorder()
    driven = Driven(plan(Provider(streaming("a", "b")), middleware=[outer, Layer(flow)])).begin(ask(stream=True))
    driven.engine.cancel()
    broken_down(driven)
    assert outer.words == ["CallCancelled"]
    assert driven.engine.call.faults == [
        f"layer#1 (Layer of this program): raised {type(mine).__name__} in place of CallCancelled"
    ]


@pytest.mark.parametrize(
    ("instead", "expected"),
    [(None, KeyboardInterrupt), (StreamInterruptedError("closed"), KeyboardInterrupt), (SystemExit(), SystemExit)],
)
def test_an_interrupt_while_a_call_is_taken_down_is_not_lost(instead, expected):
    """Ctrl-C in a layer's cleanup reaches the host although the call was being closed; the first interrupt stays."""

    def flow(request, call):
        try:
            return (yield request)
        finally:
            raise KeyboardInterrupt

    driven = Driven(plan(Provider(streaming("a", "b")), middleware=[Layer(flow)])).begin(ask(stream=True))
    driven.engine.cancel(instead)
    broken_down(driven, expected)


@pytest.mark.parametrize("effect", [Sleep(1), ask(), "nonsense"])
def test_a_layer_that_yields_after_call_cancelled_is_closed_and_recorded(effect):
    """Cleanup is plain code: there is nobody left to perform an effect."""
    closed = []

    def flow(request, call):
        try:
            try:
                return (yield request)
            except CallCancelled:
                yield effect
        finally:
            closed.append(True)

    outer = Recorder()
    driven = Driven(plan(Provider(streaming("a", "b")), middleware=[outer, Layer(flow)])).begin(ask(stream=True))
    driven.engine.cancel()
    broken_down(driven)
    assert closed == [True]
    assert outer.words == ["CallCancelled"]
    assert driven.engine.call.faults == ["layer#1 (Layer of this program): yielded when nothing could be done any more"]


def test_a_layer_that_ignores_close_is_recorded_and_changes_nothing():
    """A layer that yields even while it is closed is told of, once, and left."""

    def flow(request, call):
        try:
            return (yield request)
        except CallCancelled:
            try:
                yield Sleep(1)
            except GeneratorExit:
                yield Sleep(2)

    outer = Recorder()
    driven = Driven(plan(Provider(streaming("a", "b")), middleware=[outer, Layer(flow)])).begin(ask(stream=True))
    driven.engine.cancel()
    broken_down(driven)
    assert outer.words == ["CallCancelled"]
    assert driven.engine.call.faults == [
        "layer#1 (Layer of this program): yielded when nothing could be done any more",
        "layer#1 (Layer of this program): RuntimeError while it was closed: generator ignored GeneratorExit",
    ]


@pytest.mark.parametrize(
    ("raised", "expected"), [(ValueError("x"), PluginError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_what_a_layer_raises_while_it_is_closed_for_a_breach_is_recorded(raised, expected):
    """The breach stays the outcome; only an interrupt goes before it."""

    def flow(request, call):
        try:
            yield "nonsense"
        finally:
            raise raised

    outer = Recorder()
    driven = Driven(plan(Echo(), middleware=[outer, Layer(flow)])).begin(ask())
    broken_down(driven, expected)
    assert "while it was closed" in driven.engine.call.faults[0]
    assert outer.words == ["PluginError" if expected is PluginError else "CallCancelled"]


def test_a_layer_may_not_raise_call_cancelled_by_itself():
    """``CallCancelled`` of a layer's own making is a breach of the contract."""

    def flow(request, call):
        raise CallCancelled
        yield

    driven = Driven(plan(Echo(), middleware=[Layer(flow)])).begin(ask())
    assert "layer#0 (Layer of this program): raised CallCancelled" in str(broken_down(driven, PluginError))


def test_a_provider_that_swallows_call_cancelled_has_a_cancelled_attempt():
    """The ledger tells how it was, not what the provider made of it."""

    def behave(request, call):
        try:
            yield Deliver([])
            yield Deliver([request])
        except CallCancelled:
            return

    def stubborn(request, call):
        try:
            yield Sleep(1)
        except CallCancelled:
            return None

    driven = Driven(plan(Provider(stubborn))).begin(ask(stream=True))
    driven.engine.cancel()
    error = broken_down(driven)
    assert error.attempts[0].outcome == "cancelled"
    assert error.attempts[0].error == "CallCancelled"
    assert error.partial is None


def test_cancel_reaches_through_the_layers_of_an_exchange():
    """A call that waits for the head of an answer unwinds HTTP layers, provider and layers in this order."""
    order = []

    def noted(name, what):
        def flow(request, call):
            try:
                return (yield request)
            except CallCancelled:
                order.append(name)
                raise

        return what(flow)

    the_plan = plan(Provider(sending), middleware=[noted("host", Layer)], backend_middleware=[noted("http", HttpLayer)])
    driven = Driven(the_plan, ScriptedDriver([Reply()])).begin(ask())
    assert type(driven.effect) is Send
    driven.engine.cancel()
    broken_down(driven)
    assert order == ["http", "host"]


def test_cancel_releases_what_every_flow_had_open():
    """Answers that a provider or a layer holds are given back when the call is taken down."""

    def http(http_request, call):
        yield Send(HttpRequest("GET", "https://token.example/"))
        return (yield http_request)

    the_plan = plan(Provider(sending), backend_middleware=[HttpLayer(http)])
    driven = Driven(the_plan, ScriptedDriver([Reply(), Reply()])).begin(ask()).on(2)
    assert len(driven.driver.responses) == 2
    driven.engine.cancel()
    assert driven.driver.unreleased == []


def test_a_cancel_between_the_chunks_of_a_canned_answer_ends_the_call():
    """A host that is interrupted while it takes a canned answer gets its own exception."""
    driven = Driven(plan(in_turn(answer()))).begin(ask(stream=True))
    driven.engine.fail(KeyboardInterrupt("now"))
    broken_down(driven, KeyboardInterrupt)


def test_a_secret_in_what_a_layer_raised_is_not_in_the_faults():
    """Faults are text that may be logged, so they are scrubbed."""
    from jackfield.redaction import remember

    remember("sk-canary-123456")

    def flow(request, call):
        try:
            yield "nonsense"
        finally:
            raise ValueError("sk-canary-123456")

    driven = Driven(plan(Echo(), middleware=[Layer(flow)])).begin(ask())
    broken_down(driven, PluginError)
    assert "canary" not in driven.engine.call.faults[0]
