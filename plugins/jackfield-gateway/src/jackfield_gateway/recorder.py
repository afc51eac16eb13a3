"""Recorder: the last calls, and who follows them. Of one event loop."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from jackfield_gateway.record import Record

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield_gateway.settings import GatewaySettings

BEHIND = 1000
"""Events that a follower may be behind; one that reads slower is let go."""


class Follower:
    """Somebody who is told of every change of a call."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Record | None] = asyncio.Queue(BEHIND)
        self.lost = False

    def tell(self, record: Record) -> None:
        """Put a change before it; where it is too far behind, it is let go."""
        try:
            self._events.put_nowait(record)
        except asyncio.QueueFull:
            self.lost = True

    def end(self) -> None:
        """Let it go, though it waits."""
        self.lost = True
        with contextlib.suppress(asyncio.QueueFull):  # then it does not wait
            self._events.put_nowait(None)

    async def next(self, patience: float) -> Record | None:
        """The next change; None where none came within so many seconds, and at the end."""
        try:
            async with asyncio.timeout(patience):
                return await self._events.get()
        except TimeoutError:
            return None


class Recorder:
    """A ring of the last calls.

    Attributes:
        sequence: of the last call.
        started: seconds since 1970, when the gateway began.
        content: whether prompts and answers are kept.
    """

    def __init__(self) -> None:
        self._ring: collections.deque[Record] = collections.deque(maxlen=0)
        self._followers: set[Follower] = set()
        self.sequence, self.started, self.content = 0, time.time(), False

    def begin(self, settings: GatewaySettings) -> None:
        """Keep as many calls as the settings say, and no more of them."""
        self._ring = collections.deque(self._ring, maxlen=settings.inspector.calls)
        self.content = settings.inspector.content

    def add(self, call: Call) -> Record:
        """A new call."""
        self.sequence += 1
        record = Record(self.sequence, time.time(), call)
        self._ring.append(record)
        self.tell(record)
        return record

    def tell(self, record: Record) -> None:
        """Tell followers that a call has changed."""
        for follower in self._followers:
            follower.tell(record)

    def end(self) -> None:
        """Let all followers go: they would keep the gateway from its end."""
        for follower in self._followers:
            follower.end()

    def newest(self) -> Iterator[Record]:
        """The calls, the newest first."""
        return reversed(self._ring)

    def find(self, id_: str) -> Record | None:
        """The call of a request's id, or of its own."""
        return next((record for record in self._ring if id_ in {record.id, record.call.id}), None)

    async def follow(self, patience: float) -> AsyncIterator[Record | None]:
        """Every change from now on; None where there was none for so many seconds.

        Ends for who is too slow, and by ``end``.
        """
        follower = Follower()
        self._followers.add(follower)
        try:
            while not follower.lost:
                yield await follower.next(patience)
        finally:
            self._followers.discard(follower)
