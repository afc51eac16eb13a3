"""Watchdog: one thread that cuts the waits of live calls short when their time is over.

A socket's own timeout starts anew with every byte, so a server that drips defeats it. The watchdog compares one number
for each call, every 50 ms while there are any.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from jackfield.drivers.live import Live

TICK = 0.05
LINGER = 20
"""So many idle ticks before the thread goes to sleep, so that calls in quick succession need not wake it."""


class Watchdog:
    """Scans the live calls of one client, and carries out what may not be done where it is found out."""

    def __init__(self) -> None:
        self._live: dict[int, Live] = {}
        self._chores: list[Callable[[], None]] = []
        self._wake = threading.Event()
        self._end = threading.Event()
        self.thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def add(self, live: Live) -> None:
        """Watch a call until it is discarded."""
        self._live[id(live)] = live
        if self.thread is None or not self._wake.is_set():
            self._rouse()

    def discard(self, live: Live) -> None:
        """Watch it no more."""
        self._live.pop(id(live), None)

    def live(self) -> list[Live]:
        """The calls that are watched."""
        return list(self._live.values())

    def hand_over(self, chore: Callable[[], None]) -> None:
        """Have ``chore`` done by the watchdog's thread; may be called from within the garbage collector."""
        self._chores.append(chore)
        # No lock here: the collector may run inside _rouse. A sleeping thread is woken; one that is awake looks.
        self._wake.set()

    def stop(self) -> None:
        """End the thread once nothing is left to do; who stops it waits for that only where there is nothing."""
        self._stopped = True
        self._wake.set()
        self._end.set()
        # A call that is still in a function of a plugin, perhaps in one that closes the client, may take for ever.
        if self.thread is not None and self.thread is not threading.current_thread() and not self._live:
            self.thread.join()

    def _rouse(self) -> None:
        with self._lock:
            if self.thread is None and not self._stopped:
                thread = threading.Thread(target=self._watch, name="jackfield-watchdog", daemon=True)
                # Python 3.12 begins no thread once the program ends: a call in a late handler is made unwatched.
                with suppress(RuntimeError):
                    thread.start()
                    self.thread = thread
            self._wake.set()

    def _watch(self) -> None:
        idle = 0
        while not (self._stopped and not self._live and not self._chores):
            self._scan()
            idle = 0 if self._live or self._chores else idle + 1
            if idle > LINGER and not self._stopped:
                self._wake.clear()
                self._wake.wait(0 if self._live or self._chores else None)  # one may have come before the clearing
                idle = 0
            else:
                self._nap()

    def _nap(self) -> None:
        """Rest for a tick; stopping does not wait for its end, unless something is still to be watched."""
        if self._stopped:
            time.sleep(TICK)
        else:
            self._end.wait(TICK)

    def _scan(self) -> None:
        while self._chores:
            _do(self._chores.pop(0))
        now = time.monotonic()
        for live in self.live():
            late = now >= live.until
            # A call that was closed just before it began to wait is cut here.
            if (late or live.closing is not None) and live.cut is not None:
                live.expired = live.expired or late
                live.interrupt()


def _do(chore: Callable[[], None]) -> None:
    """Do a chore; where it fails that is told, and the watch goes on."""
    try:
        chore()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other calls must stay watched
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
        )
