"""Circuit: closed, open, half-open. A state machine that is told the time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Literal

import attrs

from jackfield_routing.destination import Destination
from jackfield_routing.verdict import Verdict
from jackfield_routing.window import Window

State = Literal["closed", "open", "half-open"]


@attrs.frozen
class Limits:
    """When a circuit opens, and for how long.

    Attributes:
        min_calls: so few calls in the window tell nothing.
        failure_ratio: part of them that failed.
        window: seconds that are looked back on.
        open_for: seconds that it is open the first time; each time that a probe fails, twice as long as before.
        max_open: seconds that it is open at most.
    """

    min_calls: int
    failure_ratio: float
    window: float
    open_for: float
    max_open: float


class Pass:
    """A request that was let through.

    Attributes:
        circuit: which let it through.
        era: of the circuit at that time; once it has been opened again, what comes of it says nothing any more.
        answers: whether its answer has begun to arrive.
        process: in which that is told.
    """

    __slots__ = ("answers", "circuit", "era", "process")

    def __init__(self, circuit: Circuit, answers: Callable[[], bool]) -> None:
        self.circuit, self.era, self.answers = circuit, circuit.era, answers
        self.process = os.getpid()


class Circuit:
    """Lets requests through until too many fail, then none for a while, then one at a time. For one thread at a time.

    Args:
        key: whose it is.
        limits: when it opens, and for how long.

    Attributes:
        state: what it is.
        era: how often it was opened.
        until: when an open one lets a probe through.
        opened: how often it was opened since it was closed.
    """

    __slots__ = ("_limits", "_probe", "_window", "era", "key", "opened", "state", "until")

    def __init__(self, key: Destination, limits: Limits) -> None:
        self.key = key
        self.state: State = "closed"
        self.era = 0
        self.until = 0.0
        self.opened = 0
        self._limits = limits
        self._window = Window(limits.window)
        self._probe: Pass | None = None

    def enter(self, now: float, answers: Callable[[], bool]) -> Pass | None:
        """Let a request through, or None: it is refused."""
        if self._probe is not None and self._probe.process != os.getpid():
            self._probe = None  # of the parent of a fork: how it ends is not told here
        if self.state == "open" and now >= self.until:
            self.state = "half-open"
        elif self._probe is not None and self._probe.answers():
            self._close()  # how the probe ends counts like any other
        if self.state == "open" or self._probe is not None:
            return None
        through = Pass(self, answers)
        if self.state == "half-open":
            self._probe = through
        return through

    def leave(self, through: Pass, verdict: Verdict, now: float, may_open: Callable[[], bool]) -> None:
        """Take down what came of a request that was let through.

        Args:
            through: as ``enter`` gave it.
            verdict: on its outcome.
            now: when that was.
            may_open: whether a closed circuit may be opened.
        """
        if through is self._probe:
            self._probe = None
            if verdict is Verdict.FAILURE:
                self._open(now)
            elif verdict is not Verdict.NOTHING:
                self._close()
        elif through.era == self.era and verdict in {Verdict.SUCCESS, Verdict.FAILURE}:
            failed = verdict is Verdict.FAILURE
            self._window.add(now, failed=failed)
            if failed and self._too_many() and may_open():
                self._open(now)

    @property
    def refused_by(self) -> str:
        """Why it refuses requests, in words."""
        if self.state == "half-open":
            return "a probe is under way"
        return f"too many calls failed ({self._window.failures} of {self._window.calls})"

    def _too_many(self) -> bool:
        window = self._window
        enough = window.calls >= self._limits.min_calls
        return enough and window.failures >= self._limits.failure_ratio * window.calls

    def _open(self, now: float) -> None:
        self.state = "open"
        self.era += 1
        self.until = now + min(self._limits.max_open, math.ldexp(self._limits.open_for, min(self.opened, 64)))
        self.opened += 1

    def _close(self) -> None:
        self.state, self._probe = "closed", None
        self.opened = 0
        self._window.clear()
