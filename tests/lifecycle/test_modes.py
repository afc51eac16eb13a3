"""Ways to run an event loop that few programs use: asyncio's debug mode, and tasks that begin at once."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

import fakeserver
from both import config, said
from fakeserver import Server
from jackfield import AsyncClient
from lifecycle.scene import Books, ask, echo, keeper, nothing_left


async def everything(server: Server) -> None:
    """Calls and streams, whole, closed and cancelled, many at once."""
    books = Books()
    layers = config(server, middleware=[{"use": "keeper"}], backend={"transport": {"max_connections": 5}})
    async with AsyncClient(layers, plugins={"keeper": keeper(books)}) as client:

        async def work(name: int) -> None:
            text = f"task {name} "
            response = await client.create_chat_completion(messages=ask(text))
            assert response.choices[0].message.content == text
            async with client.create_chat_completion(messages=ask(text), stream=True) as stream:
                assert "".join([said(chunk) async for chunk in stream]) == text
            async with client.create_chat_completion(messages=ask(text), stream=True) as stream:
                await anext(stream)
            task = asyncio.create_task(client.create_chat_completion(messages=ask(text)))
            await asyncio.sleep(0)
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError)

        await asyncio.gather(*(work(name) for name in range(20)))
        books.check()
    assert len(asyncio.all_tasks()) == 2  # this one, and that which runs it


def run(main: Any, **options: Any) -> None:
    """To its end, and nothing is left or complained of."""
    complaints: list[Any] = []

    async def watched() -> None:
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 60  # a busy machine is not what is asked for
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        if "eager" in options:
            loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # of Python 3.12
        await asyncio.create_task(main())

    asyncio.run(watched(), debug=options.get("debug", False))
    assert complaints == []


def test_asyncio_in_debug_mode_has_nothing_to_say(caplog: pytest.LogCaptureFixture) -> None:
    """No call from a wrong thread, no coroutine that nobody awaited."""
    with fakeserver.serving(echo) as server, nothing_left(server):
        run(lambda: everything(server), debug=True)
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are of Python 3.12")
def test_eager_tasks_do_as_others() -> None:
    """A task that runs as soon as it is made."""
    with fakeserver.serving(echo) as server, nothing_left(server):
        run(lambda: everything(server), eager=True)
