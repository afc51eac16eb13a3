"""Window: how many calls there were lately, and how many of them failed."""

from __future__ import annotations

from collections import deque

SLOTS = 30
"""Parts of a window. What happened is forgotten part by part, so that a window never holds more than these."""


class Window:
    """Counts what happened within the last ``seconds``, exactly to a thirtieth of them. For one thread at a time.

    Args:
        seconds: its length.
    """

    __slots__ = ("_slots", "_width", "calls", "failures")

    def __init__(self, seconds: float) -> None:
        self._width = seconds / SLOTS
        self._slots: deque[list[int]] = deque()  # number of the part, calls, failures; oldest first
        self.calls = 0
        self.failures = 0

    def add(self, now: float, *, failed: bool) -> None:
        """Count a call that ended at ``now``; what is too old then is no longer counted."""
        part = int(now // self._width)
        if self._slots:
            part = max(part, self._slots[-1][0])  # two threads may come in another order than they read the clock
        self._forget(part - SLOTS)
        if not self._slots or self._slots[-1][0] != part:
            self._slots.append([part, 0, 0])
        self._slots[-1][1] += 1
        self._slots[-1][2] += failed
        self.calls += 1
        self.failures += failed

    def clear(self) -> None:
        """Forget everything."""
        self._slots.clear()
        self.calls = self.failures = 0

    def _forget(self, last: int) -> None:
        while self._slots and self._slots[0][0] <= last:
            _, calls, failures = self._slots.popleft()
            self.calls -= calls
            self.failures -= failures
