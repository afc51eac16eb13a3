"""A function that may block is waited for, for so long."""

from __future__ import annotations

import threading

import pytest

from jackfield.checkup.bounded import bounded


def test_a_result_is_returned() -> None:
    """None is one too."""
    assert bounded(lambda: 1, 60) == 1
    assert bounded(lambda: None, 60) is None


def test_what_is_raised_is_raised() -> None:
    """Whatever it is."""
    with pytest.raises(SystemExit):
        bounded(lambda: exec("raise SystemExit"), 60)


def test_what_takes_too_long_is_given_up() -> None:
    """It goes on by itself, and nobody waits for it."""
    ended = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            bounded(ended.wait, 0.01)
    finally:
        ended.set()
