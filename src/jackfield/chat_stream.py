"""ChatStream: the handle of a stream, and how a call is driven and ended from the host's threads."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from jackfield.errors import CallError, StreamInterruptedError
from jackfield.session import answered, hurry, interrupted

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.drivers.live import Live
    from jackfield.drivers.sync import SyncDriver
    from jackfield.flow import Deliver, Effect
    from jackfield.models.chunks import CreateChatCompletionStreamResponse
    from jackfield.models.response import CreateChatCompletionResponse


class ChatStream:
    """The chunks of an answer as they come; an iterator and a context manager.

    The call ends when the iterator does, and ``response`` then holds the whole answer. Closing the stream before, or
    dropping it, cancels the call and closes its connection. One thread at a time may iterate; any may close.
    """

    def __init__(self, driver: SyncDriver, live: Live, begin: Callable[[], Effect | None]) -> None:
        self._driver, self._live = driver, live
        self._block: Iterator[CreateChatCompletionStreamResponse] = iter(())
        self._response: CreateChatCompletionResponse | None = None
        self._take(run(driver, live, begin))

    @property
    def call(self) -> Call:
        """What the call took so far."""
        return self._live.engine.call

    @property
    def response(self) -> CreateChatCompletionResponse:
        """The whole answer, with usage.

        Raises:
            RuntimeError: the stream has not ended.
            JackfieldError: it has failed.
        """
        if not self._live.engine.done:
            raise RuntimeError("the stream has not ended: iterate to its end first")
        if self._response is None:
            self._response = answered(self._live.engine)
        return self._response

    def __iter__(self) -> Iterator[CreateChatCompletionStreamResponse]:
        """The chunks that are left; a generator, since it is cheaper for a loop than ``__next__``."""
        yield from self._block
        while self._more():
            yield from self._block

    def blocks(self) -> Iterator[tuple[CreateChatCompletionStreamResponse, ...]]:
        """The chunks that are left, together those that came together; none of the tuples is empty."""
        if block := tuple(self._block):
            yield block
        while self._more():
            yield tuple(self._block)

    def __next__(self) -> CreateChatCompletionStreamResponse:
        for chunk in self._block:
            return chunk
        if self._more():  # a block is never empty
            return next(self._block)
        raise StopIteration

    def close(self) -> None:
        """End the call: complete it where the answer is whole, else cancel it."""
        self._block = iter(())
        shut(self._driver, self._live, StreamInterruptedError("closed by the host"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # At the interpreter's end nothing is left to look up in modules.
        live: Live | None = None if finalizing() else getattr(self, "_live", None)
        if live is not None and not live.engine.done and self._driver.process == os.getpid():
            driver = self._driver
            driver.watchdog.hand_over(lambda: shut(driver, live, None))

    def _more(self) -> bool:
        """Drive the call to its next chunks; False at its end, which raises what went wrong."""
        engine = self._live.engine
        if engine.done:
            engine.result()
            return False
        return self._take(run(self._driver, self._live, lambda: engine.step(None)))

    def _take(self, deliver: Deliver | None) -> bool:
        """Take the next chunks; False where the call has ended, which raises what went wrong."""
        if deliver is not None:
            self._block = iter(deliver.chunks)
        else:
            self._live.engine.result()
        return deliver is not None


def run(driver: SyncDriver, live: Live, move: Callable[[], Effect | None]) -> Deliver | None:
    """Drive a call from ``move`` until it delivers chunks or ends, as the only thread that does.

    Raises:
        RuntimeError: another thread drives it, or it is the parent's of this process.
    """
    if driver.process != os.getpid():
        raise RuntimeError("the call belongs to another process")
    if not live.guard.acquire(blocking=False):
        raise RuntimeError("the call is driven by another thread")
    deliver = None
    try:
        try:
            live.engine.handled = sys.exception()
            driver.watchdog.add(live)
            deliver = driver.advance(live, move())
        finally:
            if deliver is None:
                _end(driver, live, live.closing)
    except BaseException:
        _end(driver, live, live.closing)  # once more: an interrupt may have come while it was ended
        raise
    finally:
        live.engine.handled = None  # its frames may hold the stream, which then no one would drop
        live.guard.release()
    return deliver


def shut(driver: SyncDriver, live: Live, error: CallError | None) -> None:
    """End a call from any thread: the one that drives it unwinds it; where none does, this one.

    A forked child leaves its parent's calls alone: what it read or shut of their connections the parent would miss.
    """
    engine = live.engine
    if engine.done or driver.process != os.getpid():
        return
    if not live.guard.acquire(blocking=False):
        live.closing = error
        live.interrupt()
        return
    try:
        try:
            engine.handled = sys.exception()
            if engine.whole and threading.current_thread() is not driver.watchdog.thread:
                hurry(engine)
                while driver.advance(live, engine.step(None)) is not None:
                    pass
                interrupted(engine)
        finally:
            _end(driver, live, error)
    except BaseException:
        _end(driver, live, error)  # once more, as above
        raise
    finally:
        engine.handled = None
        live.guard.release()


def _end(driver: SyncDriver, live: Live, error: CallError | None) -> None:
    """Cancel a call that has not ended yet, and let go of it."""
    try:
        live.engine.end(error)
    finally:
        driver.end(live)
