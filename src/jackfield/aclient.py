"""The asynchronous client: the same calls, driven by the tasks of the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, Unpack, overload

from jackfield.achat_stream import AsyncChatStream, run, shut
from jackfield.drivers.live import Live
from jackfield.errors import ClientClosedError, ConfigError
from jackfield.names import Names, names_of
from jackfield.session import Config, Session, answered

if TYPE_CHECKING:
    from jackfield.drivers.aio import AsyncDriver
    from jackfield.models.fields import CallFields
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
        config, profile, plugins, outermost: as for ``jackfield.Client``.

    Raises:
        ConfigError: lists everything that is wrong with the configuration; or the extra is not installed.
    """

    def __init__(
        self,
        config: Config = None,
        *,
        profile: str | None = None,
        plugins: Mapping[str, type] | None = None,
        outermost: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        try:
            from jackfield.drivers.aio import AsyncDriver
        except ImportError as error:
            raise ConfigError(
                f"AsyncClient needs the extra: pip install 'jackfield[async]' ({error.name} is missing)"
            ) from None
        self._make_driver = AsyncDriver
        self._session = Session(config, profile, plugins, outermost)
        self._drivers: dict[asyncio.AbstractEventLoop, AsyncDriver] = {}
        self._heirs: dict[int, dict[asyncio.AbstractEventLoop, AsyncDriver]] = {}
        self._process = os.getpid()

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        stream: Literal[False] | None = None,
        **fields: Unpack[CallFields],
    ) -> Coroutine[Any, Any, CreateChatCompletionResponse]: ...

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        stream: Literal[True],
        **fields: Unpack[CallFields],
    ) -> AsyncChatStream: ...

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        stream: bool | None,
        **fields: Unpack[CallFields],
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

    @property
    def names(self) -> Names:
        """What the configuration names by itself; see ``jackfield.Client.names``."""
        return names_of(self._session.settings, self._session.plan)

    def section(self, name: str) -> Any:
        """A table of the configuration that belongs to another program; see ``jackfield.Client.section``."""
        return self._session.section(name)

    async def reload(self, config: Config = None) -> None:
        """Take the configuration anew, in a thread; see ``jackfield.Client.reload``."""
        await asyncio.to_thread(self._session.reload, config)

    async def close(self) -> None:
        """Take running calls down, close the plugins and all connections. Later calls raise ``ClientClosedError``."""
        if self._session.closed:
            return
        self._session.closed = True
        own = self._current()
        del self._drivers[own.loop]
        for driver in list(self._drivers.values()):
            with contextlib.suppress(RuntimeError):  # its loop is closed
                driver.loop.call_soon_threadsafe(driver.retire)
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

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AsyncClient cannot be copied or pickled: make one in each process")

    async def _answer(
        self, request: CreateChatCompletionRequest | None, fields: Mapping[str, Any], options: dict[str, Any]
    ) -> CreateChatCompletionResponse:
        try:
            engine, request = self._session.engine(request, fields, **options)
        finally:
            del options  # the frames of a traceback show no credentials
        await run(self._current(), Live(engine), lambda: engine.begin_chat(request))
        return answered(engine)

    def _current(self) -> AsyncDriver:
        """The driver of this event loop."""
        loop = asyncio.get_running_loop()
        driver = self._drivers.get(loop)
        if driver is None or os.getpid() != self._process:
            if os.getpid() != self._process:
                _inherited.append(self._drivers)
                self._drivers = self._heirs.setdefault(os.getpid(), {})  # two threads may come first
                self._process = os.getpid()
            for old in [old for old in list(self._drivers) if old.is_closed()]:
                gone = self._drivers.pop(old, None)
                if gone is not None:  # pragma: no branch - where another thread was faster, which no test can time
                    gone.abandon()
            driver = self._drivers[loop] = self._make_driver()
        return driver


async def _take_down(driver: AsyncDriver) -> None:
    """End all calls of a client that is closed; one in a ``Run`` ends when its function does."""
    error = ClientClosedError("the client was closed while the call ran")
    for live in list(driver.live.values()):
        await shut(driver, live, error)
    until = driver.loop.time() + LEAVE
    while driver.live and driver.loop.time() < until:  # noqa: ASYNC110 - no event tells of the last one
        await asyncio.sleep(0.005)
