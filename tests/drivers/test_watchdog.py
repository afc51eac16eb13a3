"""The watchdog: awake while there are calls, asleep when there are none, gone when it is stopped."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from jackfield.drivers import watchdog
from jackfield.drivers.watchdog import Watchdog
from jackfield.errors import CallError
from rig import Rig, wait_until


@pytest.fixture
def dog(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watchdog]:
    """A watchdog in a hurry to sleep."""
    monkeypatch.setattr(watchdog, "TICK", 0.002)
    monkeypatch.setattr(watchdog, "LINGER", 2)
    dog = Watchdog()
    yield dog
    for live in dog.live():
        dog.discard(live)
    dog.stop()


def asleep(dog: Watchdog) -> None:
    """Wait until the watchdog sleeps."""
    wait_until(lambda: dog.thread is not None and not dog._wake.is_set())


def test_no_thread_runs_before_it_is_needed(dog: Watchdog) -> None:
    """A client that was only made costs none."""
    assert dog.thread is None
    dog.stop()
    assert dog.thread is None


def test_it_cuts_what_is_over_and_nothing_else(dog: Watchdog) -> None:
    """A call whose time is over is marked and cut; one that has time, or waits for nothing, is not."""
    rig = Rig()
    late, early, idle = rig.live(), rig.live(), rig.live()
    cut, other = threading.Event(), threading.Event()
    late.until, late.cut, early.cut, idle.until = 0.0, cut.set, other.set, 0.0
    for live in (early, idle, late):
        dog.add(live)
    assert cut.wait(5)
    assert (late.expired, early.expired, idle.expired, other.is_set()) == (True, False, False, False)
    assert len(dog.live()) == 3


def test_it_cuts_a_call_that_was_closed_though_it_has_time(dog: Watchdog) -> None:
    """A call that was closed just before it began to wait must not wait; its limit has not passed by that."""
    live, cut = Rig().live(), threading.Event()
    live.closing, live.cut = CallError("closed"), cut.set
    dog.add(live)
    assert cut.wait(5)
    assert not live.expired


def test_it_sleeps_when_nothing_lives_and_wakes_for_the_next_call(dog: Watchdog) -> None:
    """One thread all along."""
    rig = Rig()
    thread = None
    for _ in range(3):
        live, cut = rig.live(), threading.Event()
        live.until, live.cut = 0.0, cut.set
        dog.add(live)
        assert cut.wait(5)
        assert thread in {None, dog.thread}
        thread = dog.thread
        dog.discard(live)
        asleep(dog)


def test_while_it_sleeps_it_looks_at_nothing(dog: Watchdog) -> None:
    """A client that is not used costs no time of the processor."""
    live, looks, scan = Rig().live(), [], dog._scan

    def look() -> None:
        looks.append(None)
        dog.discard(live)  # so that already its first look finds nothing
        scan()

    dog._scan = look
    dog.add(live)
    asleep(dog)
    before = len(looks)
    time.sleep(0.1)
    assert len(looks) == before


@pytest.mark.parametrize("linger", [0, 3])
def test_while_a_call_lives_it_looks_once_a_tick(dog: Watchdog, monkeypatch: pytest.MonkeyPatch, linger: int) -> None:
    """However long the call lives, the processor is left to others in between."""
    monkeypatch.setattr(watchdog, "TICK", 0.03)
    monkeypatch.setattr(watchdog, "LINGER", linger)
    looks: list[float] = []
    scan = dog._scan

    def look() -> None:
        looks.append(time.monotonic())
        scan()

    dog._scan = look
    dog.add(Rig().live())
    wait_until(lambda: len(looks) > 8)
    assert all(later - earlier >= 0.025 for earlier, later in itertools.pairwise(looks))


@pytest.mark.parametrize("what", ["call", "chore"])
def test_what_comes_just_before_it_sleeps_is_not_left_lying(dog: Watchdog, what: str) -> None:
    """A call, or a chore, between its last look and its sleep is seen to all the same."""
    live, late, done = Rig().live(), Rig().live(), threading.Event()
    late.until, late.cut = 0.0, done.set
    coming = [lambda: dog.add(late) if what == "call" else dog.hand_over(done.set)]

    class Wake(threading.Event):
        """What wakes it; something comes just before it is cleared for the first time."""

        def clear(self) -> None:
            for come in [coming.pop() for _ in coming[:]]:
                come()
            super().clear()

    dog._wake = Wake()
    dog.add(live)
    dog.discard(live)
    assert done.wait(5)


def test_a_call_may_be_discarded_twice(dog: Watchdog) -> None:
    """And one that was never watched, too."""
    live = Rig().live()
    dog.add(live)
    dog.discard(live)
    dog.discard(live)
    assert dog.live() == []


def test_its_thread_does_not_hold_up_the_end_of_the_program(dog: Watchdog) -> None:
    """A host that ends with an open stream ends."""
    dog.add(Rig().live())
    assert dog.thread is not None
    assert dog.thread.daemon


def test_it_does_chores_also_from_sleep(dog: Watchdog) -> None:
    """What the garbage collector hands over is done by its thread."""
    names: list[str] = []
    dog.hand_over(lambda: names.append(threading.current_thread().name))
    rig = Rig()
    live = rig.live()
    dog.add(live)
    dog.discard(live)
    wait_until(lambda: names)
    asleep(dog)
    dog.hand_over(lambda: names.append(threading.current_thread().name))
    wait_until(lambda: len(names) == 2)
    assert names == ["jackfield-watchdog"] * 2


def test_a_chore_that_fails_does_not_end_the_watch(dog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as the failure of a thread is, and the next call is still cut."""
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_type))
    live, cut = Rig().live(), threading.Event()
    dog.add(live)
    empty: dict[str, None] = {}
    dog.hand_over(lambda: empty["x"])
    wait_until(lambda: told)
    live.cut, live.until = cut.set, 0.0
    assert cut.wait(5)
    assert told == [KeyError]


def test_stopping_ends_the_thread(dog: Watchdog) -> None:
    """From sleep or awake; it takes up no more work."""
    live = Rig().live()
    dog.add(live)
    dog.discard(live)
    asleep(dog)
    thread = dog.thread
    dog.stop()
    assert thread is not None
    assert not thread.is_alive()
    dog.add(live)
    assert dog.thread is thread


def test_it_may_be_stopped_by_its_own_thread(dog: Watchdog) -> None:
    """A client that is closed by a chore does not wait for itself."""
    live = Rig().live()
    dog.add(live)
    dog.hand_over(dog.stop)
    dog.discard(live)
    wait_until(lambda: dog.thread is not None and not dog.thread.is_alive())


def test_who_stops_it_does_not_wait_for_its_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is closed is closed at once, and not when the watchdog would have looked again."""
    monkeypatch.setattr(watchdog, "TICK", 600.0)
    dog = Watchdog()
    live = Rig().live()
    dog.add(live)
    dog.discard(live)
    dog.stop()

    assert dog.thread is not None
    assert not dog.thread.is_alive()


def test_stopped_it_still_watches_what_lives(dog: Watchdog) -> None:
    """What outlives its client is cut when its time is over, and the thread ends with the last of it."""
    live, cut = Rig().live(), threading.Event()
    live.until = float("inf")
    dog.add(live)
    stopping = threading.Thread(target=dog.stop)
    stopping.start()
    time.sleep(0.05)
    live.cut, live.until = cut.set, 0.0

    assert cut.wait(5)
    dog.discard(live)
    stopping.join(5)
    assert not stopping.is_alive()


def test_where_no_thread_can_begin_calls_are_made_unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Python 3.12 when the program ends: no error, and no thread that never was."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    dog = Watchdog()
    dog.add(Rig().live())
    dog.stop()

    assert dog.thread is None
