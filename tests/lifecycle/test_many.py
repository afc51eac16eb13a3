"""One client in many threads, one asynchronous client in many tasks: every call gets its own answer."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from typing import Any

import fakeserver
from both import config, said
from fakeserver import Server
from jackfield import APIConnectionError, AsyncClient, Client
from lifecycle.scene import Books, ask, connections, echo, keeper, nothing_left, until

THREADS, TURNS = 64, 12
TASKS, POOL = 1000, 20


def configured(server: Server, limit: int) -> dict[str, Any]:
    """Layers that keep books around the host and in the backend, and so many connections."""
    backend = {"transport": {"max_connections": limit}, "middleware": [{"use": "keeper"}]}
    return config(server, middleware=[{"use": "keeper"}], backend=backend)


def threads(work: Any, count: int) -> list[BaseException]:
    """Runs in so many threads, which begin at once; what they raised."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(name: int) -> None:
        try:
            barrier.wait(20)
            work(name)
        except BaseException as error:
            failures.append(error)

    running = [threading.Thread(target=run, args=(name,)) for name in range(count)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(120)
    assert not any(thread.is_alive() for thread in running)
    return failures


def test_64_threads_share_a_client() -> None:
    """Calls, streams, and streams that are left early: no answer is another's, and nothing is left."""
    books = Books()
    with fakeserver.serving(echo) as server, nothing_left(server):
        with Client(configured(server, THREADS), plugins={"keeper": keeper(books)}) as client:

            def work(name: int) -> None:
                for turn in range(TURNS):
                    text = f"thread {name} turn {turn} "
                    kind = (name + turn) % 3
                    if kind == 0:
                        response = client.create_chat_completion(messages=ask(text))
                        assert response.choices[0].message.content == text
                        continue
                    with client.create_chat_completion(messages=ask(text), stream=True) as stream:
                        if kind == 1:
                            assert "".join(map(said, stream)) == text
                            assert stream.response.choices[0].message.content == text
                        else:
                            assert text.startswith(said(next(stream)))

            assert threads(work, THREADS) == []
            assert client._driver.watchdog.live() == []
        assert books.passed == 2 * THREADS * TURNS
        books.check()
        assert books.outcomes.count("response") >= 2 * books.passed // 3


def test_64_threads_share_a_small_pool() -> None:
    """With fewer connections than threads all calls are served, on no more connections than the pool has."""
    with fakeserver.serving(echo) as server, nothing_left(server):
        with Client(configured(server, 8), plugins={"keeper": keeper(Books())}) as client:

            def work(name: int) -> None:
                for turn in range(TURNS):
                    text = f"{name} {turn}"
                    response = client.create_chat_completion(messages=ask(text))
                    assert response.choices[0].message.content == text

            assert threads(work, THREADS) == []
        assert server.accepted <= 8


def test_1000_tasks_share_an_asynchronous_client() -> None:
    """All at once on a pool of twenty connections: no answer is another's, and nothing is left on the loop."""
    books = Books()

    async def work(client: AsyncClient, name: int) -> str:
        text = f"task {name} "
        if name % 2:
            response = await client.create_chat_completion(messages=ask(text), timeout=120)
            return str(response.choices[0].message.content)
        async with client.create_chat_completion(messages=ask(text), timeout=120, stream=True) as stream:
            assert "".join([said(chunk) async for chunk in stream]) == text
            return str(stream.response.choices[0].message.content)

    async def main(server: Server) -> None:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        client = AsyncClient(configured(server, POOL), plugins={"keeper": keeper(books)})
        answers = await asyncio.gather(*(work(client, name) for name in range(TASKS)))
        assert answers == [f"task {name} " for name in range(TASKS)]
        assert len(asyncio.all_tasks()) == 1
        assert [driver.live for driver in client._drivers.values()] == [{}]
        assert connections(server) <= POOL
        await client.close()
        assert len(asyncio.all_tasks()) == 1
        assert not complaints

    with fakeserver.serving(echo) as server, nothing_left(server):
        asyncio.run(main(server))
        assert server.accepted <= POOL
    assert books.outcomes == ["response"] * 2 * TASKS
    books.check()


def test_1000_tasks_of_which_some_fail_and_some_are_cancelled_leave_the_others_alone() -> None:
    """A broken or a cancelled call takes its own connection with it, and no other."""
    chance, books = random.Random(7), Books()
    fates = [chance.choice(["fine", "fine", "fine", "breaks", "cancelled"]) for _ in range(TASKS)]
    numbers = itertools.count()

    def script(exchange: Any) -> bool | None:
        fate = exchange.json["messages"][-1]["content"].split()[0]
        if fate == "breaks":
            exchange.reset()
            return False
        if fate == "cancelled" and next(numbers) % 2:
            exchange.closed_within(20)
            return False
        echo(exchange)
        return None

    async def work(client: AsyncClient, name: int, fate: str) -> None:
        text = f"{fate} {name}"
        call = asyncio.ensure_future(client.create_chat_completion(messages=ask(text), timeout=120))
        if fate == "cancelled":
            await asyncio.sleep(chance.random() / 2)
            call.cancel()
        (outcome,) = await asyncio.gather(call, return_exceptions=True)
        if fate == "fine":
            assert outcome.choices[0].message.content == text
        elif fate == "breaks":
            assert isinstance(outcome, APIConnectionError)
        else:
            assert isinstance(outcome, asyncio.CancelledError) or outcome.choices[0].message.content == text

    async def main(server: Server) -> None:
        async with AsyncClient(configured(server, POOL), plugins={"keeper": keeper(books)}) as client:
            await asyncio.gather(*(work(client, name, fate) for name, fate in enumerate(fates)))
            assert len(asyncio.all_tasks()) == 1

    with fakeserver.serving(script) as server, nothing_left(server):
        asyncio.run(main(server))
        assert until(lambda: connections(server) == 0)
    books.check()
