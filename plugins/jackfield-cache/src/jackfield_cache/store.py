"""Store: where answers are kept, and the guard before it, which lets no failure of it into a call."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from jackfield.redaction import scrub

PAUSE = 5.0
"""Seconds for which a store that failed is left alone."""
T = TypeVar("T")


class OutOfTime(Exception):  # noqa: N818 - it is no failure of the store, and never leaves the guard
    """Others use the store, and the call has too little time left to wait for them."""


class Store(Protocol):
    """Keeps answers by key. It blocks, and is used from many threads."""

    def get(self, key: str, within: float) -> bytes | None:
        """What was kept; None where nothing was, or too long ago.

        Args:
            key: 64 hexadecimal digits.
            within: seconds after which to give up, as far as it can be helped.
        """

    def put(self, key: str, answer: bytes, within: float) -> None:
        """Keep an answer in place of the last one."""

    def close(self) -> None:
        """Close files and connections."""


class Guard:
    """A store that never fails: what it cannot do is not done, and told by logging, once for each kind of failure.

    Args:
        make: opens the store; called when it is first needed.
    """

    def __init__(self, make: Callable[[], Store]) -> None:
        self._make = make
        self._store: Store | None = None
        self._lock = threading.Lock()
        self._resting = float("-inf")
        self._told: set[str] = set()
        self._closed = False

    def get(self, key: str, within: float) -> bytes | None:
        """What was kept, or None."""
        return self._try("read", lambda store: store.get(key, within))

    def put(self, key: str, answer: bytes, within: float) -> None:
        """Keep an answer, if it can be done."""
        self._try("written", lambda store: store.put(key, answer, within))

    def close(self) -> None:
        """Close the store; nothing is kept or found any more."""
        with self._lock:
            self._closed = True
            store, self._store = self._store, None
        if store is not None:
            store.close()

    def tell(self, deed: str, error: Exception) -> None:
        """Log a failure, unless one of its kind was told already."""
        kind = f"{deed} {type(error).__name__}"
        with self._lock:
            known = kind in self._told
            self._told.add(kind)
        if not known:
            text = scrub(f"{type(error).__name__}: {error}")
            logging.getLogger("jackfield.cache").warning("the cache is skipped: it cannot be %s: %s", deed, text)

    def _try(self, deed: str, do: Callable[[Store], T]) -> T | None:
        if time.monotonic() < self._resting:
            return None
        try:
            store = self._opened()
            return None if store is None else do(store)
        except OutOfTime:
            return None
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the call goes on without the cache
            self._resting = time.monotonic() + PAUSE
            if not self._closed:
                self.tell(deed, error)
            return None

    def _opened(self) -> Store | None:
        with self._lock:
            if self._store is None and not self._closed:
                self._store = self._make()
            return self._store
