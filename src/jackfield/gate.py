"""Gate: a counting gate that threads and tasks share, entered by the ``Acquire`` effect."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class Gate:
    """Lets at most ``size`` flows through at a time, first come, first served.

    A flow enters by ``yield Acquire(gate)`` and leaves by ``gate.release()``, which never blocks.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("size: expected at least 1")
        self.size = size
        self._free = size
        self._lock = threading.Lock()
        self._line: deque[Ticket] = deque()

    def line_up(self, notify: Callable[[], None]) -> Ticket:
        """For drivers: take a place in the line.

        Args:
            notify: called from any thread once the ticket is ``granted``, but not where it is so from the start.
        """
        with self._lock:
            ticket = Ticket(notify)
            if self._free:
                self._free -= 1
                ticket.granted = True
            else:
                self._line.append(ticket)
            return ticket

    def leave(self, ticket: Ticket) -> None:
        """For drivers: give a ticket up, granted or not."""
        with self._lock:
            if not ticket.granted:
                with suppress(ValueError):  # it was passed over
                    self._line.remove(ticket)
                return
        self.release()

    def release(self) -> None:
        """Let the next one in; who cannot be notified any more is passed over."""
        while True:
            with self._lock:
                if self._line:
                    ticket = self._line.popleft()
                    ticket.granted = True
                elif self._free < self.size:
                    self._free += 1
                    return
                else:
                    raise RuntimeError("the gate was released more often than it was entered")
            try:
                ticket.notify()
            except RuntimeError:  # the event loop on which it waits is closed
                ticket.granted = False
            else:
                return


class Ticket:
    """A place in the line of a gate."""

    __slots__ = ("granted", "notify")

    def __init__(self, notify: Callable[[], None]) -> None:
        self.notify = notify
        self.granted = False
