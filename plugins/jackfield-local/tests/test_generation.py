"""What the engine's thread puts in is what the flow takes out."""

from __future__ import annotations

import threading

import pytest

from jackfield.errors import APIConnectionError
from jackfield_local.generation import Generation


def test_everything_that_is_ready_is_taken_at_once() -> None:
    """Nothing waits for a second visit; the end is told with the last pieces."""
    generation = Generation()
    generation.put(b"a")
    generation.put(b"b")

    first = generation.take(10)
    generation.put(b"c")
    generation.end()
    rest = generation.take(10)

    assert (first, rest, generation.ended) == ([b"a", b"b"], [b"c"], True)


def test_what_came_before_a_failure_is_taken_before_it_is_raised() -> None:
    """A failure hides no piece; it is no end, and is raised for as long as anyone asks."""
    generation = Generation()
    generation.put(b"a")
    generation.end(OSError("broken"))

    assert generation.take(10) == [b"a"]
    for _ in range(2):
        with pytest.raises(OSError, match="broken"):
            generation.take(10)
    assert not generation.ended


def test_waiting_ends_with_the_first_piece_or_the_time() -> None:
    """An empty list tells that there was nothing yet."""
    generation = Generation()
    assert generation.take(0.01) == []
    assert generation.take(-1) == []
    threading.Timer(0.05, generation.put, [b"late"]).start()

    assert generation.take(60) == [b"late"]


def test_a_stopped_generation_tells_the_engine_and_takes_nothing_more() -> None:
    """The callback's True is what makes the engine give up."""
    generation = Generation()

    before = generation.put(b"a")
    generation.stop()
    after = generation.put(b"b")

    assert (before, after, generation.pieces) == (False, True, 1)
    assert generation.take(0) == [b"a"]


def test_a_forked_child_does_not_wait_for_its_parents_thread() -> None:
    """It would wait for ever."""
    generation = Generation()
    generation.orphan()

    with pytest.raises(APIConnectionError, match="forked"):
        generation.take(60)
