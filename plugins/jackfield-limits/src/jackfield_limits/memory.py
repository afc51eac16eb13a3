"""Memory: the store of one process."""

from __future__ import annotations

import threading
import time
from typing import Any

from jackfield_limits.operations import Balance, Book, Correct, Move, Settle, Spend
from jackfield_limits.window import Booking, Rate, Window

FEW = 64
"""Keys that are kept without looking whether they still count."""


class Memory:
    """Windows and accounts, by key; for many threads. What counts no more is forgotten.

    Args:
        now: seconds since 1970, which the ends of accounts go by.
    """

    def __init__(self, now: Any = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[Rate, Window]] = {}
        self._accounts: dict[str, tuple[int, int, float | None]] = {}
        self._many = FEW
        self._do: dict[type, Any] = {
            Book: self._book,
            Move: self._move,
            Settle: self._settle,
            Spend: self._spend,
            Correct: self._correct,
        }

    def perform(self, operation: Any, now: float) -> Any:
        """Do an operation.

        Args:
            operation: of the module ``operations``, but ``Enter`` and ``Leave``, for which there are gates.
            now: seconds on the clock of the calls, which windows go by.
        """
        with self._lock:
            if len(self._windows) + len(self._accounts) > self._many:
                self._forget(now)
            return self._do[type(operation)](operation, now)

    def _book(self, book: Book, now: float) -> Booking:
        _, window = self._windows.setdefault(book.key, (book.rate, Window()))
        return window.book(book.rate, book.tokens, book.most, now)

    def _move(self, move: Move, now: float) -> Booking:
        _, window = self._windows.get(move.key, (move.rate, Window()))
        return window.move(move.rate, move.slot, move.tokens, now)

    def _settle(self, settle: Settle, _: float) -> None:
        if settle.key in self._windows:
            self._windows[settle.key][1].settle(settle.slot, settle.requests, settle.tokens)

    def _spend(self, spend: Spend, _: float) -> Balance:
        tokens, money, _ends = self._accounts.get(spend.key, (0, 0, None))
        granted = spend.limits.allow(tokens + spend.tokens, money + spend.money)
        if granted:
            self._accounts[spend.key] = (tokens + spend.tokens, money + spend.money, spend.ends)
        return Balance(granted, tokens, money)

    def _correct(self, correct: Correct, _: float) -> None:
        if correct.key in self._accounts:
            tokens, money, ends = self._accounts[correct.key]
            self._accounts[correct.key] = (tokens + correct.tokens, money + correct.money, ends)

    def _forget(self, now: float) -> None:
        today = self._now()
        for key in [key for key, (rate, window) in self._windows.items() if window.forget(rate, now)]:
            del self._windows[key]
        for key in [key for key, (_, _, ends) in self._accounts.items() if ends is not None and ends <= today]:
            del self._accounts[key]
        self._many = max(FEW, 2 * (len(self._windows) + len(self._accounts)))
