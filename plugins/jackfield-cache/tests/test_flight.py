"""The same request at the same time: one goes to the backend, and the others have its answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

import jackfield
from jackfield.drivers.scripted import ScriptedDriver
from jackfield.engine import Engine
from jackfield.errors import DeadlineExceededError, InternalServerError
from jackfield.flow import Acquire, Run, Sleep
from jackfield.testing import make_call, plan
from jackfield_cache.flight import PATIENCE, Flights

CALLS = 50
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Why?"}], "temperature": 0}


def given(plugin: Any) -> type:
    """A class that makes one plugin that there is already, for a configuration."""

    @attrs.define(eq=False)
    class Given(type(plugin)):  # type: ignore[misc]
        def __new__(cls):
            return plugin

        def __init__(self):
            pass

    return Given


@pytest.fixture
def host(make_cache, kit):
    """Configuration and plugins of a client with a cache before a backend."""

    def make(backend: Any, **settings: Any) -> dict[str, Any]:
        config = {"default_model": "b/m", "backends": {"b": {"provider": "one"}}, "middleware": [{"use": "two"}]}
        return {"config": config, "plugins": {"one": given(backend), "two": given(make_cache(**settings))}}

    return make


def waiting(cache: Any, count: int) -> bool:
    """Whether so many calls wait for the flight of another."""
    return sum(len(flight.gate._line) for flight in list(cache._flights._flights.values())) >= count


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.002)


@pytest.mark.parametrize("stream", [False, True])
def test_of_fifty_threads_one_asks_the_backend(host, kit, stream):
    """All have the answer, each a value of its own; the backend was asked once."""
    backend = kit.Backend(before=lambda number: time.sleep(0.1))
    with jackfield.Client(**host(backend)) as client, ThreadPoolExecutor(CALLS) as threads:
        barrier = threading.Barrier(CALLS)

        def call(_: int) -> Any:
            barrier.wait()
            if not stream:
                return client.create_chat_completion(**ASK)
            with client.create_chat_completion(**ASK, stream=True) as chunks:
                list(chunks)
                return chunks.response

        answers = list(threads.map(call, range(CALLS)))

    assert len(backend.asked) == 1
    assert {one.choices[0].message.content for one in answers} == {"Answer 1."}
    assert len({id(one) for one in answers}) == CALLS
    assert sorted(len(one.call.attempts) for one in answers) == [0] * (CALLS - 1) + [1]
    assert len({id(one.call) for one in answers}) == CALLS


@pytest.mark.parametrize("stream", [False, True])
def test_of_fifty_tasks_one_asks_the_backend(host, kit, stream):
    """So it is with one async client."""
    backend = kit.Backend()

    async def call(client: Any) -> Any:
        if not stream:
            return await client.create_chat_completion(**ASK)
        async with client.create_chat_completion(**ASK, stream=True) as chunks:
            async for _ in chunks:
                await asyncio.sleep(0.001)
            return chunks.response

    async def main() -> list[Any]:
        async with jackfield.AsyncClient(**host(backend)) as client:
            return await asyncio.gather(*(call(client) for _ in range(CALLS)))

    answers = asyncio.run(main())

    assert len(backend.asked) == 1
    assert {one.choices[0].message.content for one in answers} == {"Answer 1."}
    assert sorted(len(one.call.attempts) for one in answers) == [0] * (CALLS - 1) + [1]


def test_without_single_flight_each_asks(host, kit):
    """The setting turns it off."""
    barrier = threading.Barrier(4)
    backend = kit.Backend(before=lambda number: barrier.wait(30) and None)
    with jackfield.Client(**host(backend, single_flight=False)) as client, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: client.create_chat_completion(**ASK), range(4)))

    assert len(backend.asked) == 4


def test_what_is_not_cached_does_not_wait(host, kit):
    """Requests that are drawn go to the backend together."""
    barrier = threading.Barrier(4)
    backend = kit.Backend(before=lambda number: barrier.wait(30) and None)
    with jackfield.Client(**host(backend)) as client, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: client.create_chat_completion(**{**ASK, "temperature": 1}), range(4)))

    assert len(backend.asked) == 4


def test_other_requests_do_not_wait(host, kit):
    """Each question has a flight of its own."""
    barrier = threading.Barrier(4)
    backend = kit.Backend(before=lambda number: barrier.wait(30) and None)
    with jackfield.Client(**host(backend)) as client, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda seed: client.create_chat_completion(**ASK, seed=seed), range(4)))

    assert len(backend.asked) == 4


@attrs.define(eq=False)
class Crowd:
    """Calls through one cache, driven by hand, a step at a time."""

    plan: Any
    calls: list[Any] = attrs.field(factory=list)

    def begin(self, request: Any, **about: Any) -> Driven:
        return Driven(self.plan, request, about)


@attrs.define(eq=False)
class Driven:
    """One call, that stands before its next effect."""

    plan: Any
    request: Any
    about: dict[str, Any]
    driver: ScriptedDriver = attrs.field(factory=ScriptedDriver)
    engine: Engine = attrs.field(init=False)
    effect: Any = attrs.field(init=False)
    _ticket: Any = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        call = make_call(self.driver, model=self.request.model, stream=self.request.stream is True, **self.about)
        self.engine = Engine(self.plan, call)
        self.effect = self.engine.begin_chat(self.request)

    def step(self) -> None:
        """Perform its effect; at a gate, take a place in the line, and go on only when it is open."""
        if isinstance(self.effect, Acquire):
            self._ticket = self._ticket or self.effect.gate.line_up(lambda: None)
            if self._ticket.granted:
                self._ticket, self.effect = None, self.engine.step(None)
        else:
            self.effect = self.driver.step(self.engine, self.effect)

    def run(self, to: type | None = None) -> Driven:
        """Go on to the end, or to an effect of a kind, or to a gate that is shut."""
        while self.effect is not None and (to is None or not isinstance(self.effect, to)):
            self.step()
            if self._ticket is not None:
                break
        return self

    def cancel(self) -> None:
        if self._ticket is not None:
            self.effect.gate.leave(self._ticket)
        self.engine.cancel()
        self.effect = None

    @property
    def text(self) -> str:
        assert self.effect is None, "it goes on"
        return self.engine.result().choices[0].message.content


@pytest.fixture
def crowd(make_cache):
    def make(backend: Any) -> Crowd:
        return Crowd(plan(backend, middleware=[make_cache()]))

    return make


def flying(crowd: Crowd, request: Any, **about: Any) -> Driven:
    """A call that is on its way: it has begun to look into the store."""
    one = crowd.begin(request, **about)
    assert isinstance(one.effect, Run)
    return one


def test_those_who_wait_do_not_look_into_the_store(crowd, kit):
    """They wait for the first, and have its answer without an effect more."""
    backend = kit.Backend()
    calls = crowd(backend)
    first = flying(calls, kit.question())
    others = [calls.begin(kit.question()).run() for _ in range(3)]

    assert [one._ticket.granted for one in others] == [False] * 3
    first.run()

    assert [one.run().text for one in others] == ["Answer 1."] * 3
    assert [type(effect) for one in others for effect in one.driver.effects] == []
    assert len(backend.asked) == 1


def test_a_failure_is_not_shared(crowd, kit):
    """Where the first fails, the others are passed on; who looks later has what one of them was answered."""

    def fail_once(number):
        if number == 1:
            raise InternalServerError("HTTP 500", status_code=500)

    backend = kit.Backend(before=fail_once)
    calls = crowd(backend)
    first = flying(calls, kit.question())
    others = [calls.begin(kit.question()).run() for _ in range(3)]
    first.run()

    with pytest.raises(InternalServerError):
        first.engine.result()
    assert [one.run().text for one in others] == ["Answer 2.", "Answer 2.", "Answer 2."]


@pytest.mark.parametrize("why", ["an error", "an answer that is not kept"])
def test_after_a_failure_nobody_waits_again(crowd, kit, why):
    """The others go to the backend together: one that is slow there keeps no other."""

    def fail(number):
        if why == "an error":
            raise InternalServerError("HTTP 500", status_code=500)

    calls = crowd(kit.Backend(lambda whole: kit.answer(finish_reason="content_filter"), before=fail, pause=1.0))
    first = flying(calls, kit.question())
    others = [calls.begin(kit.question()).run() for _ in range(3)]
    first.run()

    assert [type(one.run(Sleep).effect) for one in others] == [Sleep] * 3


def test_who_waits_has_what_was_found(crowd, kit):
    """Where the first finds the answer in the store, the others have it without a look of their own."""
    calls = crowd(kit.Backend())
    flying(calls, kit.question()).run()
    first = flying(calls, kit.question())
    others = [calls.begin(kit.question()).run() for _ in range(3)]
    first.run()

    assert [one.run().text for one in others] == ["Answer 1."] * 3
    assert [effect for one in others for effect in one.driver.effects] == []


def test_when_the_first_leaves_the_next_one_goes(crowd, kit):
    """Where the host of the first left, one of the others flies, and the rest waits for that."""
    backend = kit.Backend()
    calls = crowd(backend)
    first = flying(calls, kit.question())
    others = [calls.begin(kit.question()).run() for _ in range(3)]
    first.cancel()

    second = others[0].run(Run)
    rest = [one.run() for one in others[1:]]

    assert isinstance(second.effect, Run)
    assert [one.effect is None for one in rest] == [False, False]
    assert second.run().text == "Answer 1."
    assert [one.run().text for one in rest] == ["Answer 1."] * 2
    assert len(backend.asked) == 1


def test_one_who_waits_may_leave(crowd, kit):
    """The others have their answer all the same."""
    backend = kit.Backend()
    calls = crowd(backend)
    first = flying(calls, kit.question())
    others = [calls.begin(kit.question()).run() for _ in range(3)]
    others[1].cancel()
    first.run()

    assert [others[0].run().text, others[2].run().text] == ["Answer 1."] * 2


@pytest.mark.parametrize("where", [Run, Sleep], ids=["while it looks", "while it asks"])
def test_when_the_time_of_the_first_is_over_the_next_one_goes(crowd, kit, where):
    """It was not the backend that failed: one goes, and the rest waits for that."""
    calls = crowd(kit.Backend(pause=1.0))
    first = flying(calls, kit.question(), timeout=5).run(where)
    others = [calls.begin(kit.question()).run() for _ in range(3)]
    first.driver.now += 10
    first.run()

    with pytest.raises(DeadlineExceededError):
        first.engine.result()
    assert isinstance(others[0].run(Sleep).effect, Sleep)
    assert [isinstance(one.run().effect, Acquire) for one in others[1:]] == [True, True]
    answer = others[0].run().text
    assert [one.run().text for one in others[1:]] == [answer] * 2


def test_a_stream_is_waited_for_until_it_is_whole(crowd, kit):
    """Who asks the same while a stream is on its way has its answer when it has ended."""
    backend = kit.Backend()
    calls = crowd(backend)
    first = flying(calls, kit.question(stream=True))
    first.step()
    first.step()
    other = calls.begin(kit.question())
    assert isinstance(other.effect, Sleep)
    other.step()
    assert isinstance(other.effect, Sleep)
    first.run()

    assert other.run().text == "Answer 1."
    assert sum(other.driver.slept) < 0.1
    assert len(backend.asked) == 1


def test_a_stream_that_is_not_read_is_not_waited_for_without_end(crowd, kit):
    """Its host may have forgotten it: after half a minute the call asks for itself."""
    backend = kit.Backend()
    calls = crowd(backend)
    first = flying(calls, kit.question(stream=True))
    first.step()
    first.step()
    other = calls.begin(kit.question())

    assert other.run().text == "Answer 2."
    assert PATIENCE <= sum(other.driver.slept) < PATIENCE + 1
    first.cancel()


def test_a_stream_that_its_host_closed_is_no_answer(crowd, kit):
    """Who waited for it flies next."""
    backend = kit.Backend()
    calls = crowd(backend)
    first = flying(calls, kit.question(stream=True))
    first.step()
    first.step()
    other = calls.begin(kit.question())
    first.cancel()

    assert other.run().text == "Answer 2."


def test_who_waits_does_so_within_his_own_deadline(host, kit):
    """A call with less time fails by it, while the first goes on."""
    go = threading.Event()
    backend = kit.Backend(before=lambda number: go.wait(30) and None)
    about = host(backend)
    with jackfield.Client(**about) as client, ThreadPoolExecutor(1) as threads:
        first = threads.submit(client.create_chat_completion, **ASK)
        until(lambda: len(backend.asked) == 1)
        with pytest.raises(DeadlineExceededError):
            client.create_chat_completion(**ASK, timeout=0.05)
        go.set()

        assert first.result().choices[0].message.content == "Answer 1."
    assert len(backend.asked) == 1


def test_a_cancelled_task_lets_the_next_one_go(host, make_cache, kit):
    """With an async client: the first is cancelled while it waits for the backend."""

    @attrs.define(eq=False)
    class Slow:
        asked: int = 0

        @jackfield.hookimpl
        def create_chat_completion(self, request):
            self.asked += 1
            if self.asked == 1:
                yield Sleep(500)
            return jackfield.from_dict(kit.answer(), jackfield.models.CreateChatCompletionResponse)

    slow = Slow()

    async def main() -> str:
        async with jackfield.AsyncClient(**host(slow)) as client:
            first = asyncio.create_task(client.create_chat_completion(**ASK))
            while not slow.asked:
                await asyncio.sleep(0.001)
            other = asyncio.create_task(client.create_chat_completion(**ASK))
            await asyncio.sleep(0.01)
            first.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await first
            return (await other).choices[0].message.content

    assert asyncio.run(main()) == "Because."
    assert slow.asked == 2


def test_flights_are_forgotten_when_they_have_ended():
    """The map holds what flies, and nothing else."""
    flights = Flights()
    for number in range(100):
        flight, mine = flights.join(str(number), streamed=False)
        assert mine
        assert flights.join(str(number), streamed=False) == (flight, False)
        flights.end(str(number), flight)

    assert len(flights) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_what_flies_in_one_process_does_not_land_in_its_fork(monkeypatch):
    """A child that was forked while a request was on its way does not wait for it."""
    flights = Flights()
    flights.join("k", streamed=False)
    monkeypatch.setattr(os, "getpid", lambda: -1)

    assert flights.join("k", streamed=False)[1]
