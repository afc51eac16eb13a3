"""Gauges: what a process holds."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

PAGE = os.sysconf("SC_PAGE_SIZE")


@attrs.frozen
class Gauge:
    """What the process holds while it rests.

    Attributes:
        rss: bytes in memory, as the system counts them.
        blocks: blocks of memory that Python's objects take. It counts what is in use, whatever the allocator keeps.
        descriptors: open files and sockets.
        threads: that are alive.
    """

    rss: int
    blocks: int
    descriptors: int
    threads: int


def read() -> Gauge:
    """Read the gauges; garbage is collected first."""
    for _ in range(3):
        gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        rss = int(file.read().split()[1]) * PAGE
    return Gauge(rss, sys.getallocatedblocks(), len(os.listdir("/proc/self/fd")), len(threading.enumerate()))


def until(condition: Callable[[], Any], seconds: float = 10.0) -> bool:
    """Whether the condition comes true within the time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


@contextmanager
def complaints() -> Iterator[list[str]]:
    """Whatever Python complains of meanwhile: warnings, and exceptions that no one could catch."""
    heard: list[str] = []
    hooks = sys.unraisablehook, threading.excepthook
    sys.unraisablehook = lambda args: heard.append(f"unraisable: {args.exc_value!r} in {args.object!r}")
    threading.excepthook = lambda args: heard.append(f"in a thread: {args.exc_value!r}")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield heard
    finally:
        sys.unraisablehook, threading.excepthook = hooks
    heard += [f"{warning.category.__name__}: {warning.message}" for warning in caught]
