"""A call in hand: how long it may wait, what ends the wait, and which error that is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jackfield.drivers import live as module
from jackfield.drivers.live import Live
from jackfield.errors import APITimeoutError, CallError, DeadlineExceededError
from jackfield.http import Timeouts, Transport
from rig import Rig

NOW = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that waits are measured by; ``now`` can be set."""
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def make(deadline: float = float("inf"), rig: Rig | None = None) -> Live:
    """A call that must be over at ``deadline``."""
    live = (rig or Rig()).live()
    live.engine.call.deadline = deadline
    return live


def test_a_new_call_waits_for_nothing() -> None:
    """Nothing was sent, nothing has expired, the watchdog leaves it alone, and no thread drives it yet."""
    live = make()

    assert live.until == float("inf")
    assert (live.sent, live.expired, live.closing, live.cut) == (False, False, None, None)
    assert live.over() is None
    assert not live.guard.locked()
    live.check()


@pytest.mark.parametrize(
    ("seconds", "deadline", "until"), [(5.0, 200.0, 105.0), (5.0, 103.0, 103.0), (float("inf"), 150.0, 150.0)]
)
def test_a_wait_ends_with_its_limit_or_with_the_deadline(
    clock: SimpleNamespace, seconds: float, deadline: float, until: float
) -> None:
    """Whichever comes first, and the watchdog is told."""
    live = make(deadline)

    assert live.wait("idle", seconds) == until
    assert live.until == until


@pytest.mark.parametrize("now", [200.0, 200.5])
def test_at_the_deadline_nothing_is_begun(clock: SimpleNamespace, now: float) -> None:
    """A moment before it there is time left, from that moment on there is none."""
    live = make(200.0)
    clock.now = 199.9
    live.check()
    live.wait("idle", 1.0)
    clock.now = now

    with pytest.raises(DeadlineExceededError):
        live.check()
    with pytest.raises(DeadlineExceededError):
        live.wait("idle", 1.0)


def test_a_closed_call_begins_nothing(clock: SimpleNamespace) -> None:
    """What the host is to get is raised by every wait, and by the look between waits."""
    live = make(200.0)
    live.closing = closed = CallError("closed")

    with pytest.raises(CallError) as waited:
        live.wait("idle", 1.0)
    with pytest.raises(CallError) as checked:
        live.check()

    assert waited.value is checked.value is live.over() is closed


def test_closing_goes_before_a_limit_that_has_passed(clock: SimpleNamespace) -> None:
    """A call that was closed in the very moment of its timeout was closed."""
    live = make(200.0)
    live.wait("idle", 1.0)
    live.expired = True
    live.closing = CallError("closed")

    assert live.over() is live.closing


@pytest.mark.parametrize("limit", ["pool", "connect", "first_byte", "idle"])
@pytest.mark.parametrize(("sent", "stage"), [(False, "not_sent"), (True, "ambiguous")])
def test_a_limit_that_has_passed_is_told_by_its_name(
    clock: SimpleNamespace, limit: str, sent: bool, stage: str
) -> None:
    """With how long it was, and whether bytes of the request may have left."""
    live = make(200.0)
    live.wait(limit, 2.5)
    live.sent, live.expired = sent, True

    error = live.over()

    assert isinstance(error, APITimeoutError)
    assert (error.code, error.stage) == (limit, stage)
    assert error.message.endswith(f" within 2.5 s ({limit})")
    assert not error.message.startswith(" ")


@pytest.mark.parametrize("seconds", [50.0, 100.0])
def test_where_the_deadline_is_the_nearer_it_is_the_deadline_that_passed(
    clock: SimpleNamespace, seconds: float
) -> None:
    """Also where the limit would have passed with it."""
    live = make(NOW + 50.0)
    live.wait("idle", seconds)

    assert type(live.timeout()) is DeadlineExceededError


def test_a_new_wait_has_a_limit_of_its_own(clock: SimpleNamespace) -> None:
    """What an earlier wait came to is forgotten."""
    live = make(200.0)
    live.wait("connect", 1.0)
    live.expired = True

    live.wait("first_byte", 3.0)

    assert live.over() is None
    assert (live.limit, live.seconds, live.until) == ("first_byte", 3.0, NOW + 3.0)


def test_between_waits_only_the_deadline_counts(clock: SimpleNamespace) -> None:
    """The host may take its time with a chunk."""
    live = make(200.0)
    live.wait("idle", 1.0)

    live.rest()

    assert live.until == 200.0


def test_an_interrupt_cuts_what_is_waited_for_and_nothing_that_was_parted_from() -> None:
    """A connection that went to another call is never cut for this one; what came after it still is."""
    live, cuts = make(), []

    def first() -> None:
        cuts.append("first")

    def second() -> None:
        cuts.append("second")

    live.interrupt()
    live.cut = first
    live.interrupt()
    live.part(second)
    live.interrupt()
    assert cuts == ["first", "first"]

    live.part(first)
    live.interrupt()
    assert live.cut is None
    assert cuts == ["first", "first"]

    live.cut = second
    live.interrupt()
    assert cuts == ["first", "first", "second"]


def test_the_limits_are_those_of_the_backend_that_the_call_is_at() -> None:
    """Before it is at one, the usual ones hold."""
    timeouts, transport = Timeouts(idle=7.0), Transport(proxy="")
    live = make(rig=Rig(timeouts=timeouts, transport=transport))

    assert live.timeouts is timeouts
    assert live.transport is transport

    live.engine.call.attempts.clear()

    assert live.timeouts == Timeouts()
    assert live.transport == Transport()
