"""Process: how a gateway ends."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield_gateway.process import run

TASKS = Path("/proc/self/task")
pytestmark = pytest.mark.skipif(not TASKS.exists(), reason="the system does not tell its threads")


def tasks() -> set[str]:
    """The threads of this process, as the system has them."""
    return set(os.listdir(TASKS))


@pytest.fixture
def begin() -> Iterator[object]:
    """Starts a thread that Python knows nothing of, which lasts some seconds: ``begin(seconds)``."""
    libc = ctypes.CDLL(None)
    begun = []

    def start(seconds: float) -> None:
        thread = ctypes.c_ulong()
        number = ctypes.c_void_p(int(seconds * 1_000_000))
        before = tasks()
        assert libc.pthread_create(ctypes.byref(thread), None, ctypes.cast(libc.usleep, ctypes.c_void_p), number) == 0
        begun.append(thread)
        while tasks() == before:
            time.sleep(0.001)

    yield start
    for thread in begun:
        libc.pthread_join(thread, None)


def test_threads_that_python_does_not_know_have_ended_too(begin):
    """What the server keeps for them is given back when they end, and would abort a program that ends just then."""
    before = tasks()

    async def main() -> None:
        begin(0.2)

    run(main())
    assert tasks() <= before


def test_threads_that_stay_are_not_waited_for(begin):
    """Numerical libraries keep some for as long as the program lasts; nor is what was there before."""
    begin(3)
    before = tasks()

    async def main() -> None:
        begin(3)

    run(main())
    assert len(tasks() - before) == 1


def test_a_failure_comes_out(begin):
    """After the same wait."""
    before = tasks()

    async def main() -> None:
        begin(0.2)
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        run(main())
    assert tasks() <= before
