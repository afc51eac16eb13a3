"""Quota: what each key may take, counted by minute and day, and how many of its requests run.

Requests count when they are let in, tokens when they have been used: so a key that is out of tokens is refused from its
next request on. Counts of the day are in the store. With several workers all others are there too, and each request
that runs holds a place, which is renewed while it runs: the places of a worker that died are free after ``LEASE``.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import random
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.key import Key
    from jackfield_gateway.store import Store

T = TypeVar("T")
MINUTE, HOUR, DAY = 60, 3600, 86_400
LEASE = 60.0
"""Seconds for which a place is held; it is renewed three times in that time."""
PAUSES = (0.05, None)
"""Seconds, on average, until a place is asked for again where all are taken, then no more."""
log = logging.getLogger("jackfield.gateway")


class Admission:
    """One request that was let in.

    Args:
        settled: called once with the tokens that it took, None where that is not known.
    """

    __slots__ = ("_settled",)

    def __init__(self, settled: Callable[[int | None], None] | None) -> None:
        self._settled = settled

    def settle(self, tokens: int | None) -> None:
        """Give back what it held, and count its tokens. The first call counts, later ones do nothing."""
        if self._settled is not None:
            settled, self._settled = self._settled, None
            settled(tokens)


FREE = Admission(None)
"""Of a request that nothing limits."""


class Quota:
    """The quotas of all keys.

    Args:
        store: where counts are kept that outlive the process.
        shared: whether other workers count the same keys.
        clock: seconds since 1970.
    """

    def __init__(self, store: Store, *, shared: bool, clock: Callable[[], float] = time.time) -> None:
        self._store, self._shared, self._clock = store, shared, clock
        self._counts: dict[tuple[str, str], int] = {}
        self._minute, self._hour = -1, -1
        self._running: collections.Counter[str] = collections.Counter()
        self._pending: collections.Counter[tuple[str, int]] = collections.Counter()
        self._places: dict[str, tuple[str, asyncio.Task[int]]] = {}
        self._writing: set[asyncio.Task[Any]] = set()
        self._renewing: asyncio.Task[None] | None = None

    async def admit(self, key: Key | None) -> Admission:
        """Let a request in.

        Raises:
            Refusal: 429, with the seconds until the limit that was reached begins anew.
        """
        if key is None or not key.limits.any:
            return FREE
        limits, running = key.limits, self._running
        if limits.concurrency is not None and running[key.id] >= limits.concurrency:
            raise _over("requests at once", 1)
        running[key.id] += 1  # before anything is awaited, so that no two take one place
        place: str | None = None
        try:
            if self._shared and limits.concurrency is not None:
                place = secrets.token_hex(16)
                await self._take(key, place, limits.concurrency)
            await self._check(key)
        except BaseException:
            self._leave(key, place)
            raise
        return Admission(lambda tokens: self._settle(key, place, tokens))

    async def _take(self, key: Key, place: str, most: int) -> None:
        for pause in PAUSES:
            now = self._clock()
            taking = self._write(self._store.lease(key.id, place, now, now + LEASE))
            self._places[place] = key.id, taking
            # Shielded: a cancelled request gives its place back, which it cannot before the statement has taken it.
            if await asyncio.shield(taking) <= most:
                break
            if pause is None:
                raise _over("requests at once", 1)
            # One that has just ended may be on its way to the store. And of several who asked at once all see too many:
            # they make way, and come again one by one.
            await asyncio.shield(self._write(self._store.release(place)))
            await asyncio.sleep(random.uniform(pause / 2, pause * 1.5))  # noqa: S311 - nothing to guess
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        """Hold the places of running requests, until there is none."""
        while self._places:
            await asyncio.sleep(LEASE / 3)
            for place, (owner, _) in list(self._places.items()):
                now = self._clock()
                with contextlib.suppress(Exception):  # the next round tries again; the place holds for two more
                    await self._store.lease(owner, place, now, now + LEASE)
                    if place not in self._places:  # it was given back meanwhile
                        await self._store.release(place)

    async def _check(self, key: Key) -> None:
        now, limits = self._clock(), key.limits
        if limits.tokens_per_day is not None and await self._used(key) >= limits.tokens_per_day:
            raise _over("tokens a day", DAY - now % DAY)
        if limits.tokens_per_minute is not None and await self._minutely(key, "tokens", 0) >= limits.tokens_per_minute:
            raise _over("tokens a minute", MINUTE - now % MINUTE)
        if (
            limits.requests_per_minute is not None
            and await self._minutely(key, "requests", 1) > limits.requests_per_minute
        ):
            raise _over("requests a minute", MINUTE - now % MINUTE)

    async def _used(self, key: Key) -> int:
        """Tokens of this day, those included that are still on their way to the store."""
        day = int(self._clock() // DAY)
        stored = await self._store.count(key.id, f"day:{day}", 0, 0.0)
        return (
            stored + self._pending[key.id, day]
        )  # after the store was asked: what arrived before that is no longer here

    async def _minutely(self, key: Key, what: str, amount: int) -> int:
        """Add to a count of this minute, and return it."""
        if not self._shared:
            return self._count(key, what, amount)
        minute = int(self._clock() // MINUTE)
        return await self._store.count(key.id, f"{what}:{minute}", amount, (minute + 1) * MINUTE)

    def _count(self, key: Key, what: str, amount: int) -> int:
        minute = int(self._clock() // MINUTE)
        if minute != self._minute:
            self._counts.clear()
            self._minute = minute
        total = self._counts.get((key.id, what), 0) + amount
        self._counts[key.id, what] = total
        return total

    def _settle(self, key: Key, place: str | None, tokens: int | None) -> None:
        self._leave(key, place)
        if not tokens:
            return
        if key.limits.tokens_per_minute is not None:
            if self._shared:
                self._write(self._minutely(key, "tokens", tokens))
            else:
                self._count(key, "tokens", tokens)
        if key.limits.tokens_per_day is not None:
            day = int(self._clock() // DAY)
            self._pending[key.id, day] += tokens
            self._write(self._add(key, day, tokens))
        hour = int(self._clock() // HOUR)
        if hour != self._hour:
            self._hour = hour
            self._write(self._store.forget(self._clock()))

    async def _add(self, key: Key, day: int, tokens: int) -> None:
        await self._store.count(key.id, f"day:{day}", tokens, (day + 1) * DAY)
        self._pending[key.id, day] -= tokens  # a store that fails leaves them counted here
        if not self._pending[key.id, day]:
            del self._pending[key.id, day]

    def _leave(self, key: Key, place: str | None) -> None:
        self._running[key.id] -= 1
        if not self._running[key.id]:
            del self._running[key.id]
        if place is not None:
            _, taking = self._places.pop(place)
            self._write(self._free(place, taking))

    async def _free(self, place: str, taking: asyncio.Task[int]) -> None:
        await asyncio.wait([taking])
        await self._store.release(place)

    def _write(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._written)
        return task

    def _written(self, task: asyncio.Task[Any]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the store of the gateway could not be written: %s", type(error).__name__)

    async def close(self) -> None:
        """Wait until what was counted is in the store, and drop what is over."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
        while self._writing:
            await asyncio.wait(self._writing)
        with contextlib.suppress(Exception):  # a store that fails has been told when it was asked
            await self._store.forget(self._clock())


def _over(what: str, wait: float) -> Refusal:
    seconds = max(1, int(wait) + 1)
    return Refusal(
        429, f"this key has had its {what}", code="key_limit_exceeded", headers={"retry-after": str(seconds)}
    )
