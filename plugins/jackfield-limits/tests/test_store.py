"""Accounts and places: memory and Redis against plain models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis as library
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from jackfield_limits.memory import FEW, Memory
from jackfield_limits.operations import Balance, Book, Correct, Enter, Leave, Limits, Settle, Spend
from jackfield_limits.redis_store import RedisStore
from jackfield_limits.window import Rate

KEYS = st.sampled_from(["a", "b"])
AMOUNTS = st.integers(0, 60)
LARGE = 9_000_000_000_000_000
"""Billionths of the largest budget."""


class Accounts(RuleBasedStateMachine):
    """An account is two sums."""

    make: Callable[[], Any]

    @initialize(
        tokens=st.none() | st.integers(1, 200), money=st.none() | st.integers(1, 200), base=st.sampled_from([0, LARGE])
    )
    def begin(self, tokens: int | None, money: int | None, base: int) -> None:
        self.store = type(self).make()
        self.limits = Limits(tokens, None if money is None else money + base)
        self.base = base
        self.sums: dict[str, list[int]] = {}

    @rule(key=KEYS, tokens=AMOUNTS, money=AMOUNTS)
    def spend(self, key: str, tokens: int, money: int) -> None:
        had = self.sums.get(key, [0, 0])
        money += self.base if had == [0, 0] else 0
        after = [had[0] + tokens, had[1] + money]
        granted = self.limits.tokens is None or after[0] <= self.limits.tokens
        granted = granted and (self.limits.money is None or after[1] <= self.limits.money)

        balance = self.store(Spend(key, self.limits, tokens, money))

        assert balance == Balance(granted, *had)
        if granted:
            self.sums[key] = after

    @rule(key=KEYS, tokens=st.integers(-20, 20), money=st.integers(-20, 20))
    def correct(self, key: str, tokens: int, money: int) -> None:
        self.store(Correct(key, tokens, money))
        if key in self.sums:
            self.sums[key] = [self.sums[key][0] + tokens, self.sums[key][1] + money]


def check(machine: type[RuleBasedStateMachine], make: Callable[[], Any], examples: int) -> None:
    made = type("Machine", (machine,), {"make": staticmethod(make)})
    run_state_machine_as_test(
        made, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None, database=None)
    )


def in_memory() -> Callable[[Any], Any]:
    store = Memory()
    return lambda operation: store.perform(operation, 0.0)


@pytest.fixture
def in_redis(redis: library.Redis, redis_url: str) -> Callable[[], Callable[[Any], Any]]:
    """Makes an empty store in Redis."""
    store = RedisStore(redis_url, 5.0)

    def make() -> Callable[[Any], Any]:
        redis.flushdb()
        return store.perform

    yield make
    store.close()


def test_accounts_in_memory_do_what_the_model_does():
    """What is granted, and what had been taken before, in any order."""
    check(Accounts, in_memory, 100)


def test_accounts_in_redis_do_what_the_model_does(in_redis):
    """The same, also near the largest budget, where numbers of Lua are just exact."""
    check(Accounts, in_redis, 60)


class Places(RuleBasedStateMachine):
    """Places are a set, the line before them a list."""

    make: Callable[[], Any]

    @initialize(size=st.integers(1, 3))
    def begin(self, size: int) -> None:
        self.store, self.size = type(self).make(), size
        self.held: set[str] = set()
        self.line: list[str] = []

    @rule(who=st.sampled_from("abcdef"), waits=st.booleans())
    def enter(self, who: str, waits: bool) -> None:
        ahead = self.line.index(who) if who in self.line else len(self.line)
        wanted = who in self.held or len(self.held) + ahead < self.size

        assert self.store(Enter("k", who, self.size, 600.0, waits)) is wanted

        if wanted:
            self.held.add(who)
            self.line = [one for one in self.line if one != who]
        elif waits and who not in self.line:
            self.line.append(who)
        assert len(self.held) <= self.size

    @precondition(lambda self: self.held or self.line)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted({*self.held, *self.line})))
        self.store(Leave("k", who))
        self.held.discard(who)
        self.line = [one for one in self.line if one != who]


def test_places_in_redis_do_what_the_model_does(in_redis):
    """Never more than there are, and in the order of the line."""
    check(Places, in_redis, 60)


def test_an_account_is_kept_until_its_period_ends(redis: library.Redis, in_redis):
    """One that never ends is kept for ever; corrections do not make an account, and change no end."""
    store = in_redis()
    now = redis.time()[0]
    store(Spend("month", Limits(), 1, 1, now + 1000.5))
    store(Correct("month", 1, 1))
    store(Spend("total", Limits(), 1, 1, None))
    store(Correct("gone", 1, 1))

    assert 990 < redis.ttl("jackfield:month") <= 1001
    assert redis.ttl("jackfield:total") == -1
    assert redis.keys("*gone*") == []


def test_places_are_forgotten_by_themselves(redis: library.Redis, in_redis):
    """A second after the last lease; the line after a minute."""
    store = in_redis()
    store(Enter("k", "a", 1, 30.0, waits=True))
    store(Enter("k", "b", 1, 30.0, waits=True))

    left = {key.rpartition(":")[2]: redis.pttl(key) / 1000 for key in redis.keys("*")}

    assert left.keys() == {"held", "line", "seen"}
    assert 29 < left["held"] <= 31
    assert 50 < left["line"] <= 60
    assert 50 < left["seen"] <= 60


def test_memory_forgets_what_counts_no_more():
    """However many keys there were."""
    now = [0.0]
    store = Memory(now=lambda: now[0])
    rate = Rate(60.0, 5)
    for number in range(10 * FEW):
        now[0] += 10
        store.perform(Book(f"w{number}", rate, 0, 0.0), now[0])
        store.perform(Spend(f"a{number}", Limits(tokens=9), 1, 0, now[0] + 60), now[0])

    assert len(store._windows) <= 2 * FEW
    assert len(store._accounts) <= 2 * FEW
    assert f"w{10 * FEW - 1}" in store._windows


def test_memory_ignores_what_it_has_forgotten():
    """A settlement for a window, or an account, that is no more."""
    store = Memory()
    store.perform(Settle("w", Rate(60.0, 5), 3, -1, 0), 0.0)
    store.perform(Correct("a", 1, 1), 0.0)

    assert store._windows == store._accounts == {}
