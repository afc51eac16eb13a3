"""Gauges: what a process holds."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

PAGE = os.sysconf("SC_PAGE_SIZE")
INTERNED = 100_000
"""Texts: more than the table of a process of our size has places."""


@attrs.frozen
class Gauge:
    """What the process holds while it rests.

    Attributes:
        rss: bytes in memory, as the system counts them: with what allocators keep for later, a MiB at a time.
        blocks: blocks of memory that Python's small objects take.
        heap: bytes that large objects and libraries in C take; 0 where the C library does not tell.
        descriptors: open files and sockets.
        threads: that are alive.
    """

    rss: int
    blocks: int
    heap: int
    descriptors: int
    threads: int


def read() -> Gauge:
    """Read the gauges; garbage is collected first, and Python's table of interned texts is as large as it has to be."""
    for _ in range(3):
        gc.collect()
    _settle()
    with open("/proc/self/statm", encoding="ascii") as file:
        rss = int(file.read().split()[1]) * PAGE
    return Gauge(rss, sys.getallocatedblocks(), heap(), len(os.listdir("/proc/self/fd")), len(threading.enumerate()))


def _settle() -> None:
    """Have Python make its table of interned texts anew, for those that it holds.

    It makes a new one when so many texts have come and gone as the table has places, whoever made them: some hundred
    KiB more or less, once, at a moment that is nobody's doing.
    """
    for number in range(INTERNED):
        sys.intern(f"{number} comes and goes")


def heap() -> int:
    """Bytes in use of all that ``malloc`` gave, by glibc's ``malloc_info``."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_info"):
        return 0
    libc.fdopen.restype = ctypes.c_void_p
    with tempfile.TemporaryFile() as file:
        stream = ctypes.c_void_p(libc.fdopen(os.dup(file.fileno()), b"w"))
        libc.malloc_info(0, stream)
        libc.fclose(stream)
        file.seek(0)
        totals = file.read().rpartition(b"</heap>")[2]
    size = {kind: int(size) for kind, size in re.findall(rb'type="(\w+)"(?: count="\d+")? size="(\d+)"', totals)}
    return size[b"current"] + size[b"mmap"] - size[b"fast"] - size[b"rest"]


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
