"""The synchronous client: what a host application holds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

from jackfield.drivers.live import Live
from jackfield.drivers.sync import SyncDriver
from jackfield.errors import CallError, ClientClosedError, StreamInterruptedError
from jackfield.session import Config, Session, answered, bare, hurry, interrupted

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.flow import Deliver, Effect
    from jackfield.models.chunks import CreateChatCompletionStreamResponse
    from jackfield.models.fields import Message, RequestFields
    from jackfield.models.models import Model
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.models.response import CreateChatCompletionResponse

LEAVE = 1.0
"""Seconds that ``close`` waits for the threads whose calls it took down."""


class Client:
    """Calls the backends of a configuration. May be used from many threads, and after a fork.

    Close it with ``with`` or ``close()``.

    Args:
        config: path of a TOML file, a mapping of the same shape, or None: ``JACKFIELD_CONFIG``, ``jackfield.toml``
            from the working directory upward, the user's configuration directory, else the built-in default.
        profile: name of a profile of the configuration; None takes ``JACKFIELD_PROFILE``.
        plugins: plugin classes of the program's own, by the name that the configuration uses for them.

    Raises:
        ConfigError: lists everything that is wrong with the configuration.
    """

    def __init__(
        self, config: Config = None, *, profile: str | None = None, plugins: Mapping[str, type] | None = None
    ) -> None:
        self._session = Session(config, profile, plugins)
        self._driver = SyncDriver()
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
    ) -> CreateChatCompletionResponse: ...

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
    ) -> ChatStream: ...

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
    ) -> CreateChatCompletionResponse | ChatStream: ...

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
    ) -> CreateChatCompletionResponse | ChatStream:
        """Ask a backend for a chat completion.

        A stream is sent when it is created, up to its first chunk, so errors and retries happen here.

        Args:
            request: a whole request; or else its fields as keywords, dicts or wire values at any level.
            stream: whether to answer in chunks; None takes the request's own.
            timeout: seconds for everything: waiting, all attempts, the whole stream; None takes ``timeout.total``
                of the backend.
            labels: the host's own metadata, for logs and metrics.
            extra_headers: sent besides.
            extra_body: members of the JSON body besides the request's; they win over its own.
            fields: ``messages``, ``model`` (``backend/model``, an alias, or left out for the default) and whatever
                else ``CreateChatCompletionRequest`` has.

        Returns:
            The response, whose ``call`` tells what it took; or the stream.

        Raises:
            CallError: it failed: ``APIError`` and what is below it, ``DeadlineExceededError``, ``ClientClosedError``.
            PluginError: a plugin broke the contract.
            TypeError, ValidationError: the request is none.
        """
        engine, request = self._session.engine(
            request,
            fields,
            stream=stream,
            timeout=timeout,
            labels=labels,
            extra_headers=extra_headers,
            extra_body=extra_body,
        )
        session, driver, live = self._session, self._current(), Live(engine)
        if engine.call.stream:
            return ChatStream(driver, live, lambda: session.begin_chat(engine, request))
        run(driver, live, lambda: session.begin_chat(engine, request))
        return answered(engine)

    def list_models(self, backend: str | None = None, *, timeout: float | None = None) -> list[Model]:
        """The models of all backends, or of one, under the names that ``model=`` takes.

        Args:
            backend: name of the only one to ask.
            timeout: seconds for each backend.

        Raises:
            CallError: a backend failed.
            ConfigError: there is no such backend.
        """
        driver = self._current()
        models: list[Model] = []
        for route, engine in self._session.models(backend, timeout):
            run(driver, Live(engine), lambda engine=engine, route=route: engine.begin_models(route))  # type: ignore[misc]  # mypy cannot infer lambda defaults
            models += self._session.named(route, engine.result())
        return models

    def close(self) -> None:
        """Take running calls down, close the plugins and all connections. Later calls raise ``ClientClosedError``."""
        if self._session.closed:
            return
        self._session.closed = True
        driver = self._current()
        for live in driver.watchdog.live():
            shut(driver, live, ClientClosedError("the client was closed while the call ran"))
        until = time.monotonic() + LEAVE
        while driver.watchdog.live() and time.monotonic() < until:
            time.sleep(0.005)
        try:
            self._session.close_plugins()
        finally:
            driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        driver: SyncDriver | None = getattr(self, "_driver", None)
        if driver is not None:
            # Streams may outlive a client that was dropped: the watchdog ends with the last of them.
            driver.watchdog.hand_over(driver.close)

    def _current(self) -> SyncDriver:
        """The driver; a forked child gets one of its own, for sockets and threads are the parent's."""
        if os.getpid() != self._process:
            self._process, self._driver = os.getpid(), SyncDriver()
        return self._driver


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

    def __next__(self) -> CreateChatCompletionStreamResponse:
        for chunk in self._block:
            return chunk
        while self._more():
            for chunk in self._block:
                return chunk
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

    def __del__(self) -> None:
        live: Live | None = getattr(self, "_live", None)
        if live is not None and not live.engine.done:
            driver = self._driver
            driver.watchdog.hand_over(lambda: shut(driver, live, None))

    def _more(self) -> bool:
        """Drive the call to its next chunks; False at its end, which raises what went wrong."""
        engine = self._live.engine
        if engine.done:
            engine.result()
            return False
        self._take(run(self._driver, self._live, lambda: engine.step(None)))
        return True

    def _take(self, deliver: Deliver | None) -> None:
        if deliver is not None:
            self._block = iter(deliver.chunks)
        else:
            self._live.engine.result()


def run(driver: SyncDriver, live: Live, move: Callable[[], Effect | None]) -> Deliver | None:
    """Drive a call from ``move`` until it delivers chunks or ends, as the only thread that does.

    Raises:
        RuntimeError: another thread drives it.
    """
    if not live.guard.acquire(blocking=False):
        raise RuntimeError("the call is driven by another thread")
    deliver = None
    try:
        driver.watchdog.add(live)
        deliver = driver.advance(live, move())
    finally:
        if deliver is None:
            live.engine.cancel(live.closing)  # does nothing to a call that has ended
            bare(live.engine)
            driver.watchdog.discard(live)
        live.guard.release()
    return deliver


def shut(driver: SyncDriver, live: Live, error: CallError | None) -> None:
    """End a call from any thread: the one that drives it unwinds it; where none does, this one."""
    engine = live.engine
    if engine.done:
        return
    if not live.guard.acquire(blocking=False):
        live.closing = error
        live.interrupt()
        return
    try:
        if engine.whole and threading.current_thread() is not driver.watchdog.thread:
            hurry(engine)
            while driver.advance(live, engine.step(None)) is not None:
                pass
            interrupted(engine)
    finally:
        engine.cancel(error)  # does nothing to a call that has ended
        driver.watchdog.discard(live)
        live.guard.release()
