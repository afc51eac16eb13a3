"""The asynchronous client: the same calls, driven by the tasks of the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

from jackfield.drivers.live import Live
from jackfield.errors import ClientClosedError, ConfigError, StreamInterruptedError
from jackfield.session import Config, Session, answered, bare, hurry, interrupted

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.drivers.aio import AsyncDriver
    from jackfield.flow import Deliver, Effect
    from jackfield.models.chunks import CreateChatCompletionStreamResponse
    from jackfield.models.fields import Message, RequestFields
    from jackfield.models.models import Model
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.models.response import CreateChatCompletionResponse

LEAVE = 1.0
"""Seconds that ``close`` waits for the tasks whose calls it took down."""
_inherited: list[object] = []
"""What a forked child got of its parent and must not so much as free: it shares the parent's sockets and selector."""


class AsyncClient:
    """Calls the backends of a configuration. May be used by many tasks; needs the extra ``jackfield[async]``.

    Close it with ``async with`` or ``await close()``. It may be used on several event loops, one after the other or at
    once: it has connections of its own on each, which are closed when the loop is shut down.

    Args:
        config, profile, plugins: as for ``jackfield.Client``.

    Raises:
        ConfigError: lists everything that is wrong with the configuration; or the extra is not installed.
    """

    def __init__(
        self, config: Config = None, *, profile: str | None = None, plugins: Mapping[str, type] | None = None
    ) -> None:
        try:
            from jackfield.drivers.aio import AsyncDriver
        except ImportError as error:
            raise ConfigError(
                f"AsyncClient needs the extra: pip install 'jackfield[async]' ({error.name} is missing)"
            ) from None
        self._make_driver = AsyncDriver
        self._session = Session(config, profile, plugins)
        self._drivers: dict[asyncio.AbstractEventLoop, AsyncDriver] = {}
        self._process = os.getpid()

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        messages: Sequence[Message] = ...,
        model: str = ...,
        stream: Literal[False] | None = None,
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **fields: Unpack[RequestFields],
    ) -> Coroutine[Any, Any, CreateChatCompletionResponse]: ...

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        messages: Sequence[Message] = ...,
        model: str = ...,
        stream: Literal[True],
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **fields: Unpack[RequestFields],
    ) -> AsyncChatStream: ...

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        messages: Sequence[Message] = ...,
        model: str = ...,
        stream: bool | None,
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **fields: Unpack[RequestFields],
    ) -> Coroutine[Any, Any, CreateChatCompletionResponse] | AsyncChatStream: ...

    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        stream: bool | None = None,
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Coroutine[Any, Any, CreateChatCompletionResponse] | AsyncChatStream:
        """Ask a backend for a chat completion; await the response, or enter (or await) the stream.

        Arguments and errors are those of ``jackfield.Client.create_chat_completion``. The call begins when it is
        awaited; a stream that is never entered is no call.
        """
        options: dict[str, Any] = {
            "stream": stream,
            "timeout": timeout,
            "labels": labels,
            "extra_headers": extra_headers,
            "extra_body": extra_body,
        }
        wanted = stream if stream is not None else getattr(request, "stream", None)
        if wanted is True:
            return AsyncChatStream(self, request, fields, options)
        return self._answer(request, fields, options)

    async def list_models(self, backend: str | None = None, *, timeout: float | None = None) -> list[Model]:  # noqa: ASYNC109 - the deadline of the calls, as in the other client
        """The models of all backends, or of one; see ``jackfield.Client.list_models``."""
        driver = self._current()
        models: list[Model] = []
        for route, engine in self._session.models(backend, timeout):
            await run(driver, Live(engine), lambda engine=engine, route=route: engine.begin_models(route))  # type: ignore[misc]  # mypy cannot infer lambda defaults
            models += self._session.named(route, engine.result())
        return models

    async def close(self) -> None:
        """Take running calls down, close the plugins and all connections. Later calls raise ``ClientClosedError``."""
        if self._session.closed:
            return
        self._session.closed = True
        own = self._current()
        del self._drivers[own.loop]
        for driver in self._drivers.values():
            with contextlib.suppress(RuntimeError):  # its loop is closed
                driver.loop.call_soon_threadsafe(driver.take_down)
        try:
            await _take_down(own)
        finally:
            try:
                self._session.close_plugins()
            finally:
                await own.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _answer(
        self, request: CreateChatCompletionRequest | None, fields: Mapping[str, Any], options: dict[str, Any]
    ) -> CreateChatCompletionResponse:
        engine, request = self._session.engine(request, fields, **options)
        await run(self._current(), Live(engine), lambda: engine.begin_chat(request))
        return answered(engine)

    def _current(self) -> AsyncDriver:
        """The driver of this event loop."""
        loop = asyncio.get_running_loop()
        driver = self._drivers.get(loop)
        if driver is None or os.getpid() != self._process:
            if os.getpid() != self._process:
                _inherited.append(self._drivers)
                self._process, self._drivers = os.getpid(), {}
            for old in [old for old in self._drivers if old.is_closed()]:
                self._drivers.pop(old).abandon()
            driver = self._drivers[loop] = self._make_driver()
        return driver


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

    async def __anext__(self) -> CreateChatCompletionStreamResponse:
        for chunk in self._block:
            return chunk
        while await self._more():
            for chunk in self._block:
                return chunk
        raise StopAsyncIteration

    async def close(self) -> None:
        """End the call: complete it where the answer is whole, else cancel it."""
        self._block = iter(())
        if self._live is not None and self._driver is not None:
            await shut(self._driver, self._live, StreamInterruptedError("closed by the host"))
        self._closed = True

    aclose = close

    def __del__(self) -> None:
        live: Live | None = getattr(self, "_live", None)
        driver: AsyncDriver | None = getattr(self, "_driver", None)
        if live is not None and driver is not None and not live.engine.done:
            with contextlib.suppress(RuntimeError):  # its loop is closed: the driver took the call down
                driver.loop.call_soon_threadsafe(_drop, driver, live)

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
            return True
        engine = self._live.engine
        if engine.done:
            engine.result()
            return False
        assert self._driver is not None  # noqa: S101 - it has begun
        self._take(await run(self._driver, self._live, lambda: engine.step(None)))
        return True

    def _take(self, deliver: Deliver | None) -> None:
        if deliver is not None:
            self._block = iter(deliver.chunks)
        else:
            self._begun().engine.result()


async def run(driver: AsyncDriver, live: Live, move: Callable[[], Effect | None]) -> Deliver | None:
    """Drive a call from ``move`` until it delivers chunks or ends, as the only task that does.

    Raises:
        RuntimeError: another task drives it.
    """
    if not live.guard.acquire(blocking=False):
        raise RuntimeError("the call is driven by another task")
    deliver = None
    try:
        driver.add(live)
        deliver = await driver.advance(live, move())
    finally:
        if deliver is None:
            live.engine.cancel(live.closing)  # does nothing to a call that has ended
            bare(live.engine)
            driver.discard(live)
        live.guard.release()
    return deliver


async def shut(driver: AsyncDriver, live: Live, error: StreamInterruptedError | ClientClosedError) -> None:
    """End a call from any task: the one that drives it unwinds it; where none does, this one."""
    engine = live.engine
    if engine.done:
        return
    if not live.guard.acquire(blocking=False):
        live.closing = error
        live.interrupt()
        return
    try:
        if engine.whole:
            hurry(engine)
            while await driver.advance(live, engine.step(None)) is not None:
                pass
            interrupted(engine)
    finally:
        engine.cancel(error)  # does nothing to a call that has ended
        driver.discard(live)
        live.guard.release()


async def _take_down(driver: AsyncDriver) -> None:
    """End all calls of a client that is closed; one in a ``Run`` ends when its function does."""
    error = ClientClosedError("the client was closed while the call ran")
    for live in list(driver.live.values()):
        await shut(driver, live, error)
    until = driver.loop.time() + LEAVE
    while driver.live and driver.loop.time() < until:  # noqa: ASYNC110 - no event tells of the last one
        await asyncio.sleep(0.005)


def _drop(driver: AsyncDriver, live: Live) -> None:
    """Take down the call of a stream that was dropped."""
    live.engine.cancel()  # does nothing to a call that has ended
    driver.discard(live)
