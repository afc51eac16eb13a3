"""Follower: somebody who is told of calls as they run. Of one event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jackfield_gateway.record import BEGUN, CHUNK, ENDED

if TYPE_CHECKING:
    from jackfield_gateway.record import Record

BEHIND = 1000
"""Events that a follower may be behind; one that reads slower is let go."""
LOOK = 0.1
"""Seconds between two looks for first chunks: calls themselves do nothing for that."""


class Follower:
    """Somebody who is told how calls begin, get their first chunk, and end.

    Attributes:
        lost: it was too far behind, and is told of nothing more.
    """

    def __init__(self) -> None:
        self._events: asyncio.Queue[tuple[Record, bool]] = asyncio.Queue(BEHIND)
        self._open: dict[int, tuple[Record, int]] = {}
        self.lost = False

    def tell(self, record: Record) -> None:
        """Put the beginning or the end of a call before it; where it is too far behind, it is let go."""
        if self.lost:
            return
        try:
            self._events.put_nowait((record, record.stage == ENDED))
        except asyncio.QueueFull:
            self.lost = True
            self._events = asyncio.Queue()
            self._open.clear()

    async def next(self, patience: float) -> Record | None:
        """The next call that has begun, got its first chunk or ended; None where none did within so many seconds."""
        clock = asyncio.get_running_loop().time
        until = clock() + patience
        while not self.lost:
            record = self._with_chunk() or await self._told(until - clock())
            if record is not None:
                return record
            if clock() >= until:
                return None
        return None

    def _with_chunk(self) -> Record | None:
        """A call that got its first chunk since it was told of."""
        for record, told in self._open.values():
            if told == BEGUN and record.stage == CHUNK:
                self._open[record.sequence] = (record, CHUNK)
                return record
        return None

    async def _told(self, patience: float) -> Record | None:
        event = await self._event(min(patience, LOOK) if self._open else patience)
        if event is None:
            return None
        record, ended = event
        if ended:
            self._open.pop(record.sequence, None)
            return record
        if record.stage == ENDED:  # since; its end comes in its turn
            return None
        self._open[record.sequence] = (record, record.stage)
        return record

    async def _event(self, patience: float) -> tuple[Record, bool] | None:
        if not self._events.empty():
            return self._events.get_nowait()
        try:
            async with asyncio.timeout(patience):
                return await self._events.get()
        except TimeoutError:
            return None
