"""One face over both clients, so that a scenario is written once and run twice.

The asynchronous client lives on an event loop in a thread of its own. So either client may be used from any thread of a
test: two threads are two tasks there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from typing import Any

import attrs

import jackfield
from fakeserver import Server
from jackfield import hookimpl

ASK = [{"role": "user", "content": "hello"}]


def config(server: Server, **more: Any) -> dict[str, Any]:
    """A configuration with one backend, ``main``, at the server; ``backend`` holds settings of it."""
    return settings(server.url, **more)


def settings(url: str, *, backend: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A configuration with one backend, ``main``, at a URL."""
    main = {"provider": "openai", "base_url": url, **(backend or {})}
    return {"default_model": "main/m", "backends": {"main": main}, **more}


@attrs.define(eq=False)
class Recorder:
    """Keeps what came of each request that it passed inward, of all its instances, in ``outcomes``."""

    outcomes: list[Any] = attrs.field(factory=list, init=False)
    passed: int = attrs.field(default=0, init=False)

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Any:
        """Pass on."""
        self.passed += 1
        try:
            response = yield request
        except BaseException as error:
            self.outcomes.append(type(error).__name__)
            raise
        self.outcomes.append("response")
        return response


def recorders() -> tuple[type, type, Recorder, Recorder]:
    """Classes of two middleware that hand out one instance each, and those: one around the host, one in the backend."""
    outer, inner = Recorder(), Recorder()

    def of(recorder: Recorder) -> type:
        @attrs.define(eq=False)
        class Passing:
            @hookimpl
            def wrap_chat_completion(self, request: Any, call: Any) -> Any:
                return (yield from recorder.wrap_chat_completion(request, call))

        return Passing

    return of(outer), of(inner), outer, inner


class Sync:
    """The synchronous client."""

    name = "sync"

    def __init__(self, configuration: Any, plugins: Mapping[str, type] | None = None) -> None:
        self.client: Any = jackfield.Client(configuration, plugins=plugins)

    def call(self, *args: Any, **fields: Any) -> Any:
        """A response."""
        return self.client.create_chat_completion(*args, **({} if args else {"messages": ASK}), **fields)

    def stream(self, **fields: Any) -> SyncStream:
        """A stream that has begun."""
        return SyncStream(self.client.create_chat_completion(messages=ASK, stream=True, **fields))

    def models(self, *args: Any, **fields: Any) -> Any:
        """The models."""
        return self.client.list_models(*args, **fields)

    def live(self) -> int:
        """How many calls are in hand."""
        return len(self.client._driver.watchdog.live())

    def close(self) -> None:
        """Close the client."""
        self.client.close()

    def end(self) -> None:
        """Nothing else is to be ended."""


@attrs.define(eq=False)
class SyncStream:
    """A stream of it."""

    stream: Any

    def next(self) -> Any:
        """The next chunk, or None at the end."""
        return next(self.stream, None)

    def text(self) -> str:
        """The text of all that is left."""
        return "".join(said(chunk) for chunk in self.stream)

    def close(self) -> None:
        """Close it."""
        self.stream.close()


class Async:
    """The asynchronous client."""

    name = "async"

    def __init__(self, configuration: Any, plugins: Mapping[str, type] | None = None) -> None:
        self.loop = asyncio.new_event_loop()
        self.complaints: list[Any] = []
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        try:
            self.client: Any = jackfield.AsyncClient(configuration, plugins=plugins)
        except BaseException:
            self.end()
            raise

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What a coroutine comes to on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def call(self, *args: Any, **fields: Any) -> Any:
        """A response."""

        async def ask() -> Any:
            return await self.client.create_chat_completion(*args, **({} if args else {"messages": ASK}), **fields)

        return self.run(ask())

    def stream(self, **fields: Any) -> AsyncStream:
        """A stream that has begun."""

        async def begin() -> Any:
            return await self.client.create_chat_completion(messages=ASK, stream=True, **fields)

        return AsyncStream(self, self.run(begin()))

    def models(self, *args: Any, **fields: Any) -> Any:
        """The models."""
        return self.run(self.client.list_models(*args, **fields))

    def live(self) -> int:
        """How many calls are in hand."""
        return sum(len(driver.live) for driver in self.client._drivers.values())

    def close(self) -> None:
        """Close the client."""
        self.run(self.client.close())

    def end(self) -> None:
        """End the loop; nothing may have been left on it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        left = asyncio.all_tasks(self.loop)
        self.loop.close()
        assert not left
        assert not self.complaints


@attrs.define(eq=False)
class AsyncStream:
    """A stream of it."""

    mode: Async
    stream: Any

    def next(self) -> Any:
        """The next chunk, or None at the end."""
        stream = self.stream

        async def one() -> Any:
            return await anext(stream, None)

        return self.mode.run(one())

    def text(self) -> str:
        """The text of all that is left."""
        stream = self.stream

        async def everything() -> str:
            return "".join([said(chunk) async for chunk in stream])

        return str(self.mode.run(everything()))

    def close(self) -> None:
        """Close it."""
        self.mode.run(self.stream.close())


def said(chunk: Any) -> str:
    """The text of a chunk."""
    return "".join(choice.delta.content or "" for choice in chunk.choices)
