"""Gate: how many calls run at once, and how many wait; more are told to come again."""

from __future__ import annotations

import asyncio
import collections
from typing import TYPE_CHECKING

from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.settings import Limits

RETRY_AFTER = "1"
"""Seconds after which a client that found the queue full may try again."""


class Gate:
    """A counting gate with a bounded queue, first come, first served. Of one event loop.

    Args:
        limits: how many calls may run and wait, and how long.

    Attributes:
        limits: the same; new ones count from the next call on.
        running: calls that are inside.
        refused: calls that found the queue full, or waited too long, since the start.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._queue: collections.deque[asyncio.Future[None]] = collections.deque()
        self.running = 0
        self.refused = 0

    @property
    def waiting(self) -> int:
        """Calls that wait."""
        return sum(not turn.done() for turn in self._queue)

    async def enter(self) -> None:
        """Take a place; ``leave`` gives it back.

        Raises:
            Refusal: 429; all places are taken, and so is the queue, or none became free in time.
        """
        if self.running < self.limits.concurrency and not self._queue:
            self.running += 1
            return
        if self.waiting >= self.limits.queue:
            raise self._full()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self.limits.queue_wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.leave()  # the place was given when nobody wanted it any more
            else:
                self._queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._full() from None
            raise

    def leave(self) -> None:
        """Give the place to the next, or back."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)  # the place changes hands, so that ``running`` stays
                return
        self.running -= 1

    def _full(self) -> Refusal:
        self.refused += 1
        return Refusal(
            429,
            "the gateway has as many calls as it takes: try again",
            code="queue_full",
            headers={"retry-after": RETRY_AFTER},
        )
