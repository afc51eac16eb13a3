"""A stream may be left in every way and at any time: the server sees its connection closed within a second."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

import fakeserver
import jackfield
from both import config
from fakeserver import STREAM_HEAD, Exchange, Server, chunked, event
from lifecycle.scene import Books, ask, keeper, nothing_left, until

AT_ONCE = 50
"""Streams that stand at a time."""


@attrs.define
class Upstream:
    """When the host left each stream, and when the server saw it."""

    server: Server
    books: Books = attrs.field(factory=Books)
    left: dict[str, float] = attrs.field(factory=dict)
    seen: dict[str, float] = attrs.field(factory=dict)
    kept: list[Any] = attrs.field(factory=list)

    def script(self, exchange: Exchange) -> bool:
        """One chunk, and then nothing."""
        exchange.send(STREAM_HEAD + chunked(event("a")))
        if exchange.closed_within(20):
            self.seen[exchange.json["messages"][-1]["content"]] = time.monotonic()
        return False

    def leave(self, name: int | str, stream: Any = None) -> None:
        """From now on the second counts. A stream that is given is kept, so that it is not dropped as well."""
        self.kept.append(stream)
        self.left[str(name)] = time.monotonic()

    def client(self, kind: Any) -> Any:
        """A client whose layers keep books."""
        layers = config(self.server, middleware=[{"use": "keeper"}], backend={"middleware": [{"use": "keeper"}]})
        return kind(layers, plugins={"keeper": keeper(self.books)})

    def check(self, count: int) -> None:
        """All were seen in time; each layer had one outcome for each."""
        assert until(lambda: len(self.seen) == count)
        assert len(self.left) == count
        assert max(self.seen[name] - self.left[name] for name in self.left) < 1.0
        assert until(lambda: len(self.books.outcomes) == 2 * count)
        assert set(self.books.outcomes) == {"CallCancelled"}
        self.books.check()


@pytest.fixture
def upstream(quick_collector: None) -> Iterator[Upstream]:
    with fakeserver.serving(fakeserver.answer) as server:
        scene = Upstream(server)
        server.script = scene.script
        with nothing_left(server):
            yield scene


def begun(client: Any, name: Any) -> Any:
    """A stream that has given its only chunk."""
    stream = client.create_chat_completion(messages=ask(str(name)), stream=True)
    next(stream)
    return stream


async def abegun(client: Any, name: Any) -> Any:
    """The same."""
    stream = client.create_chat_completion(messages=ask(str(name)), stream=True)
    await anext(stream)
    return stream


def closed(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """``close()``."""
    stream = begun(client, name)
    leave(name, stream)
    stream.close()


def broken_off(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """``break`` inside ``with``."""
    with client.create_chat_completion(messages=ask(str(name)), stream=True) as stream:
        for _ in stream:
            leave(name, stream)
            break


def failed(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """An exception inside ``with``."""
    with pytest.raises(ZeroDivisionError), begun(client, name) as stream:
        leave(name, stream)
        raise ZeroDivisionError


def dropped(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """The last reference goes."""
    stream = begun(client, name)
    leave(name)
    del stream


def dropped_with_an_error(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """The host deals with an error of its own, whose frame holds the stream: both go without the garbage collector."""

    def deal() -> None:
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            stream = begun(client, name)
        leave(name)
        assert stream is not None

    gc.disable()
    try:
        deal()
        assert until(lambda: not client._driver.watchdog.live(), 3.0)
    finally:
        gc.enable()


def dropped_in_a_cycle(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """The garbage collector finds it."""
    knot = [begun(client, name)]
    knot.append(knot)
    leave(name)
    del knot
    gc.collect()


@pytest.mark.parametrize(
    ("way", "count"),
    [
        (closed, 1000),
        (broken_off, 200),
        (failed, 200),
        (dropped, 200),
        (dropped_with_an_error, 10),
        (dropped_in_a_cycle, 10),
    ],
)
def test_a_stream_that_is_left_is_closed_upstream_within_a_second(
    upstream: Upstream, way: Callable[..., None], count: int
) -> None:
    """A thousand in a row, and every other way."""
    with upstream.client(jackfield.Client) as client:
        for name in range(count):
            way(client, name, upstream.leave)
        upstream.check(count)


def test_a_thread_that_reads_is_stopped_by_one_that_closes(upstream: Upstream) -> None:
    """It gets ``StreamInterruptedError``."""
    errors: list[Any] = []

    def read(stream: Any) -> None:
        with pytest.raises(jackfield.StreamInterruptedError, match="closed by the host") as caught:
            next(stream)
        errors.append(caught.value)

    with upstream.client(jackfield.Client) as client:
        for name in range(100):
            stream = begun(client, name)
            thread = threading.Thread(target=read, args=(stream,))
            thread.start()
            assert until(lambda stream=stream: stream._live.guard.locked())
            upstream.leave(name, stream)
            stream.close()
            thread.join(10)
        assert len(errors) == 100
        upstream.check(100)


def test_closing_a_client_closes_its_streams_upstream(upstream: Upstream) -> None:
    """All that stand, at once."""
    client = upstream.client(jackfield.Client)
    streams = [begun(client, name) for name in range(AT_ONCE)]
    for name in range(AT_ONCE):
        upstream.leave(name)
    client.close()
    for stream in streams:
        with pytest.raises(jackfield.ClientClosedError):
            next(stream)
    upstream.check(AT_ONCE)


async def cancelled(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """The task is cancelled while it reads."""
    reading, streams = asyncio.Event(), []

    async def read() -> None:
        async with await abegun(client, name) as stream:
            streams.append(stream)
            reading.set()
            await anext(stream)

    task = asyncio.create_task(read())
    await reading.wait()
    await asyncio.sleep(0)
    leave(name, streams[0])
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def aclosed(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """``close()``."""
    stream = await abegun(client, name)
    leave(name, stream)
    await stream.close()


async def aclosed_by_another(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """``close()``, while another task reads."""
    stream = await abegun(client, name)
    task = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    leave(name, stream)
    await stream.close()
    with pytest.raises(jackfield.StreamInterruptedError):
        await task


async def abroken_off(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """``break`` out of a loop over a stream that nobody else knows."""
    async for _ in client.create_chat_completion(messages=ask(str(name)), stream=True):
        leave(name)
        break


async def adropped(client: Any, name: int, leave: Callable[[Any], None]) -> None:
    """The last reference goes."""
    stream = await abegun(client, name)
    leave(name)
    del stream


@pytest.mark.parametrize(
    ("way", "count"),
    [(cancelled, 1000), (aclosed, 200), (aclosed_by_another, 200), (abroken_off, 200), (adropped, 200)],
)
def test_an_asynchronous_stream_that_is_left_is_closed_upstream_within_a_second(
    upstream: Upstream, way: Callable[..., Any], count: int
) -> None:
    """A thousand cancelled tasks, and every other way."""

    async def main() -> None:
        async with upstream.client(jackfield.AsyncClient) as client:
            for first in range(0, count, AT_ONCE):
                await asyncio.gather(*(way(client, name, upstream.leave) for name in range(first, first + AT_ONCE)))
            await asyncio.to_thread(upstream.check, count)
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_closing_an_asynchronous_client_closes_its_streams_upstream(upstream: Upstream) -> None:
    """All that stand, at once."""

    async def main() -> None:
        client = upstream.client(jackfield.AsyncClient)
        streams = await asyncio.gather(*(abegun(client, name) for name in range(AT_ONCE)))
        for name in range(AT_ONCE):
            upstream.leave(name)
        await client.close()
        for stream in streams:
            with pytest.raises(jackfield.ClientClosedError):
                await anext(stream)

    asyncio.run(main())
    upstream.check(AT_ONCE)
