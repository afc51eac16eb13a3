"""Budget: how many retries a backend may still be asked to bear."""

from __future__ import annotations

import threading

CAPACITY = 500
"""Tokens of a full budget: 35 retries of transient failures, 100 of throttled requests."""


class Budget:
    """A bucket of tokens, never below 0 nor above ``CAPACITY``; for many threads.

    A retry costs tokens. Success gives them back, so a backend with few failures is never short of them, and one that
    fails always soon gets no retries at all: the load on it stays what it would be without them.
    """

    __slots__ = ("_lock", "_tokens")

    def __init__(self) -> None:
        self._tokens = CAPACITY
        self._lock = threading.Lock()

    @property
    def tokens(self) -> int:
        """What is left."""
        return self._tokens

    def spend(self, cost: int) -> bool:
        """Take ``cost`` tokens; False, and nothing taken, where there are fewer."""
        with self._lock:
            if self._tokens < cost:
                return False
            self._tokens -= cost
            return True

    def refund(self, tokens: int) -> None:
        """Put tokens back, as many as there is room for."""
        if self._tokens == CAPACITY:  # the usual case costs no lock
            return
        with self._lock:
            self._tokens = min(CAPACITY, self._tokens + tokens)
