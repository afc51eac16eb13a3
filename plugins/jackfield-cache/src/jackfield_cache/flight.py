"""Flight: one request on its way to the backend, for which others that ask the same wait."""

from __future__ import annotations

import os
import threading

from jackfield.flow import Acquire, Flow, Sleep
from jackfield.gate import Gate

SHORTEST, LONGEST = 0.005, 0.1
"""Seconds between two looks at whether a stream has ended."""
PATIENCE = 30.0
"""Seconds for which a stream of another is waited for: its host may read it as slowly as it likes."""


class Flight:
    """One request, and what came of it.

    Attributes:
        streamed: whether its answer comes as a stream, at the pace of its host.
        gate: entered by whoever flies, left when it has ended.
        ended: nobody flies any more.
        answer: for those who waited, as it is stored; None where there is none.
        failed: it ended without an answer that is fit for others; else, without one, its host had left.
    """

    __slots__ = ("answer", "ended", "failed", "gate", "streamed")

    def __init__(self, *, streamed: bool) -> None:
        self.streamed = streamed
        self.gate = Gate(1)
        self.gate.line_up(_nothing)  # enters it: nobody else knows of it yet
        self.ended = self.failed = False
        self.answer: bytes | None = None

    def landing(self) -> Flow[None]:
        """Wait until it has ended; for a stream ``PATIENCE`` at most.

        Whoever gets through the gate leaves it at once: only the one who flies keeps it shut.
        """
        if not self.streamed:
            yield Acquire(self.gate)
            self.gate.release()
            return
        waited, pause = 0.0, SHORTEST
        while not self.ended and waited < PATIENCE:
            yield Sleep(pause)
            waited += pause
            pause = min(2 * pause, LONGEST)


def _nothing() -> None:
    """Who enters a free gate is not told."""


class Flights:
    """The flights of one cache, by key; for many threads."""

    __slots__ = ("_flights", "_lock")

    def __init__(self) -> None:
        self._flights: dict[tuple[int, str], Flight] = {}
        self._lock = threading.RLock()  # a flow that is forgotten ends its flight where its memory is collected

    def __len__(self) -> int:
        return len(self._flights)

    def join(self, key: str, *, streamed: bool) -> tuple[Flight, bool]:
        """The flight for a key, and whether it is the caller's own, to be ended by ``end``."""
        place = os.getpid(), key  # what flies in another process does not land in its fork
        with self._lock:
            flight = self._flights.get(place)
            if flight is not None:
                return flight, False
            flight = self._flights[place] = Flight(streamed=streamed)
            return flight, True

    def end(self, key: str, flight: Flight) -> None:
        """Let those go on who wait."""
        with self._lock:
            self._flights.pop((os.getpid(), key), None)
        flight.ended = True
        flight.gate.release()
