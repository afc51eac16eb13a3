"""Probes: which of them are let through, and what they say of the backend."""

from __future__ import annotations

import gc
import threading
from typing import Any

import attrs
import pytest

from jackfield.engine import Engine
from jackfield.errors import (
    APIConnectionError,
    DeadlineExceededError,
    StreamInterruptedError,
)
from jackfield.flow import Flow, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import ScriptedDriver, make_call, plan, run_call

ANSWER = CreateChatCompletionResponse(id="x", choices=[])


def opened(bench: Any, **settings: Any) -> Any:
    """A bench whose circuit is due for a probe."""
    one = bench(min_calls=1, **settings)
    one.fails = "503"
    one.call()
    one.driver.now += 5
    one.fails = None
    return one


def begun(one: Any) -> Engine:
    """A stream of which the first chunk has come."""
    engine, effect = one.standing(stream=True)
    while not one.driver.delivered:
        effect = one.driver.step(engine, effect)
    return engine


def test_one_probe_at_a_time(bench):
    """While it is under way others are refused, without a time at which to come again."""
    one = opened(bench)
    engine, effect = one.standing()

    with pytest.raises(APIConnectionError, match="a probe is under way") as caught:
        run_call(plan(one, middleware=[one.layer]), one.ask(), one.driver)
    assert caught.value.retry_after is None
    assert caught.value.code == "circuit_open"

    while effect is not None:
        effect = one.driver.step(engine, effect)
    assert engine.result().id == "m"
    assert one.call() == "answer"


@pytest.mark.parametrize("stream", [False, True])
def test_a_probe_that_was_cancelled_lets_the_next_one_through(bench, stream: bool):
    """It says nothing: the circuit stays half-open, and is not open for longer."""
    one = opened(bench)
    engine, _ = one.standing(stream)
    assert one.call() == "circuit_open"

    engine.cancel()

    assert one.state() == "half-open"
    assert one.call() == "answer"
    assert one.state() == "closed"


def test_a_stream_that_has_begun_closes_the_circuit(bench):
    """The first chunk of a probe is proof enough for others; how the stream ends counts like any other call."""
    one = opened(bench)
    engine = begun(one)

    assert one.call() == "answer"
    assert one.state() == "closed"

    one.driver.now += 1
    engine.fail(StreamInterruptedError("broke"))
    assert engine.done
    assert one.circuit._window.failures == 1


def test_a_stream_that_ends_well_closes_the_circuit(bench):
    """Where nobody else came meanwhile."""
    one = opened(bench)
    engine, effect = one.standing(stream=True)
    while effect is not None:
        effect = one.driver.step(engine, effect)

    assert one.state() == "closed"


def test_what_began_before_it_opened_says_nothing_any_more(bench):
    """Late successes do not close it, and late failures do not keep it open for longer, nor count later."""
    one = bench(min_calls=1, failure_ratio=1.0)
    late = [one.standing() for _ in range(3)]
    one.fails = "503"
    one.call()
    assert one.state() == "open"

    engine, effect = late[0]
    one.driver.step(engine, effect)
    assert one.state() == "open"
    until = one.circuit.until
    late[1][0].fail(APIConnectionError("reset"))
    assert one.circuit.until == until

    one.driver.now += 5
    one.fails = None
    one.call()
    late[2][0].fail(APIConnectionError("reset"))
    assert one.state() == "closed"


@pytest.mark.parametrize(("timeout", "state"), [(0.5, "open"), (1.5, "closed")])
def test_a_backend_that_hangs_until_the_deadline_has_failed(bench, failing, timeout: float, state: str):
    """Where nothing had come; one whose stream had begun was only given too little time."""
    one = bench(min_calls=1)
    layers = plan(failing(chunks=1, seconds=1.0), middleware=[one.layer])

    with pytest.raises(DeadlineExceededError):
        run_call(layers, one.ask(stream=True), one.driver, timeout=timeout)

    assert one.state() == state


def test_an_answer_from_a_layer_inside_says_nothing(bench):
    """It closes no circuit, and counts for none."""

    @attrs.define(eq=False)
    class Canned:
        on: bool = False

        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            return ANSWER if self.on else (yield request)

    canned = Canned()
    one = opened(bench)
    one.inside = (canned,)
    canned.on = True
    assert one.call() == "answer"

    assert one.state() == "half-open"


def test_a_probe_that_has_not_come_to_its_backend_is_under_way(bench, ask):
    """A layer inside may let it wait."""

    @attrs.define(eq=False)
    class Waits:
        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            yield Sleep(1.0)
            return (yield request)

    one = opened(bench)
    one.inside = (Waits(),)
    engine = Engine(one._layers(), make_call(one.driver))
    engine.begin_chat(ask())

    assert one.call() == "circuit_open"
    engine.cancel()


def test_ten_threads_send_one_probe(bench, ask):
    """However many come at the same time."""
    one = opened(bench)
    start, told = threading.Barrier(10), []
    gate = threading.Event()

    @attrs.define(eq=False)
    class Held:
        asked: int = 0

        @hookimpl
        def create_chat_completion(self) -> CreateChatCompletionResponse:
            self.asked += 1
            gate.wait(30)
            return ANSWER

    held = Held()
    layers = plan(held, middleware=[one.layer])

    def call() -> None:
        start.wait(30)
        try:
            run_call(layers, ask(), ScriptedDriver())
        except APIConnectionError as error:
            told.append(error.code)
            if len(told) == 9:
                gate.set()

    one.circuit.until = 0.0
    threads = [threading.Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert held.asked == 1
    assert told == ["circuit_open"] * 9
    assert one.state() == "closed"


def test_nothing_is_kept_of_a_probe_that_has_ended(bench):
    """A circuit that was closed by a stream under way lets its call go."""
    one = opened(bench)
    engine = begun(one)
    one.call()
    gc.collect()

    assert one.circuit._probe is None
    engine.cancel()


def test_a_bug_of_a_layer_inside_says_nothing(bench):
    """An exception that is none of jackfield's passes through, and frees the probe."""

    @attrs.define(eq=False)
    class Broken:
        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            raise ZeroDivisionError("a bug")
            yield

    one = opened(bench)
    one.inside = (Broken(),)
    with pytest.raises(ZeroDivisionError):
        one.call()
    one.inside = ()

    assert one.call() == "answer"


def test_a_forked_child_has_a_probe_of_its_own(bench, monkeypatch):
    """That of its parent never ends there, and must not keep the circuit shut for ever."""
    one = opened(bench)
    engine, _ = one.standing()
    assert one.call() == "circuit_open"
    monkeypatch.setattr("os.getpid", lambda: -1)

    assert one.call() == "answer"
    assert not engine.done
    assert one.state() == "closed"
