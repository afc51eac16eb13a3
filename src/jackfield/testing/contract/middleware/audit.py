"""Audit: what code does to the world outside, as Python's audit events tell it (PEP 578)."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

EVENTS = (
    "_thread.start_",
    "ftplib.",
    "http.client.",
    "imaplib.",
    "open",
    "os.exec",
    "os.fork",
    "os.listdir",
    "os.mkdir",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.scandir",
    "os.spawn",
    "os.system",
    "smtplib.",
    "socket.",
    "sqlite3.connect",
    "subprocess.",
    "time.sleep",
    "urllib.",
)
"""Beginnings of the names of events that are I/O, waiting, or starting something."""


class _Watched(threading.local):
    events: list[str] | None = None


_watched = _Watched()
_installing = threading.Lock()
_installed: list[bool] = []


def _hook(event: str, _: tuple[Any, ...]) -> None:
    if _watched.events is not None and event.startswith(EVENTS):
        _watched.events.append(event)


def _install() -> None:
    """An audit hook cannot be taken away: there is one, and it looks only where it is wanted."""
    with _installing:
        if not _installed:
            sys.addaudithook(_hook)
            _installed.append(True)


@contextmanager
def watched(events: list[str]) -> Iterator[None]:
    """Add to ``events`` what this thread does to the world outside until the end of the block."""
    _install()
    sleep = time.sleep
    # Python before 3.13 has no audit event for it.
    time.sleep = _telling(sleep)
    _watched.events = events
    try:
        yield
    finally:
        _watched.events = None
        time.sleep = sleep


def _telling(sleep: Callable[[Any], None]) -> Callable[[Any], None]:
    def told(seconds: Any) -> None:
        _hook("time.sleep", (seconds,))
        events, _watched.events = _watched.events, None  # from Python 3.13 on it would be told twice
        try:
            sleep(seconds)
        finally:
            _watched.events = events

    return told
