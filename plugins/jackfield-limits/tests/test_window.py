"""Windows: the two that there are, in Python and in Lua, against a model that looks at every slot."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import redis as library
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jackfield_limits.operations import Book, Move, Settle
from jackfield_limits.redis_store import RedisStore
from jackfield_limits.window import SLOTS, Booking, Rate, Window

LONG = 31 * 24 * 3600.0
"""Seconds of a window whose slots last half a day: while a test runs, the clock of Redis stands still in them."""
AMOUNTS = st.integers(min_value=1, max_value=50)


class InPython:
    """A window in memory, with a clock of its own."""

    def __init__(self, rate: Rate) -> None:
        self.rate, self.window, self.now = rate, Window(), 1000 * rate.grain + rate.grain / 2

    @property
    def here(self) -> int:
        return self.rate.slot(self.now)

    def book(self, tokens: int, most: float) -> Booking:
        return self.window.book(self.rate, tokens, most, self.now)

    def move(self, slot: int, tokens: int) -> Booking:
        return self.window.move(self.rate, slot, tokens, self.now)

    def settle(self, slot: int, requests: int, tokens: int) -> None:
        self.window.settle(slot, requests, tokens)

    def wait(self, slots: int) -> None:
        self.now += slots * self.rate.grain


class InRedis:
    """A window in Redis: time passes there by making all that is kept older."""

    def __init__(self, rate: Rate, client: library.Redis, store: RedisStore) -> None:
        self.rate, self.client, self.store, self.passed = rate, client, store, 0
        client.flushdb()

    @property
    def here(self) -> int:
        seconds, micros = self.client.time()
        return self.rate.slot(seconds + micros / 1e6) + self.passed

    def book(self, tokens: int, most: float) -> Booking:
        return self._later(self.store.perform(Book("w", self.rate, tokens, most)))

    def move(self, slot: int, tokens: int) -> Booking:
        return self._later(self.store.perform(Move("w", self.rate, slot - self.passed, tokens)))

    def settle(self, slot: int, requests: int, tokens: int) -> None:
        self.store.perform(Settle("w", self.rate, slot - self.passed, requests, tokens))

    def wait(self, slots: int) -> None:
        kept = self.client.hgetall("jackfield:w")
        self.client.delete("jackfield:w")
        for slot, amounts in kept.items():
            self.client.hset("jackfield:w", str(int(slot) - slots), amounts)
        self.passed += slots

    def _later(self, booking: Booking) -> Booking:
        return booking if booking.slot is None else attrs.evolve(booking, slot=booking.slot + self.passed)


@attrs.define(eq=False)
class Entry:
    slot: int
    tokens: int
    requests: int = 1
    settled: bool = False


class Model(RuleBasedStateMachine):
    """Every booking is an entry; what is allowed is found by looking at every slot and every window."""

    make: Callable[[Rate], Any]

    @initialize(requests=st.none() | st.integers(1, 4), tokens=st.none() | st.integers(50, 120))
    def begin(self, requests: int | None, tokens: int | None) -> None:
        self.rate = Rate(LONG, requests, tokens)
        self.real = type(self).make(self.rate)
        self.entries: list[Entry] = []
        self.over = False

    def sums(self, last: int) -> tuple[int, int]:
        counted = [one for one in self.entries if last - SLOTS <= one.slot <= last]
        return sum(one.requests for one in counted), sum(one.tokens for one in counted)

    def fits(self, last: int, tokens: int) -> bool:
        requests, used = self.sums(last)
        return self.rate.allows(requests + 1, used + tokens)

    @rule(tokens=AMOUNTS, patient=st.booleans())
    def book(self, tokens: int, patient: bool) -> None:
        here = self.real.here
        live = [one.slot for one in self.entries if one.requests or one.tokens]
        first = max([here, *live])
        wanted = next(slot for slot in itertools.count(first) if self.fits(slot, tokens))

        booking = self.real.book(tokens, math.inf if patient else 0.0)

        if patient or wanted == here:
            assert booking.slot == wanted
            self.entries.append(Entry(wanted, tokens))
        else:
            assert booking.slot is None
        assert (booking.wait > 0) == (wanted > here)
        assert booking.wait <= (wanted - here) * self.rate.grain

    @precondition(lambda self: any(self.waiting()))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        here = self.real.here
        one = data.draw(st.sampled_from(self.waiting()))
        self.entries.remove(one)
        wanted = here if all(self.fits(last, one.tokens) for last in range(here, here + SLOTS + 1)) else one.slot
        self.entries.append(one)

        booking = self.real.move(one.slot, one.tokens)

        assert booking.slot == wanted
        one.slot = wanted

    def waiting(self) -> list[Entry]:
        here = self.real.here
        return [one for one in self.entries if one.slot > here and not one.settled]

    @precondition(lambda self: not all(one.settled for one in self.entries))
    @rule(data=st.data(), requests=st.integers(-1, 1), tokens=st.integers(-50, 30))
    def settle(self, data: st.DataObject, requests: int, tokens: int) -> None:
        one = data.draw(st.sampled_from([one for one in self.entries if not one.settled]))
        tokens = max(tokens, -one.tokens)
        self.over = self.over or requests > 0 or tokens > 0
        self.real.settle(one.slot, requests, tokens)
        one.requests, one.tokens, one.settled = 1 + requests, one.tokens + tokens, True

    @rule(slots=st.integers(0, SLOTS) | st.integers(SLOTS, 2 * SLOTS))
    def wait(self, slots: int) -> None:
        self.real.wait(slots)

    @invariant()
    def never_more_than_allowed(self) -> None:
        if not getattr(self, "over", True):
            for one in self.entries:
                assert self.rate.allows(*self.sums(one.slot))


def check(make: Callable[[Rate], Any], examples: int) -> None:
    machine = type("Machine", (Model,), {"make": staticmethod(make)})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None, database=None)
    )


def test_a_window_in_memory_does_what_the_model_does():
    """Bookings, moves, settlements and time, in any order, come to the same as by looking at every slot."""
    check(InPython, 300)


def test_a_window_in_redis_does_what_the_model_does(redis: library.Redis, redis_url: str):
    """The script in Lua does the same."""
    store = RedisStore(redis_url, 5.0)
    check(lambda rate: InRedis(rate, redis, store), 100)
    store.close()


@pytest.fixture(params=["python", "lua"])
def window(request) -> Callable[[Rate], Any]:
    """Makes a window."""
    if request.param == "python":
        yield InPython
        return
    client, store = request.getfixturevalue("redis"), RedisStore(request.getfixturevalue("redis_url"), 5.0)
    yield lambda rate: InRedis(rate, client, store)
    store.close()


def test_a_time_that_was_given_holds(window):
    """Who begins earlier, since something was given back, takes no place that another waits for."""
    real = window(Rate(LONG, 2))
    slots = [real.book(0, math.inf).slot for _ in range(5)]
    here = real.here
    assert [slot - here for slot in slots] == [0, 0, 61, 61, 122]
    real.wait(50)
    real.settle(slots[0], -1, 0)  # there is room here and now, but not up to the time of the third and fourth

    assert real.move(slots[4], 0).slot == slots[4]
    assert real.move(slots[3], 0).slot == here + 50
    assert real.move(slots[4], 0).slot == slots[4]


def test_who_comes_later_does_not_pass_those_who_wait(window):
    """Though there is room now for so small a request, since something was given back."""
    real = window(Rate(LONG, None, 100))
    first, second = real.book(60, 0.0), real.book(90, math.inf)
    real.settle(first.slot, -1, -60)

    assert real.book(1, math.inf).slot == second.slot == real.here + SLOTS + 1


def test_a_wait_is_as_long_as_it_may_be_and_no_longer(window):
    """In Python to the moment; the clock of Redis goes on meanwhile."""
    real = window(Rate(LONG, 1))
    real.book(0, 0.0)
    wait = real.book(0, 0.0).wait

    assert real.book(0, wait - (0.001 if isinstance(real, InPython) else 60)).slot is None
    assert real.book(0, wait).slot == real.here + SLOTS + 1


def test_what_counts_no_more_is_forgotten():
    """After a window nothing of a call is left."""
    rate, window = Rate(60.0, 5), Window()
    window.book(rate, 0, 0.0, 100.0)

    assert not window.forget(rate, 160.0)
    assert window.forget(rate, 161.01)


@pytest.mark.parametrize("window", [1.0, 60.0, LONG])
def test_a_window_in_redis_is_forgotten_by_itself(redis: library.Redis, redis_url: str, window: float):
    """A key runs out a window and a sixtieth after its last slot began, and not much later."""
    store = RedisStore(redis_url, 5.0)
    rate = Rate(window, 1)
    store.perform(Book("k", rate, 0, math.inf))
    booking = store.perform(Book("k", rate, 0, math.inf))
    left = redis.pttl("jackfield:k") / 1000

    assert booking.wait + window < left <= booking.wait + window + rate.grain + 1.1
    store.close()
