"""One asynchronous client on several event loops, one after the other or at once."""

from __future__ import annotations

import asyncio
import gc
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import fakeserver
import jackfield
from both import config, said
from jackfield import AsyncClient
from lifecycle.scene import ask, connections, echo, nothing_left, until
from lifecycle.stepping import WHEN, cancelled_at


async def whole(client: AsyncClient, text: str) -> None:
    """A call, and its own answer."""
    response = await client.create_chat_completion(messages=ask(text), timeout=10)
    assert response.choices[0].message.content == text


def on_loops(*works: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Each on an event loop of its own, in a thread of its own, all at once."""
    failures: list[BaseException] = []

    def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert failures == []


def test_loops_one_after_the_other_share_a_client() -> None:
    """``asyncio.run`` twice: the connections of the first loop end with it."""
    with fakeserver.serving(echo) as server, nothing_left(server):
        client = AsyncClient(config(server))
        for turn in range(2):
            asyncio.run(whole(client, f"turn {turn}"))
            assert until(lambda: connections(server) == 0)
        asyncio.run(client.close())


def test_loops_at_once_share_a_client() -> None:
    """Four loops in four threads: each call gets its own answer, on connections of its own loop."""
    barrier = threading.Barrier(4)
    with fakeserver.serving(echo) as server, nothing_left(server):
        client = AsyncClient(config(server))

        def work(name: int) -> Callable[[], Coroutine[Any, Any, None]]:
            async def main() -> None:
                barrier.wait()
                for turn in range(20):
                    await whole(client, f"{name} {turn}")
                await asyncio.to_thread(barrier.wait)

            return main

        on_loops(*map(work, range(4)))
        loops: dict[int, set[str]] = {}
        for exchange in server.exchanges:
            loops.setdefault(id(exchange.sock), set()).add(exchange.json["messages"][-1]["content"].split()[0])
        assert sorted(map(sorted, loops.values())) == [["0"], ["1"], ["2"], ["3"]]
        asyncio.run(client.close())


def test_a_client_closed_on_one_loop_is_closed_on_all() -> None:
    """Also the connections that stand idle on another loop, and the streams there."""
    ready, closed = threading.Event(), threading.Event()
    with fakeserver.serving(echo) as server, nothing_left(server):
        client = AsyncClient(config(server))

        async def uses() -> None:
            await whole(client, "uses")
            ready.set()
            await asyncio.to_thread(closed.wait)
            assert await asyncio.to_thread(until, lambda: connections(server) == 0)
            with pytest.raises(jackfield.ClientClosedError):
                await whole(client, "too late")

        async def closes() -> None:
            await asyncio.to_thread(ready.wait)
            await whole(client, "closes")
            await client.close()
            closed.set()

        on_loops(uses, closes)


def test_a_stream_stays_on_its_loop() -> None:
    """Reading it on another one is refused and does it no harm; closing it there closes it where it is."""
    began, tried, closed = threading.Event(), threading.Event(), threading.Event()
    streams: list[Any] = []
    with fakeserver.serving(echo) as server, nothing_left(server):
        client = AsyncClient(config(server))

        async def owner() -> None:
            streams.append(await client.create_chat_completion(messages=ask("a b"), stream=True))
            server.script, seen = fakeserver.stuck_after(fakeserver.event("a"))
            streams.append(await client.create_chat_completion(messages=ask("c"), stream=True))
            began.set()
            await asyncio.to_thread(tried.wait)
            assert "".join([said(chunk) async for chunk in streams[0]]) == "a b "
            closed.set()
            assert await asyncio.to_thread(until, lambda: bool(seen))

        async def other() -> None:
            await asyncio.to_thread(began.wait)
            for stream in streams:
                with pytest.raises(RuntimeError, match="another event loop"):
                    await anext(aiter(Again(stream)))
            tried.set()
            await asyncio.to_thread(closed.wait)
            await streams[1].close()

        on_loops(owner, other)
        asyncio.run(client.close())
        with pytest.raises(jackfield.StreamInterruptedError, match="closed by the host"):
            _ = streams[1].response


class Again:
    """What is left of a stream once the chunks are taken that are here already; taking none of them."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> Any:
        await self._stream._more()
        yield


def test_a_loop_may_be_closed_with_the_client_open() -> None:
    """A host that never closes its client, nor its stream, leaves nothing and is not warned."""
    with fakeserver.serving(echo) as server, nothing_left(server):

        async def main() -> Any:
            client = AsyncClient(config(server))
            server.script = echo
            await whole(client, "a")
            server.script, _ = fakeserver.stuck_after(fakeserver.event("a"))
            stream = await client.create_chat_completion(messages=ask("a"), stream=True)
            await anext(stream)
            return client, stream

        kept = asyncio.run(main())
        assert until(lambda: connections(server) == 0)
        del kept
        gc.collect()


@pytest.mark.parametrize("when", WHEN)
def test_cancelling_who_closes_a_client_closes_all_its_connections(
    when: str, tls: ssl.SSLContext, ca_file: Path
) -> None:
    """There are connections of two kinds, in clear and with TLS; the task is cancelled wherever it waits."""

    async def attempt(configuration: dict[str, Any], k: int) -> bool:
        client = AsyncClient(configuration)
        for name in configuration["backends"]:
            await client.create_chat_completion(messages=ask("a"), model=f"{name}/m")
        return await cancelled_at(client.close(), k, when)

    with fakeserver.serving(echo) as clear, fakeserver.serving(echo, tls) as secret:
        with nothing_left(clear), nothing_left(secret):
            main, other = (config(server)["backends"]["main"] for server in (clear, secret))
            other = {**other, "transport": {"ca_file": str(ca_file)}}
            k = 1
            for backends in ({"main": main, "other": other}, {"other": other, "main": main}):
                k = 1
                while asyncio.run(attempt({"backends": backends}, k)):
                    assert until(lambda: connections(clear) + connections(secret) == 0)
                    k += 1
        assert k > 1
