"""Patience: what hangs is found out, and told in a line, in place of a test run that never ends."""

from __future__ import annotations

import contextvars
import functools
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

if TYPE_CHECKING:
    from jackfield.testing.contract.middleware.subject import Subject

PATIENCE = 10.0
"""Seconds in which some call of a check has to go on by an effect."""
LOOK = 0.25
"""Seconds between two looks at a check that takes its time."""
UNBLOCKED = "no lock is held over a yield, no hook blocks, and every loop ends"
T = TypeVar("T", bound=type)


@attrs.define(eq=False)
class Pulse:
    """Tells whether the calls of a check still go on.

    Attributes:
        place: what goes on, for messages.
        last: when it went on, by the monotonic clock.
        held: how many have a limit of their own for what goes on now.
    """

    place: str = ""
    last: float = attrs.field(factory=time.monotonic)
    held: int = 0

    def beat(self, place: str) -> None:
        """Something goes on."""
        self.place, self.last = place, time.monotonic()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Until the end of the block somebody else looks after what hangs."""
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1
            self.beat(self.place)

    def stopped(self) -> bool:
        """Whether nothing has gone on for too long."""
        return not self.held and time.monotonic() - self.last > PATIENCE


def guard(subject: Subject, job: Callable[[], object]) -> None:
    """Do a job in a thread, which is left behind where it hangs.

    Args:
        subject: whose pulse tells whether calls go on, and which fails the test where they do not.
        job: what to do.

    Raises:
        BaseException: what the job raised.
    """
    done = threading.Event()
    errors: list[BaseException] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            context.run(job)
            done.set()
        except BaseException as error:  # noqa: BLE001 - raised by the thread that waits
            errors.append(error)

    pulse = subject.pulse
    pulse.beat("")
    thread = threading.Thread(target=work, name="contract", daemon=True)
    thread.start()
    while thread.is_alive() and not pulse.stopped():
        thread.join(LOOK)
    if errors:
        raise errors[0]
    if not done.is_set():
        subject.opened.clear()  # to close what hangs would hang, too
        subject.fail(f"did not come to an end within {PATIENCE:g} s", pulse.place, wants=UNBLOCKED)


def patient(cls: T) -> T:
    """A class of checks, each of which is done under guard."""
    for name, check in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("test_"):
            setattr(cls, name, _guarded(check))
    return cls


def _guarded(check: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(check)
    def run(self: Any, subject: Subject, **given: Any) -> None:
        guard(subject, functools.partial(check, self, subject, **given))

    return run
