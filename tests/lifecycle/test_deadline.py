"""No call outlives its deadline by more than a quarter of a second: many at once, and what takes a special server."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import fakeserver
from both import settings
from fakeserver import Exchange, chunked, event
from jackfield import AsyncClient, Client, DeadlineExceededError
from lifecycle.scene import ask, until

DEADLINE = 0.5
OVERRUN = 0.25
SLACK = 0.75
"""Seconds besides, in these tests only: a hundred calls end at one moment, on a machine that does other things too."""
TRIES = 5
"""A machine that is busy for seconds may spoil some of them; a call that is not ended spoils all."""
AT_ONCE = 100


def dripping(head: bytes, drop: bytes) -> Callable[[Exchange], bool]:
    """A script that never ends its answer, and never is silent."""

    def script(exchange: Exchange) -> bool:
        exchange.send(head)
        until_closed = time.monotonic() + 20
        while time.monotonic() < until_closed:
            exchange.send(drop, 0.1)
        return False

    return script


WAYS = {
    "head": dripping(b"HTTP/1.1 200 OK\r\nx-slow: ", b"x"),
    "body": dripping(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n", b" "),
    "stream": dripping(fakeserver.STREAM_HEAD, chunked(b": still there\n\n")),
    "chunks": dripping(fakeserver.STREAM_HEAD, chunked(event("x"))),
}


@contextmanager
def serving(script: Callable[[Exchange], bool]) -> Iterator[str]:
    """The URL of a server with this script."""
    with fakeserver.serving(script) as server:
        yield server.url


@contextmanager
def blackhole(scheme: str = "http") -> Iterator[str]:
    """The URL of a port that neither takes a connection nor refuses it: its backlog is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/v1"
        for sock in waiting:
            sock.close()


@contextmanager
def mute() -> Iterator[str]:
    """The URL of a server that takes connections, and never begins with TLS."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1"


def overruns_of_threads(url: str, *, stream: bool, count: int, **backend: Any) -> list[float]:
    """By how much calls in so many threads outlived their deadline."""
    late: list[float] = []

    def call() -> None:
        before = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            for _ in client.create_chat_completion(messages=ask("a"), timeout=DEADLINE, stream=stream) or ():
                pass
        late.append(time.monotonic() - before - DEADLINE)

    with Client(settings(url, backend=backend)) as client:
        threads = [threading.Thread(target=call) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    return late


def overruns_of_tasks(url: str, *, stream: bool, count: int, **backend: Any) -> list[float]:
    """The same of tasks."""

    async def call(client: AsyncClient) -> float:
        before = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            if stream:
                async for _ in client.create_chat_completion(messages=ask("a"), timeout=DEADLINE, stream=True):
                    pass
            else:
                await client.create_chat_completion(messages=ask("a"), timeout=DEADLINE)
        return time.monotonic() - before - DEADLINE

    async def main() -> list[float]:
        async with AsyncClient(settings(url, backend=backend)) as client:
            return await asyncio.gather(*(call(client) for _ in range(count)))

    return asyncio.run(main())


@pytest.fixture(params=[overruns_of_threads, overruns_of_tasks], ids=["threads", "tasks"])
def overruns(request: Any) -> Any:
    return request.param


def check(measure: Callable[[], list[float]], count: int) -> None:
    """So many calls end, and each of them in time."""
    for _ in range(TRIES):
        late = measure()
        assert len(late) == count
        if max(late) <= OVERRUN + SLACK:
            return
    raise AssertionError(f"one outlived its deadline by {max(late)} s")


@pytest.mark.parametrize("way", WAYS)
def test_a_hundred_calls_end_with_their_deadline_whatever_drips(overruns: Any, way: str) -> None:
    """Head, body, comments or chunks that never end."""
    with serving(WAYS[way]) as url:
        check(lambda: overruns(url, stream=way in {"stream", "chunks"}, count=AT_ONCE), AT_ONCE)


@pytest.mark.parametrize("place", [blackhole, mute], ids=["blackhole", "handshake"])
def test_calls_that_cannot_connect_end_with_their_deadline(overruns: Any, place: Any) -> None:
    """Neither the network nor the other side of TLS answers."""
    with place() as url:
        check(lambda: overruns(url, stream=False, count=5), 5)


def test_calls_that_wait_for_a_name_end_with_their_deadline(overruns: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver is stuck until long after; ``asyncio.run`` itself waits for its thread in the end."""
    threads = threading.active_count()

    def measure() -> list[float]:
        let_go = threading.Event()
        threading.Timer(DEADLINE + 2, let_go.set).start()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(20) and [])
        late: list[float] = overruns("http://slow.example/v1", stream=False, count=4)
        return late

    check(measure, 4)
    assert until(lambda: threading.active_count() <= threads)


def test_calls_that_wait_for_a_connection_end_with_their_deadline(overruns: Any) -> None:
    """One connection, which a stream holds that goes on and on: all others wait, and it ends with its own deadline."""
    with serving(WAYS["chunks"]) as url:
        check(lambda: overruns(url, stream=True, count=20, transport={"max_connections": 1}), 20)
