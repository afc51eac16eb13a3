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
        running: calls that are inside.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._queue: collections.deque[asyncio.Future[None]] = collections.deque()
        self.running = 0

    @property
    def limits(self) -> Limits:
        """How many calls may run and wait, and how long; new ones count at once, and end nothing that runs."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._let_in()

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
            raise _full()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self.limits.queue_wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.leave()  # the place was given when nobody wanted it any more
            elif turn in self._queue:  # else it was passed over already
                self._queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise _full() from None
            raise

    def leave(self) -> None:
        """Give the place back, and so to the next."""
        self.running -= 1
        self._let_in()

    def _let_in(self) -> None:
        """Hand free places to those that wait."""
        while self._queue and self.running < self.limits.concurrency:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                self.running += 1  # here and now, so that nobody else takes the place


def _full() -> Refusal:
    return Refusal(
        429,
        "the gateway has as many calls as it takes: try again",
        code="queue_full",
        headers={"retry-after": RETRY_AFTER},
    )
