"""Step: an operation on its way to a worker thread, which may be left before, while or after it is done."""

from __future__ import annotations

import threading
from typing import Any

from jackfield_limits.operations import Notice, Question


class Step:
    """One operation at Redis, which its call may leave at any moment.

    A question that was done for nobody is taken back; a notice that was not begun is to be given later.

    Args:
        operation: what is to be done.
    """

    __slots__ = ("_begun", "_left", "_lock", "_undo", "operation")

    def __init__(self, operation: Question | Notice) -> None:
        self.operation = operation
        self._lock = threading.Lock()
        self._begun = self._left = False
        self._undo: Notice | None = None

    def begin(self) -> bool:
        """For the worker: whether it is still wanted."""
        with self._lock:
            self._begun = not self._left
            return self._begun

    def end(self, failure: str | None, answer: Any) -> Notice | None:
        """For the worker, when it is done: what has to be said on its account, since nobody waits for it.

        Args:
            failure: of the store, or None.
            answer: what the operation gave; None where it failed, and may have been done all the same.
        """
        undo = None if isinstance(self.operation, Notice) else self.operation.undo(answer)
        with self._lock:
            if not self._begun:  # what failed was done before it
                return self._untold()
            self._undo = undo
            return undo if self._left or failure is not None else None

    def leave(self) -> Notice | None:
        """For the call, which does not wait for it any more: what has to be said on its account."""
        with self._lock:
            if not self._begun:
                return self._untold()
            self._left = True
            return self._undo

    def _untold(self) -> Notice | None:
        """A notice that nobody has given, once."""
        first, self._left = not self._left, True
        return self.operation if first and isinstance(self.operation, Notice) else None
