"""Quota: what a key may take, and that nothing is lost or counted twice."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield_gateway.database import SQLite
from jackfield_gateway.key import Key, KeyLimits
from jackfield_gateway.quota import Quota
from jackfield_gateway.refusal import Refusal
from jackfield_gateway.store import Store


@attrs.define
class Clock:
    """A clock that is set."""

    now: float = 1_000_000_000.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now


def key(**limits: int) -> Key:
    """A key with these limits."""
    return Key("key_1", "a", "jf-", limits=KeyLimits(**limits))


def counted(work, *, shared: bool = False):
    """What comes of it with a quota in front of a store in memory."""

    async def main():
        store, clock = Store(SQLite(":memory:")), Clock()
        await store.open()
        quota = Quota(store, shared=shared, clock=clock)
        try:
            return await work(quota, clock)
        finally:
            await quota.close()
            await store.close()

    return asyncio.run(main())


async def refused(quota: Quota, one: Key) -> Refusal | None:
    """How it is refused; None, and given back, where it is let in."""
    try:
        (await quota.admit(one)).settle(None)
    except Refusal as refusal:
        return refusal
    return None


@pytest.mark.parametrize("shared", [False, True])
def test_requests_of_a_minute_are_counted(shared):
    """The next minute begins anew, and the client is told when."""

    async def work(quota, clock):
        one = key(requests_per_minute=2)
        first = [await refused(quota, one) for _ in range(3)]
        clock.now += 60
        return [refusal is None for refusal in first], first[2], await refused(quota, one)

    passed, refusal, later = counted(work, shared=shared)
    assert passed == [True, True, False]
    assert (refusal.status, refusal.code) == (429, "key_limit_exceeded")
    assert 0 < int(refusal.headers["retry-after"]) <= 61
    assert later is None


@pytest.mark.parametrize(("limit", "span"), [("tokens_per_minute", 60), ("tokens_per_day", 86_400)])
@pytest.mark.parametrize("shared", [False, True])
def test_tokens_are_counted_when_they_were_used(limit, span, shared):
    """The request that goes over passes; the next one does not."""

    async def work(quota, clock):
        one = key(**{limit: 10})
        (await quota.admit(one)).settle(10)
        await asyncio.sleep(0.05)
        over = await refused(quota, one)
        clock.now += span
        return over, await refused(quota, one)

    over, later = counted(work, shared=shared)
    assert over.status == 429
    assert later is None


def test_requests_at_once_are_counted():
    """A place is free as soon as one has ended, once for each."""

    async def work(quota, _):
        one = key(concurrency=1)
        admission = await quota.admit(one)
        during = await refused(quota, one)
        admission.settle(None)
        admission.settle(None)
        again = await quota.admit(one)
        return during.status, (await refused(quota, one)).status, again.settle(None)

    assert counted(work) == (429, 429, None)


def test_a_refused_request_holds_no_place():
    """Whatever it was refused for."""

    async def work(quota, _):
        one = key(concurrency=1, requests_per_minute=1)
        assert await refused(quota, one) is None
        assert [(await refused(quota, one)).message for _ in range(2)] == ["this key has had its requests a minute"] * 2

    counted(work)


def test_no_key_and_no_limit_cost_nothing():
    """They are not even counted."""

    async def work(quota, _):
        return [await refused(quota, one) for one in (None, key(), None)]

    assert counted(work) == [None, None, None]


def test_counts_of_the_day_outlive_the_process(tmp_path):
    """A restart gives nobody new tokens."""

    async def one(use: int | None) -> Refusal | None:
        store = Store(SQLite(str(tmp_path / "g.db")))
        await store.open()
        quota = Quota(store, shared=False, clock=Clock())
        try:
            if use is None:
                return await refused(quota, key(tokens_per_day=5))
            (await quota.admit(key(tokens_per_day=5))).settle(use)
            return None
        finally:
            await quota.close()
            await store.close()

    assert asyncio.run(one(5)) is None
    refusal = asyncio.run(one(None))
    assert refusal is not None
    assert refusal.status == 429


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["admit", "settle", "minute"]), max_size=40))
def test_never_more_at_once_or_a_minute_than_allowed(moves):
    """Whatever is asked, ended and waited for."""

    async def work(quota, clock):
        one, inside, minute = key(concurrency=2, requests_per_minute=3), [], 0
        for move in moves:
            if move == "admit":
                try:
                    inside.append(await quota.admit(one))
                    minute += 1
                except Refusal:
                    assert len(inside) == 2 or minute == 3
            elif move == "settle" and inside:
                inside.pop().settle(1)
            elif move == "minute":
                clock.now += 60
                minute = 0
            assert len(inside) <= 2
            assert minute <= 3
        for admission in inside:
            admission.settle(None)
        assert not quota._running

    counted(work)
