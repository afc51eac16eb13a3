"""A task may be cancelled wherever it waits: asyncio's suspensions of a call, one after the other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import attrs
import pytest

import fakeserver
from both import config
from fakeserver import DONE, STREAM_HEAD, Exchange, Server, chunked, event, reply
from jackfield import Acquire, APIError, AsyncClient, Gate, Run, Sleep, hookimpl
from lifecycle.scene import Books, ask, echo, keeper, nothing_left
from lifecycle.stepping import WHEN, cancelled_at

GAP = 0.002
"""Seconds between what the server sends, so that each piece is waited for."""
Scenario = Callable[["Stage"], Coroutine[Any, Any, Any]]


@attrs.define
class Stage:
    """What a scenario may use: a client of its own, with one connection at most."""

    server: Server
    client: AsyncClient
    gate: Gate = attrs.field(factory=lambda: Gate(1))

    def stream(self) -> Any:
        """A stream that has not begun."""
        return self.client.create_chat_completion(messages=ask("a b"), stream=True)

    async def plain(self) -> None:
        """A call, and its own answer."""
        response = await self.client.create_chat_completion(messages=ask("a b"), timeout=5)
        assert response.choices[0].message.content == "a b"


def in_pieces(exchange: Exchange) -> None:
    """Echo, piece by piece: each line of the head, each event."""
    if not exchange.json.get("stream"):
        answer = reply(fakeserver.completion(exchange.json["messages"][-1]["content"]))
        exchange.send(answer[:9], GAP, answer[9:60], GAP, answer[60:-9], GAP, answer[-9:])
        return
    exchange.send(STREAM_HEAD[:9], GAP, STREAM_HEAD[9:], GAP)
    for block in (event("a "), event("b "), event(finish="stop"), DONE, b""):
        exchange.send(chunked(block), GAP)


def failing_once(exchange: Exchange) -> None:
    """Refuse what is not asked again; requests are not counted, for one of a cancelled call may come late."""
    if "user" not in exchange.json:
        exchange.send(reply({"error": {"message": "later"}}, "503 Later"))
    else:
        in_pieces(exchange)


class Layer:
    """Middleware that waits in every way that a layer can."""

    def __init__(self, *waits: str) -> None:
        self.gate, self.waits = Gate(1), waits

    def plugin(self) -> type:
        """A class of it."""
        layer = self

        @attrs.define(eq=False)
        class Waiting:
            @hookimpl
            def wrap_chat_completion(self, request: Any, call: Any) -> Any:
                return (yield from layer.wrap(request))

        return Waiting

    def wrap(self, request: Any) -> Any:
        """Pass on; once more after a failure, which the request then says."""
        if "run" in self.waits:
            yield Run(int)
        if "gate" in self.waits:
            yield Acquire(self.gate)
        try:
            try:
                return (yield request)
            except APIError:
                yield Sleep(GAP)
                return (yield attrs.evolve(request, user="again"))
        finally:
            if "gate" in self.waits:
                self.gate.release()


async def whole(stage: Stage) -> None:
    """A call."""
    await stage.plain()


async def streamed(stage: Stage) -> None:
    """A stream that is read to its end."""
    async with stage.stream() as stream:
        assert len([chunk async for chunk in stream]) == 3


async def one_by_one(stage: Stage) -> None:
    """The same without a loop."""
    stream = await stage.stream()
    while await anext(stream, None) is not None:
        pass
    await stream.close()


async def left_early(stage: Stage) -> None:
    """A stream that is closed after its first chunk."""
    async with stage.stream() as stream:
        await anext(stream)


async def left_whole(stage: Stage) -> None:
    """A stream that is closed once its answer is whole: what is left of it is still read."""
    async with stage.stream() as stream:
        async for chunk in stream:
            if chunk.choices[0].finish_reason:
                break


async def models(stage: Stage) -> None:
    """The list of models."""
    assert [model.id for model in await stage.client.list_models()] == ["main/m"]


async def crowded(stage: Stage) -> None:
    """A call that waits for the connection of another one."""
    other = asyncio.create_task(stage.plain())
    try:
        await asyncio.sleep(0)
        await stage.plain()
    finally:
        await other


async def queued(stage: Stage) -> None:
    """A call that waits at a gate behind another one; both lines are short."""
    await crowded(stage)


async def closing(stage: Stage) -> None:
    """A client that is closed while one stream stands, and an answer has just come."""
    await stage.plain()
    stream = await stage.stream()
    await anext(stream)
    await stage.client.close()


SCENARIOS: dict[str, tuple[Scenario, Callable[[Exchange], Any], tuple[str, ...]]] = {
    "whole": (whole, in_pieces, ()),
    "stream": (streamed, in_pieces, ()),
    "one by one": (one_by_one, in_pieces, ()),
    "left early": (left_early, in_pieces, ()),
    "left whole": (left_whole, in_pieces, ()),
    "models": (models, echo, ()),
    "retry": (whole, failing_once, ()),
    "run": (whole, in_pieces, ("run",)),
    "pool": (crowded, in_pieces, ()),
    "gate": (queued, in_pieces, ("gate",)),
    "close": (closing, in_pieces, ()),
}


async def attempt(name: str, server: Server, k: int, when: str, **transport: Any) -> bool:
    """One scenario, cancelled at its ``k``-th suspension; whether it came so far."""
    scenario, server.script, waits = SCENARIOS[name]
    books, layer = Books(), Layer(*waits)
    backend = {"transport": {"max_connections": 1, **transport}, "middleware": [{"use": "inner"}]}
    layers = {"outer": keeper(books), "layer": layer.plugin(), "inner": keeper(books)}
    configuration = config(server, middleware=[{"use": "outer"}, {"use": "layer"}], backend=backend)
    stage = Stage(server, AsyncClient(configuration, plugins=layers))
    before = asyncio.all_tasks()
    reached = await cancelled_at(scenario(stage), k, when)
    books.check()
    assert asyncio.all_tasks() == before
    assert sum(len(driver.live) for driver in stage.client._drivers.values()) <= (name == "close")
    if not stage.client._session.closed:
        server.script = echo
        await stage.plain()
        books.check()
    await stage.client.close()
    assert asyncio.all_tasks() == before
    assert layer.gate._free == 1
    return reached


def everywhere(name: str, server: Server, when: str, **transport: Any) -> int:
    """A scenario, cancelled at each of its suspensions; how many there are."""
    complaints: list[Any] = []

    async def main() -> int:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        k = 1
        while await attempt(name, server, k, when, **transport):
            k += 1
        return k - 1

    with nothing_left(server):
        count = asyncio.run(main())
    assert not complaints
    return count


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_task_may_be_cancelled_wherever_it_waits(name: str, when: str) -> None:
    """It gets its own ``CancelledError``, each layer one outcome; the next call works, and nothing is left."""
    with fakeserver.serving(echo) as server:
        assert everywhere(name, server, when) >= 3


@pytest.mark.parametrize("when", WHEN)
def test_a_task_may_be_cancelled_in_the_tls_handshake(when: str, tls: ssl.SSLContext, ca_file: Path) -> None:
    """The same over TLS, where connecting takes more turns."""
    with fakeserver.serving(echo, tls) as server:
        assert everywhere("whole", server, when, ca_file=str(ca_file)) >= 4
