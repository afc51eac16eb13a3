"""Fork: no connection to SQLite is open while the process forks, for its locks would be lost in the child.

See "How To Corrupt An SQLite Database File", section 2.6, in SQLite's documentation.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Held(Protocol):
    """What has to let go before a fork."""

    def hold(self) -> None:
        """Let go, and take nothing up until ``resume``."""

    def resume(self) -> None:
        """Go on as before."""


class _Watch:
    """Has everything let go before each fork of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: weakref.WeakSet[Held] = weakref.WeakSet()
        self._held: list[Held] = []
        self._registered = False

    def add(self, one: Held) -> None:
        with self._lock:
            self._watched.add(one)
            if not self._registered and hasattr(os, "register_at_fork"):
                os.register_at_fork(before=self._before, after_in_parent=self._after, after_in_child=self._after)
                self._registered = True

    def _before(self) -> None:
        self._lock.acquire()  # nor is there a new one before it is over
        for one in list(self._watched):
            one.hold()
            self._held.append(one)

    def _after(self) -> None:
        while self._held:
            self._held.pop().resume()
        self._lock.release()


_watch = _Watch()


def watch(one: Held) -> None:
    """Have ``one`` let go before each fork, as long as it lives."""
    _watch.add(one)
