"""The rolling window."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from jackfield_routing.window import SLOTS, Window


def test_what_is_too_old_is_forgotten():
    """A call is counted for 30 s, but for the part of a second that its slot is ahead of it."""
    window = Window(30.0)
    window.add(100.0, failed=True)

    window.add(129.9, failed=False)
    assert (window.calls, window.failures) == (2, 1)

    window.add(130.0, failed=False)
    assert (window.calls, window.failures) == (2, 0)


def test_clear_forgets_everything():
    """Afterwards it is as new."""
    window = Window(30.0)
    window.add(100.0, failed=True)
    window.clear()
    assert (window.calls, window.failures) == (0, 0)

    window.add(100.0, failed=False)
    assert (window.calls, window.failures) == (1, 0)

    window.add(130.0, failed=True)
    assert (window.calls, window.failures) == (1, 1)


def test_memory_is_bounded():
    """After 100,000 calls, at any pace, it holds no more than its slots."""
    for pace in (0.0001, 0.1, 3.0):
        window = Window(30.0)
        for number in range(100_000):
            window.add(number * pace, failed=number % 2 == 0)
            assert len(window._slots) <= SLOTS


@given(
    st.floats(0.1, 1000.0),
    st.lists(st.tuples(st.floats(0.0, 40.0, allow_subnormal=False), st.booleans()), max_size=60),
)
def test_it_counts_as_a_list_of_all_calls_does(seconds: float, steps: list[tuple[float, bool]]):
    """It is what one gets by looking through all calls that ever were."""
    window, calls = Window(seconds), list[tuple[int, bool]]()
    now = itertools.accumulate(step for step, _ in steps)

    for time, (_, failed) in zip(now, steps, strict=True):
        window.add(time, failed=failed)
        calls.append((int(time // (seconds / SLOTS)), failed))
        lately = [failed for part, failed in calls if part > calls[-1][0] - SLOTS]
        assert (window.calls, window.failures) == (len(lately), sum(lately))


def test_a_clock_that_is_read_too_early_does_no_harm():
    """Two threads may come in another order than they read the clock in; however often, it takes no more room."""
    window = Window(30.0)
    for _ in range(100):
        window.add(131.0, failed=True)
        window.add(100.0, failed=False)

    assert (window.calls, window.failures) == (200, 100)
    assert len(window._slots) == 1
