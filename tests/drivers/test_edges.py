"""What drivers meet only at the edges: calls closed at the wrong moment, connections gone, bodies torn."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import attrs
import pytest

import jackfield
from both import ASK
from jackfield import Deliver, Send, errors, hookimpl
from jackfield.drivers import connection
from jackfield.drivers.aio import AsyncDriver
from jackfield.drivers.connector import _stands
from jackfield.drivers.live import Live
from jackfield.flow import Read
from jackfield.http import HttpRequest, HttpResponse
from jackfield.models import CreateChatCompletionStreamResponse
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield.wire import build_request, from_dict
from jackfield_openai import OpenAIProvider
from rig import Rig


def test_a_name_is_not_waited_for_once_the_call_is_closed(monkeypatch):
    """Who resolves after the close is told of it at once, however slow the resolver."""
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(10) and [])
    live = Rig().live()
    live.until = time.monotonic() + 10
    live.closing = errors.ClientClosedError()
    with pytest.raises(errors.ClientClosedError):
        connection.resolve("slow.example", 80, live)
    released.set()


def test_no_address_is_dialled_when_the_time_is_over():
    """Each address gets the time that is left; where none is, none is tried."""
    live = Rig().live()
    live.limit, live.until = "connect", time.monotonic() - 1
    addresses = socket.getaddrinfo("127.0.0.1", 9, type=socket.SOCK_STREAM)
    with pytest.raises(errors.APITimeoutError):
        connection.dial(addresses, "there", live, ())


def test_a_socket_that_cannot_be_set_up_is_closed_and_the_reason_raised():
    """What is no failure of the network is not hidden as one."""
    live = Rig().live()
    live.until = time.monotonic() + 5
    addresses = socket.getaddrinfo("127.0.0.1", 9, type=socket.SOCK_STREAM)
    with pytest.raises(TypeError):
        connection.dial(addresses, "there", live, [("no", "option")])


def test_a_connection_that_never_was_can_be_shut_and_released():
    """Neither a cut nor a return to the pool needs a socket or a call."""
    conn = connection.Watched("127.0.0.1", 9)
    conn.shut()
    conn.part()
    assert conn.sock is None


def test_a_server_that_speaks_something_else_is_told():
    """A line that is no status line is a failure of the protocol."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=serve)
        thread.start()

        def flow() -> Any:
            return (yield Send(HttpRequest("GET", f"http://127.0.0.1:{listening.getsockname()[1]}/")))

        with pytest.raises(errors.APIConnectionError) as caught:
            Rig().run(flow())
        thread.join()
    assert caught.value.code in {"protocol", "reset"}


class FakeTransport:
    """A transport of a connection that stands, or does not."""

    def __init__(self, sock: socket.socket | None = None, *, closing: bool = False) -> None:
        self.sock, self.closing = sock, closing

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, _: str) -> socket.socket | None:
        return self.sock

    def abort(self) -> None: ...


@attrs.frozen
class FakeProtocol:
    """The protocol of such a connection."""

    transport: FakeTransport | None
    should_close: bool = False


def test_it_is_seen_whether_a_connection_stands():
    """By the transport, or by the system where the event loop does not know yet; unknown means it stands."""
    here, there = socket.socketpair()
    with here, there:
        assert _stands(FakeProtocol(FakeTransport(here)))
        there.close()
        assert not _stands(FakeProtocol(FakeTransport(here)))
    assert not _stands(FakeProtocol(None))
    assert not _stands(FakeProtocol(FakeTransport(closing=True)))
    assert not _stands(FakeProtocol(FakeTransport(), should_close=True))
    assert _stands(FakeProtocol(FakeTransport()))


def test_an_async_call_does_not_go_out_on_a_connection_that_the_server_has_closed():
    """The loop had no time to see it, and yet no call fails for it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        body = b'{"choices": [{"message": {"content": "yes"}}]}'

        def serve() -> None:
            for _ in range(2):
                peer, _ = listening.accept()
                with peer:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        settings = {"backends": {"b": {"provider": "openai", "base_url": url}}}

        async def twice() -> list[str | None]:
            async with jackfield.AsyncClient(settings) as client:
                first = await client.create_chat_completion(messages=ASK, model="b/m")
                time.sleep(0.1)  # noqa: ASYNC251 - the loop is to see nothing
                second = await client.create_chat_completion(messages=ASK, model="b/m")
                return [one.choices[0].message.content for one in (first, second)]

        assert asyncio.run(twice()) == ["yes", "yes"]
        thread.join()


@attrs.define(eq=False)
class LateBody:
    """A body whose bytes come in the moment in which the time for them is over."""

    live: Live
    held: bool = True

    def read(self, _: Live) -> bytes:
        self.live.expired = True
        return b"data"

    def release(self) -> None: ...


@attrs.define(eq=False)
class AsyncLateBody(LateBody):
    """The same for the async driver."""

    async def read(self) -> bytes:
        return LateBody.read(self, self.live)


def test_bytes_that_came_with_the_cut_do_not_hide_it():
    """The connection is shut by then: what follows would look like its end."""
    request = HttpRequest("GET", "http://127.0.0.1/")
    rig = Rig()
    live = rig.live(100)
    with pytest.raises(errors.APITimeoutError) as caught:
        rig.driver._read(Read(HttpResponse(200, {}, request, LateBody(live))), live)
    assert caught.value.code == "idle"

    async def read() -> None:
        driver, late = AsyncDriver(), rig.live(100)
        with pytest.raises(errors.APITimeoutError):
            await driver._read(Read(HttpResponse(200, {}, request, AsyncLateBody(late))), late)
        await driver.close()

    asyncio.run(read())
    rig.close()


def chunk(**fields: Any) -> CreateChatCompletionStreamResponse:
    return from_dict({"id": "c", **fields}, CreateChatCompletionStreamResponse)


@attrs.define(eq=False)
class Afterthought:
    """A provider whose usage comes after its answer is whole."""

    @hookimpl
    def create_chat_completion(self):
        yield Deliver([chunk(choices=[{"delta": {"content": "a"}, "finish_reason": "stop"}])], last=True)
        yield Deliver([chunk(choices=[], usage={"total_tokens": 3})], last=True)


MAPPING = {"backends": {"b": {"provider": "afterthought"}}}


def test_closing_a_whole_stream_completes_it_with_what_comes_after():
    """The host has seen enough, its layers see the rest."""

    async def close_early() -> jackfield.AsyncChatStream:
        async with jackfield.AsyncClient(MAPPING, plugins={"afterthought": Afterthought}) as client:
            async with client.create_chat_completion(messages=ASK, model="b/m", stream=True) as stream:
                await anext(stream)
            return stream

    with jackfield.Client(MAPPING, plugins={"afterthought": Afterthought}) as client:
        with client.create_chat_completion(messages=ASK, model="b/m", stream=True) as stream:
            next(stream)
        assert stream.response.usage.total_tokens == 3
    assert asyncio.run(close_early()).response.usage.total_tokens == 3


def test_bytes_after_the_terminal_event_are_read_and_forgotten():
    """A comment behind [DONE] does no harm."""
    events = b'data: {"choices": [{"delta": {"content": "a"}}]}\n\ndata: [DONE]\n\n'
    reply = Reply(200, {"content-type": "text/event-stream"}, [events, b": bye\n\n"])
    driver = ScriptedDriver([reply])
    request = build_request({"model": "m", "messages": ASK, "stream": True})
    response = run_call(plan(OpenAIProvider()), request, driver)
    assert response.choices[0].message.content == "a"
    assert driver.unreleased == []


def test_a_provider_can_be_driven_without_a_ledger():
    """Where a flow is driven by hand there is no attempt to note anything in."""
    driver = ScriptedDriver([Reply(200, {}, [b'{"data": [{"id": "m"}]}'])])
    models = run_flow(OpenAIProvider().list_models(make_call(driver)), driver=driver)
    assert [model.id for model in models] == ["m"]
