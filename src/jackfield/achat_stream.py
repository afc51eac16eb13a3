"""AsyncChatStream: the handle of a stream, and how a call is driven and ended from the host's tasks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from jackfield.drivers.live import Live
from jackfield.errors import CallError, ClientClosedError, StreamInterruptedError
from jackfield.session import answered, hurry, interrupted

if TYPE_CHECKING:
    from jackfield.aclient import AsyncClient
    from jackfield.call import Call
    from jackfield.drivers.aio import AsyncDriver
    from jackfield.flow import Deliver, Effect
    from jackfield.models.chunks import CreateChatCompletionStreamResponse
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.models.response import CreateChatCompletionResponse


class AsyncChatStream:
    """The chunks of an answer as they come; an asynchronous iterator and context manager, and awaitable.

    ``async with`` (or ``await``) sends the request, up to the first chunk, so errors and retries happen there. The call
    ends when the iterator does, and ``response`` then holds the whole answer. Closing the stream before, cancelling its
    task or dropping it cancels the call and closes its connection.
    """

    def __init__(
        self,
        client: AsyncClient,
        request: CreateChatCompletionRequest | None,
        fields: Mapping[str, Any],
        options: dict[str, Any],
    ) -> None:
        self._client, self._request, self._fields, self._options = client, request, fields, options
        self._live: Live | None = None
        self._driver: AsyncDriver | None = None
        self._block: Iterator[CreateChatCompletionStreamResponse] = iter(())
        self._response: CreateChatCompletionResponse | None = None
        self._closed = False

    @property
    def call(self) -> Call:
        """What the call took so far. Raises ``RuntimeError`` before it has begun."""
        return self._begun().engine.call

    @property
    def response(self) -> CreateChatCompletionResponse:
        """The whole answer, with usage.

        Raises:
            RuntimeError: the stream has not ended.
            JackfieldError: it has failed.
        """
        engine = self._begun().engine
        if not engine.done:
            raise RuntimeError("the stream has not ended: iterate to its end first")
        if self._response is None:
            self._response = answered(engine)
        return self._response

    def __await__(self) -> Generator[Any, None, Self]:
        return self._begin().__await__()

    async def __aenter__(self) -> Self:
        return await self._begin()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[CreateChatCompletionStreamResponse]:
        """The chunks that are left; a generator, since it is cheaper for a loop than ``__anext__``."""
        for chunk in self._block:
            yield chunk
        while await self._more():
            for chunk in self._block:
                yield chunk

    async def blocks(self) -> AsyncIterator[tuple[CreateChatCompletionStreamResponse, ...]]:
        """The chunks that are left, together those that came together; none of the tuples is empty."""
        if block := tuple(self._block):
            yield block
        while await self._more():
            yield tuple(self._block)

    async def __anext__(self) -> CreateChatCompletionStreamResponse:
        for chunk in self._block:
            return chunk
        if await self._more():  # a block is never empty
            return next(self._block)
        raise StopAsyncIteration

    async def close(self) -> None:
        """End the call: complete it where the answer is whole, else cancel it."""
        self._block = iter(())
        if self._live is not None and self._driver is not None:
            await shut(self._driver, self._live, StreamInterruptedError("closed by the host"))
        self._closed = True

    aclose = close

    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # At the interpreter's end nothing is left to look up in modules.
        live: Live | None = None if finalizing() else getattr(self, "_live", None)
        driver: AsyncDriver | None = getattr(self, "_driver", None)
        if live is not None and driver is not None and not live.engine.done:
            _leave(driver, live, None)

    async def _begin(self) -> Self:
        if self._live is None:
            if self._closed:
                raise StreamInterruptedError("closed by the host before it began", stage="not_sent")
            session = self._client._session  # noqa: SLF001 - its own client
            engine, request = session.engine(self._request, self._fields, **self._options)
            self._driver = self._client._current()  # noqa: SLF001 - its own client
            self._live = Live(engine)
            self._take(await run(self._driver, self._live, lambda: engine.begin_chat(request)))
        return self

    def _begun(self) -> Live:
        if self._live is None:
            raise RuntimeError("the stream has not begun: enter it with 'async with', or await it")
        return self._live

    async def _more(self) -> bool:
        """Drive the call to its next chunks; False at its end, which raises what went wrong."""
        if self._live is None:
            await self._begin()
            return not self._begun().engine.done
        engine = self._live.engine
        if engine.done:
            engine.result()
            return False
        assert self._driver is not None  # noqa: S101 - it has begun
        return self._take(await run(self._driver, self._live, lambda: engine.step(None)))

    def _take(self, deliver: Deliver | None) -> bool:
        """Take the next chunks; False where the call has ended, which raises what went wrong."""
        if deliver is not None:
            self._block = iter(deliver.chunks)
        else:
            self._begun().engine.result()
        return deliver is not None


async def run(driver: AsyncDriver, live: Live, move: Callable[[], Effect | None]) -> Deliver | None:
    """Drive a call from ``move`` until it delivers chunks or ends, as the only task that does.

    Raises:
        RuntimeError: another task drives it, or it is of another event loop or process.
    """
    if not driver.here():
        raise RuntimeError("the call belongs to another event loop")
    if not live.guard.acquire(blocking=False):
        raise RuntimeError("the call is driven by another task")
    deliver = None
    try:
        live.engine.handled = sys.exception()
        driver.add(live)
        deliver = await driver.advance(live, move())
    finally:
        _release(driver, live, live.closing, ended=deliver is None)
    return deliver


async def shut(driver: AsyncDriver, live: Live, error: StreamInterruptedError | ClientClosedError) -> None:
    """End a call from any task: the one that drives it unwinds it; where none does, this one, or its own event loop."""
    engine = live.engine
    if engine.done:
        return
    if not driver.here():
        _leave(driver, live, error)
        return
    if not live.guard.acquire(blocking=False):
        live.closing = error
        live.interrupt()
        return
    try:
        engine.handled = sys.exception()
        if engine.whole:
            hurry(engine)
            while await driver.advance(live, engine.step(None)) is not None:
                pass
            interrupted(engine)
    finally:
        _release(driver, live, error)


def _release(driver: AsyncDriver, live: Live, error: CallError | None, *, ended: bool = True) -> None:
    """Let go of a call, which ends now at the latest, or which goes on when its host wants more."""
    try:
        if ended:
            live.engine.end(error)
    finally:
        live.engine.handled = None  # its frames may hold the stream, which then no one would drop
        if ended:
            driver.discard(live)
        live.guard.release()


def _leave(driver: AsyncDriver, live: Live, error: CallError | None) -> None:
    """Have its own event loop end a call; a forked child leaves those of its parent alone."""
    if driver.process == os.getpid():
        with contextlib.suppress(RuntimeError):  # its loop is closed: the driver took the call down
            driver.loop.call_soon_threadsafe(driver.end, live, error)
