"""Health: whether the store takes what is written to it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from jackfield_gateway.database import StoreError

if TYPE_CHECKING:
    from jackfield_gateway.store import Store

KEPT = 1.0
"""Seconds for which an answer holds: anybody may ask, and each answer is something written."""
PATIENCE = 2.0
"""Seconds that the store has to answer."""


class Health:
    """Of one store, which is asked by one at a time.

    Args:
        store: that is asked.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asking: asyncio.Task[None] | None = None
        self._until = float("-inf")

    async def check(self) -> None:
        """Write something to the store, unless that went well just now.

        Raises:
            StoreError: it does not take it, or not in time.
        """
        if time.monotonic() < self._until:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
            self._asking.add_done_callback(_looked_at)
        done, _ = await asyncio.wait({self._asking}, timeout=PATIENCE)
        if not done:
            raise StoreError("it takes too long")
        self._asking.result()

    async def _ask(self) -> None:
        await self._store.touch()
        self._until = time.monotonic() + KEPT

    async def close(self) -> None:
        """Wait for the store, which is about to be closed."""
        if self._asking is not None:
            await asyncio.wait({self._asking})


def _looked_at(asking: asyncio.Task[None]) -> None:
    """Whoever asked may have left; a failure that nobody looked at would be a warning."""
    if not asking.cancelled():
        asking.exception()
