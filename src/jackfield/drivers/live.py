"""Live: a call that a driver has in hand, with the limit on what it waits for and the means to cut that short."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jackfield.errors import APITimeoutError, CallError, ConfigError, DeadlineExceededError, Stage
from jackfield.http import Timeouts, Transport

if TYPE_CHECKING:
    from jackfield.engine import Engine

FOREVER = float("inf")
LONGEST_WAIT = 10_000_000.0
"""Seconds; the operating system's clocks take no more at a time."""
POOL_WAIT = 10.0
"""Seconds that a call waits for a free connection, at most."""
WORDS = {
    "pool": "no connection came free",
    "connect": "no connection could be made",
    "first_byte": "no byte of the answer came",
    "idle": "nothing came",
}


class Live:
    """A call in hand.

    Attributes:
        engine: the call's engine.
        until: when the watchdog cuts the wait short, monotonic: the nearer of the deadline and the limit.
        limit, seconds: which limit that is, and how long.
        sent: whether bytes of the request may have left.
        closing: what the host is to get, once it closed the call from elsewhere.
        cut: ends the wait at once, from any thread; None while nothing waits.
        guard: held by the thread that drives the call.
        lent: the connections that it has of the sync driver's pools, and which one each is of.
    """

    __slots__ = (
        "_handover",
        "closing",
        "cut",
        "engine",
        "expired",
        "guard",
        "lent",
        "limit",
        "seconds",
        "sent",
        "until",
    )

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.until = FOREVER
        self.limit, self.seconds = "idle", 0.0
        self.sent = False
        self.expired = False
        self.closing: CallError | None = None
        self.cut: Callable[[], None] | None = None
        self.guard = threading.Lock()
        self.lent: dict[Any, Any] = {}
        # Held while a connection changes hands, so that no cut hits the next call on it.
        self._handover = threading.Lock()

    @property
    def timeouts(self) -> Timeouts:
        """The limits of the backend that the call is at, or the usual ones."""
        backend = self.engine.call.backend
        return _USUAL_TIMEOUTS if backend is None else backend.timeouts

    @property
    def transport(self) -> Transport:
        """How that backend is reached."""
        backend = self.engine.call.backend
        return _USUAL_TRANSPORT if backend is None else backend.transport

    def placed(self, error: ConfigError) -> ConfigError:
        """A fault of a transport, with the backend that it is of."""
        backend = self.engine.call.backend
        if backend is None:
            return error
        at = f"backends.{backend.name}"
        return ConfigError([one.but(path=f"{at}.{one.path}" if one.path else at) for one in error.faults])

    def check(self) -> None:
        """Raise what ends the call, if anything does: it was closed, or its time is over."""
        if self.closing is not None:
            raise self.closing
        if time.monotonic() >= self.engine.call.deadline:
            raise DeadlineExceededError

    def wait(self, limit: str, seconds: float) -> float:
        """Begin a wait of at most ``seconds``; returns when it must be over.

        Raises:
            DeadlineExceededError: there is no time left.
        """
        now = time.monotonic()
        deadline = self.engine.call.deadline
        if now >= deadline:
            raise DeadlineExceededError
        if self.closing is not None:
            raise self.closing
        self.expired = False
        self.limit, self.seconds = limit, seconds
        self.until = min(now + seconds, deadline)
        return self.until

    def rest(self) -> None:
        """End a wait: from here on only the deadline counts, for the host may take its time."""
        self.until = self.engine.call.deadline

    def interrupt(self) -> None:
        """Cut short what the call waits for, from any thread."""
        with self._handover:
            if self.cut is not None:
                self.cut()

    def part(self, cut: Callable[[], None]) -> None:
        """Have ``cut`` never called again for this call: what it cuts goes to someone else now."""
        with self._handover:
            if self.cut == cut:
                self.cut = None

    def over(self) -> CallError | None:
        """The error for a wait that was cut short, or None where it was not."""
        if self.closing is not None:
            return self.closing
        return self.timeout() if self.expired else None

    def timeout(self) -> CallError:
        """The error for the limit that has passed: the nearer one, however late it is noticed."""
        if self.until >= self.engine.call.deadline:
            return DeadlineExceededError()
        stage: Stage = "ambiguous" if self.sent else "not_sent"
        return APITimeoutError(
            f"{WORDS[self.limit]} within {self.seconds:g} s ({self.limit})", code=self.limit, stage=stage
        )


_USUAL_TIMEOUTS = Timeouts()
_USUAL_TRANSPORT = Transport()
