"""Quota: what a key may take, and that nothing is lost or counted twice."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import attrs
import pytest

from jackfield_gateway import quota as module
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


async def settled(*quotas: Quota) -> None:
    """Wait until all is written."""
    for quota in quotas:
        while quota._writing:
            await asyncio.wait(quota._writing)


def test_workers_share_the_places_of_a_key(monkeypatch):
    """Of many that ask both at once never more are let in than may run; one that ended makes room in both."""
    monkeypatch.setattr(module, "PAUSES", (0.01, None))

    async def work(quota, clock):
        other, one = Quota(quota._store, shared=True, clock=clock), key(concurrency=3)
        asked = await asyncio.gather(*(which.admit(one) for which in [quota, other] * 20), return_exceptions=True)
        inside = [one for one in asked if not isinstance(one, Refusal)]
        assert len(inside) <= 3
        for admission in inside:
            admission.settle(None)
        await settled(quota, other)
        places = [await which.admit(one) for which in (quota, other, other)]
        over = [await refused(which, one) for which in (quota, other)]
        places[0].settle(None)
        await settled(quota)
        again = await other.admit(one)
        for admission in [*places[1:], again]:
            admission.settle(None)
        await other.close()
        return [one.status for one in over]

    assert counted(work, shared=True) == [429, 429]


def test_of_those_that_ask_for_the_last_place_at_once_one_gets_it(monkeypatch):
    """Else they would keep each other out, though nothing runs."""
    monkeypatch.setattr(module, "PAUSES", (*[0.02] * 20, None))

    async def work(quota, clock):
        other, one = Quota(quota._store, shared=True, clock=clock), key(concurrency=1)
        asked = await asyncio.gather(quota.admit(one), other.admit(one), return_exceptions=True)
        inside = [one for one in asked if not isinstance(one, Refusal)]
        for admission in inside:
            admission.settle(None)
        await other.close()
        return len(inside)

    assert counted(work, shared=True) == 1


def test_a_worker_that_died_holds_its_places_for_a_minute_only():
    """Nobody gives them back."""

    async def work(quota, clock):
        one = key(concurrency=1)
        await quota._store.lease(one.id, "of the dead", clock(), clock() + module.LEASE)
        before = await refused(quota, one)
        clock.now += module.LEASE + 1
        return before.status, await refused(quota, one)

    assert counted(work, shared=True) == (429, None)


def test_a_long_request_keeps_its_place(monkeypatch):
    """For longer than a lease: it is renewed while it runs."""
    monkeypatch.setattr(module, "LEASE", 0.3)

    async def work(quota, clock):
        one = key(concurrency=1)
        other = Quota(quota._store, shared=True, clock=clock)
        admission, lease, renewed = await quota.admit(one), quota._store.lease, asyncio.Event()

        async def noticed(*arguments):
            taken = await lease(*arguments)
            renewed.set()
            return taken

        monkeypatch.setattr(quota._store, "lease", noticed)
        clock.now += 0.2
        await asyncio.wait_for(renewed.wait(), 60)
        clock.now += 0.2  # beyond what it had at first
        during = await refused(other, one)
        admission.settle(None)
        await settled(quota)
        after = await refused(other, one)
        await other.close()
        return during.status, after

    assert counted(work, shared=True) == (429, None)


def test_tokens_count_at_once():
    """The next request sees them, though the store has not taken them yet."""

    async def work(quota, _):
        one = key(tokens_per_day=5, tokens_per_minute=50)
        (await quota.admit(one)).settle(5)
        return (await refused(quota, one)).message

    assert counted(work) == "this key has had its tokens a day"


def test_tokens_on_their_way_to_the_store_count_once():
    """A key that has some left is not sent away for the rest of the day."""

    async def work(quota, _):
        for _ in range(10):
            (await quota.admit(key(tokens_per_day=100))).settle(10)
        return (await refused(quota, key(tokens_per_day=101)), (await refused(quota, key(tokens_per_day=100))).status)

    assert counted(work) == (None, 429)


def test_a_store_that_fails_is_told_and_its_tokens_still_count(caplog, monkeypatch):
    """In this process; the log says what kind of failure, and nothing of what was to be written."""

    async def work(quota, _):
        one, admission = key(tokens_per_day=5), await quota.admit(key(tokens_per_day=5))
        count = quota._store.count

        async def broken(owner, span, amount, until):
            if amount:
                raise OSError("secret")
            return await count(owner, span, amount, until)

        monkeypatch.setattr(quota._store, "count", broken)
        admission.settle(5)
        await settled(quota)
        return (await refused(quota, one)).status

    assert counted(work) == 429
    assert "could not be written: OSError" in caplog.text
    assert "secret" not in caplog.text


def test_a_place_that_becomes_free_meanwhile_is_taken(monkeypatch):
    """One that has just ended may be on its way to the store."""
    monkeypatch.setattr(module, "PAUSES", (*[0.1] * 50, None))

    async def work(quota, clock):
        one = key(concurrency=1)
        await quota._store.lease(one.id, "of another worker", clock(), clock() + 60)
        asking = asyncio.create_task(refused(quota, one))
        await asyncio.sleep(0.05)
        await quota._store.release("of another worker")
        return await asking

    assert counted(work, shared=True) is None


def test_a_client_that_leaves_while_a_slow_store_takes_its_place_holds_none(monkeypatch):
    """It is given back after it was taken, not before."""

    async def work(quota, _):
        lease, asked, told = quota._store.lease, asyncio.Event(), asyncio.Event()

        async def slow(*arguments):
            try:
                asked.set()
                await told.wait()
            finally:  # a server goes on with what it was told
                taken = await lease(*arguments)
            return taken

        monkeypatch.setattr(quota._store, "lease", slow)
        asking = asyncio.create_task(quota.admit(key(concurrency=1)))
        await asked.wait()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        told.set()
        await settled(quota)
        return await quota._store._run("SELECT count(*) FROM gateway_leases")

    assert counted(work, shared=True) == [(0,)]
