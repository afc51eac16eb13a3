"""Interrupts a thread at the k-th place where Python would run the handler of a signal: one after the other.

Python looks for signals when a function begins, when a call has returned, and when a loop begins anew.
"""

from __future__ import annotations

import dis
import linecache
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any

import jackfield

HOME = jackfield.__path__[0]
LOOKS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX", "JUMP_BACKWARD"})


@cache
def _looks(code: CodeType) -> frozenset[int]:
    """Where a function's code calls or jumps back."""
    return frozenset(step.offset for step in dis.get_instructions(code) if step.opname in LOOKS)


class Interrupt:
    """Raises ``KeyboardInterrupt`` in jackfield's own code, at the ``k``-th place."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._last: dict[FrameType, bool] = {}
        self.places = 0
        self.where = ""
        self.error = KeyboardInterrupt("at last")

    def run(self, function: Callable[[], Any]) -> Any:
        """Call a function, and interrupt it; in a thread of its own.

        Where an interrupt comes between two steps of a handler, Python keeps the exception that was handled as that of the
        thread: it would be the context of whatever is raised there later, in other tests too.
        """
        outcome: list[tuple[Any, BaseException | None]] = []

        def traced() -> None:
            sys.settrace(self._enter)
            try:
                outcome.append((function(), None))
            except BaseException as error:
                outcome.append((None, error))
            finally:
                sys.settrace(None)

        thread = threading.Thread(target=traced)
        thread.start()
        thread.join()
        self._last.clear()
        result, error = outcome.pop()
        try:
            if error is not None:
                raise error
            return result
        finally:
            del error  # no cycle: what its traceback holds is to go when it goes

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(HOME):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self._place(frame)
        return self._step

    def _step(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            if self._last.get(frame):
                self._place(frame)
            self._last[frame] = frame.f_lasti in _looks(frame.f_code)
        elif event == "return":
            self._last.pop(frame, None)
        return self._step

    def _place(self, frame: FrameType) -> None:
        if _spared(frame):
            return
        self.places += 1
        if self.places == self._k:
            self.where = f"{frame.f_code.co_filename.removeprefix(HOME)}:{frame.f_lineno} {frame.f_code.co_qualname}"
            raise self.error


def _spared(frame: FrameType | None) -> bool:
    """Whether this is one of the places that are not safe, and cannot be made so.

    Python drops what is raised in ``__del__``, and when a generator is dropped before its end. Between the return of a function and the next step nobody else knows what
    it has returned: a connection of the pool, or that the call may be driven.
    """
    assert frame is not None
    if frame.f_code.co_name in {"run", "shut"} and "guard.acquire" in linecache.getline(*_line(frame)):
        return True
    while frame is not None:
        if frame.f_code.co_name in {"__del__", "_get_conn", "<genexpr>"}:
            return True
        frame = frame.f_back
    return False


def _line(frame: FrameType) -> tuple[str, int]:
    return frame.f_code.co_filename, frame.f_lineno
