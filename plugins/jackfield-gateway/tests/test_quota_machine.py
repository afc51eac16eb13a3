"""Quota: whatever workers, clients and clocks do, a key takes what it may, and nothing is left behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jackfield_gateway.database import SQLite
from jackfield_gateway.key import Key, KeyLimits
from jackfield_gateway.quota import Admission, Quota
from jackfield_gateway.refusal import Refusal
from jackfield_gateway.store import Store


@attrs.define
class Clock:
    """A clock that is set."""

    now: float = 1_000_000_000.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now


@attrs.define
class Model:
    """What may be, whatever the quotas say: requests inside, by worker, and what was counted this minute."""

    inside: list[tuple[int, Admission]] = attrs.field(factory=list)
    minute: int = 0
    tokens: int = 0


class Workers(RuleBasedStateMachine):
    """Two workers count one key: never more than its limits, never less than fits, and nothing is left behind."""

    shared = True
    limits = KeyLimits(requests_per_minute=4, tokens_per_minute=9, tokens_per_day=30, concurrency=2)

    @initialize()
    def begin(self):
        self.runner, self.clock, self.model, self.day = asyncio.Runner(), Clock(), Model(), 0
        self.store, self.key = Store(SQLite(":memory:")), Key("key_1", "a", "jf-", limits=self.limits)
        self.runner.run(self.store.open())
        count = 2 if self.shared else 1
        self.quotas = [Quota(self.store, shared=self.shared, clock=self.clock) for _ in range(count)]

    @rule(worker=st.integers(0, 1))
    def admit(self, worker):
        worker %= len(self.quotas)
        model, limits = self.model, self.limits
        fits = len(model.inside) < limits.concurrency and model.tokens < limits.tokens_per_minute
        fits = fits and model.minute < limits.requests_per_minute and self.day < limits.tokens_per_day
        try:
            admission = self.runner.run(self.quotas[worker].admit(self.key))
        except Refusal as refusal:
            assert (refusal.status, fits) == (429, False)  # noqa: PT017 - it may also be let in
        else:
            assert fits
            model.inside.append((worker, admission))
            model.minute += 1

    @rule(worker=st.integers(0, 1), steps=st.integers(0, 3))
    def leave(self, worker, steps):
        """A client leaves while its request is let in: that may count as a request, and holds nothing."""
        quota = self.quotas[worker % len(self.quotas)]

        async def main():
            task = asyncio.create_task(quota.admit(self.key))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError, Refusal):
                (await task).settle(None)
            await settled(*self.quotas)
            return await self.store.count("key_1", f"requests:{int(self.clock() // 60)}", 0, 0.0)

        counted = self.runner.run(main())
        quota._count(self.key, "requests", 0)
        self.model.minute = counted if self.shared else quota._counts["key_1", "requests"]

    @precondition(lambda self: self.model.inside)
    @rule(tokens=st.one_of(st.none(), st.integers(0, 5)), which=st.integers(0, 9))
    def settle(self, tokens, which):
        _, admission = self.model.inside.pop(which % len(self.model.inside))

        async def main():
            admission.settle(tokens)
            admission.settle(3)
            await settled(*self.quotas)

        self.runner.run(main())
        self.model.tokens += tokens or 0
        self.day += tokens or 0

    @rule()
    def next_minute(self):
        self.clock.now += 60
        self.model.minute = self.model.tokens = 0
        # A place is held for a minute; a worker that lives renews it.
        self.runner.run(renewed(self.store, self.clock, *self.quotas))

    @invariant()
    def never_more_than_its_limit(self):
        if hasattr(self, "model"):
            assert len(self.model.inside) == sum(quota._running["key_1"] for quota in self.quotas)
            assert len(self.model.inside) <= self.limits.concurrency

    def teardown(self):
        if not hasattr(self, "runner"):
            return
        for _, admission in self.model.inside:

            async def end(admission=admission):
                admission.settle(None)

            self.runner.run(end())
        for quota in self.quotas:
            self.runner.run(quota.close())
            assert not quota._running
            assert not quota._places
            assert not quota._pending
        assert self.runner.run(self.store._run("SELECT count(*) FROM gateway_leases")) == [(0,)]
        self.runner.run(self.store.close())
        self.runner.close()


class Alone(Workers):
    """The same for one worker, which counts in memory."""

    shared = False


async def settled(*quotas: Quota) -> None:
    """Wait until all is written."""
    for quota in quotas:
        while quota._writing:
            await asyncio.wait(quota._writing)


async def renewed(store: Store, clock: Clock, *quotas: Quota) -> None:
    """What the workers' own tasks do in that time."""
    for quota in quotas:
        for place, (owner, _) in quota._places.items():
            await store.lease(owner, place, clock(), clock() + 60)


TestWorkers, TestAlone = Workers.TestCase, Alone.TestCase
TestWorkers.settings = TestAlone.settings = settings(deadline=None, max_examples=40, stateful_step_count=25)
