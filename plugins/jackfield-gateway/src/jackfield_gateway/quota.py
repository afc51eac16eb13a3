"""Quota: what each key may take, counted by minute and day, and how many of its requests run.

Requests count when they are let in, tokens when they have been used: so a key that is out of tokens is refused from its
next request on. Counts of the day are in the store; with several workers those of the minute are, too. How many run is
counted in each worker.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.key import Key
    from jackfield_gateway.store import Store

MINUTE, DAY = 60, 86_400


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
        self._running: collections.Counter[str] = collections.Counter()
        self._writing: set[asyncio.Task[int]] = set()
        self._minute = -1

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
        try:
            await self._check(key)
        except BaseException:
            self._leave(key)
            raise
        return Admission(lambda tokens: self._settle(key, tokens))

    async def _check(self, key: Key) -> None:
        now, limits = self._clock(), key.limits
        if limits.tokens_per_day is not None and await self._count(key, "day", 0) >= limits.tokens_per_day:
            raise _over("tokens a day", DAY - now % DAY)
        if limits.tokens_per_minute is not None and await self._count(key, "tokens", 0) >= limits.tokens_per_minute:
            raise _over("tokens a minute", MINUTE - now % MINUTE)
        if (
            limits.requests_per_minute is not None
            and await self._count(key, "requests", 1) > limits.requests_per_minute
        ):
            raise _over("requests a minute", MINUTE - now % MINUTE)

    async def _count(self, key: Key, what: str, amount: int) -> int:
        """Add to a count of the present minute or day, and return it."""
        now, span = self._clock(), DAY if what == "day" else MINUTE
        number = int(now // span)
        if what == "day" or self._shared:
            return await self._store.count(key.id, f"{what}:{number}", amount, (number + 1) * span)
        if number != self._minute:
            self._counts.clear()
            self._minute = number
        total = self._counts.get((key.id, what), 0) + amount
        self._counts[key.id, what] = total
        return total

    def _settle(self, key: Key, tokens: int | None) -> None:
        self._leave(key)
        for what, limit in (("day", key.limits.tokens_per_day), ("tokens", key.limits.tokens_per_minute)):
            if tokens and limit is not None:
                task = asyncio.get_running_loop().create_task(self._count(key, what, tokens))
                self._writing.add(task)
                task.add_done_callback(self._writing.discard)

    def _leave(self, key: Key) -> None:
        self._running[key.id] -= 1
        if not self._running[key.id]:
            del self._running[key.id]

    async def close(self) -> None:
        """Wait until what was counted is in the store, and drop what is over."""
        if self._writing:
            await asyncio.wait(self._writing)
        with contextlib.suppress(Exception):  # a store that fails has been told when it was asked
            await self._store.forget(self._clock())


def _over(what: str, wait: float) -> Refusal:
    seconds = max(1, int(wait) + 1)
    return Refusal(
        429, f"this key has had its {what}", code="key_limit_exceeded", headers={"retry-after": str(seconds)}
    )
