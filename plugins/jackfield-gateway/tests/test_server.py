"""Server: how a gateway begins, and how it ends."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest

from jackfield.errors import ConfigError
from jackfield_gateway.gateway import Gateway
from jackfield_gateway.server import SEND_BUFFER, bind, serve
from jackfield_gateway.settings import GatewaySettings, Limits

ECHO = {"default_model": "echo/a", "backends": {"echo": {"provider": "echo"}}}


def test_a_port_that_is_taken_is_told_in_plain_words():
    """And the socket is closed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be listened on"):
            bind("127.0.0.1", port, 30)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "two..dots", "x" * 64, ""])
def test_a_host_that_is_none_is_told_in_plain_words(host):
    """One that no name can be like, too."""
    with pytest.raises(ConfigError, match="no address of this machine"):
        bind(host, 0, 30)


def options(connection: socket.socket) -> dict[str, int]:
    """What the kernel was told about a socket."""
    wanted = {"nodelay": (socket.IPPROTO_TCP, socket.TCP_NODELAY), "buffer": (socket.SOL_SOCKET, socket.SO_SNDBUF)}
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        wanted["timeout"] = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    return {name: connection.getsockopt(*which) for name, which in wanted.items()}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_connections_have_what_the_listener_was_told(host):
    """No delay, a small buffer, and an end where nobody reads."""
    try:
        listener = bind(host, 0, 12.5)
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    with listener, socket.create_connection(listener.getsockname()[:2]), listener.accept()[0] as taken:
        told = options(taken)
        assert told["nodelay"]
        assert told["buffer"] <= 2 * SEND_BUFFER  # Linux doubles what it is told
        assert told.get("timeout", 12_500) == 12_500


def settings(**limits: float) -> GatewaySettings:
    """Of a gateway of a test: no key, nothing kept."""
    return GatewaySettings(keys="never", store="sqlite::memory:", limits=Limits(**{"drain": 0, **limits}))


class Serving:
    """A gateway that is served by the running loop.

    Attributes:
        address: where.
        stop: ends it.
        task: done when it has ended.
    """

    def __init__(self, gateway: Gateway, host: str = "127.0.0.1", **options: float) -> None:
        listener = bind(host, 0, gateway.settings.limits.reader_stall)
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self.stop = asyncio.Event()
        self.gateway = gateway
        self.task = asyncio.create_task(serve(gateway, listener, self.stop, **options))

    async def ask(self, sent: bytes) -> bytes:
        """What is answered until the connection is closed; empty where it was refused."""
        try:
            reader, writer = await asyncio.open_connection(*self.address)
        except ConnectionRefusedError:
            return b""
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            return b"reset"
        finally:
            writer.close()

    async def end(self) -> None:
        """Stop, and wait."""
        self.stop.set()
        await asyncio.wait_for(self.task, 30)


def get(path: str, *more: str) -> bytes:
    """A request."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: localhost", *more, "", ""]).encode()


def test_a_head_that_does_not_come_is_not_waited_for():
    """Nor is a connection on which nothing is asked, or nothing more; one with more time still waits by then."""

    async def main() -> None:
        hasty, patient = (Serving(Gateway(ECHO, settings=settings()), header_timeout=seconds) for seconds in (0.5, 60))
        reader, writer = await asyncio.open_connection(*patient.address)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: ")
        assert await hasty.ask(b"") == b""
        assert await hasty.ask(b"GET / HTTP/1.1\r\nhost: ") == b""
        assert (await hasty.ask(get("/healthz"))).startswith(b"HTTP/1.1 200")  # kept alive, and then closed
        writer.write(b"localhost\r\n\r\n")
        assert (await reader.readuntil(b'"ok"}')).startswith(b"HTTP/1.1 200")
        writer.close()
        await hasty.end()
        await patient.end()

    asyncio.run(main())


@pytest.mark.parametrize("size", [66_000, 200_000])
def test_a_head_that_is_too_large_is_refused(size):
    """With 431, whether the server sees it or the gateway."""

    async def main() -> bytes:
        serving = Serving(Gateway(ECHO, settings=settings()))
        told = await serving.ask(get("/healthz", "connection: close", f"x-filler: {'a' * size}"))
        assert (await serving.ask(get("/healthz", "connection: close", f"x-filler: {'a' * 60_000}"))).split()[
            1
        ] == b"200"
        await serving.end()
        return told

    assert asyncio.run(main()).split()[1] == b"431"


def test_it_may_be_told_to_end_before_it_began():
    """It ends."""

    async def main() -> None:
        serving = Serving(Gateway(ECHO, settings=settings(drain=60)))
        await serving.end()

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("host", ["127.0.0.1", "::"])
def test_only_the_connection_that_is_meant_is_cut(host):
    """By its address and port, also where an IPv4 client came to an IPv6 socket."""

    async def main() -> None:
        gateway = Gateway(ECHO, settings=settings())
        peers: list[tuple[str, int]] = []
        inner = gateway.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                peers.append(tuple(scope["client"]))
            await inner(scope, receive, send)

        gateway.app = app  # type: ignore[assignment]  # it is one
        serving = Serving(gateway, host)
        ends = [await asyncio.open_connection("127.0.0.1", serving.address[1]) for _ in range(3)]
        for reader, writer in ends:
            writer.write(get("/healthz"))
            await reader.readuntil(b'"ok"}')
        gateway.cut(peers[0])
        gateway.cut(peers[2])
        assert [await asyncio.wait_for(ends[number][0].read(), 20) for number in (0, 2)] == [b"", b""]
        ends[1][1].write(get("/healthz"))
        assert (await ends[1][0].readuntil(b'"ok"}')).startswith(b"HTTP/1.1 200")
        for _, writer in ends:
            writer.close()
        await serving.end()

    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    asyncio.run(main())


def chat(model: str) -> bytes:
    """A request for a stream."""
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def fronting(service: Any, **limits: float) -> Gateway:
    """A gateway in front of the service."""
    backend = {"provider": "openai", "base_url": f"{service.url}/v1"}
    return Gateway({"backends": {"b": backend}}, settings=settings(**limits))


def test_new_requests_are_refused_while_others_end(service):
    """With 503 as long as others run, for a while; then the port is closed, and what runs may still end."""

    async def main() -> None:
        serving = Serving(fronting(service, drain=60), grace=4)
        reader, writer = await asyncio.open_connection(*serving.address)
        writer.write(chat("b/slow?gap=1.2"))
        seen = await reader.readuntil(b"data: ")
        serving.stop.set()
        await asyncio.sleep(0.1)
        ready = await serving.ask(get("/readyz", "connection: close"))
        refused = await serving.ask(get("/v1/models"))  # the gateway closes the connection
        assert (ready.split()[1], refused.split()[1]) == (b"503", b"503")
        assert b"connection: close" in refused
        while await serving.ask(get("/readyz", "connection: close")):
            await asyncio.sleep(0.1)
        assert not serving.task.done()
        seen += await asyncio.wait_for(reader.read(), 60)
        writer.close()
        assert b"data: [DONE]" in seen
        assert seen.endswith(b"0\r\n\r\n")
        await asyncio.wait_for(serving.task, 20)

    asyncio.run(main())


def test_nothing_is_waited_for_where_nothing_runs():
    """Neither for the drain nor for connections that are kept alive, nor for who watches calls."""

    async def main() -> float:
        serving = Serving(Gateway(ECHO, settings=settings(drain=60)), grace=60)
        ends = [await asyncio.open_connection(*serving.address) for _ in range(2)]
        ends[0][1].write(get("/healthz"))
        ends[1][1].write(get("/inspector/live"))
        await ends[0][0].readuntil(b'"ok"}')
        await ends[1][0].readuntil(b": follows")
        began = time.monotonic()
        await serving.end()
        for _, writer in ends:
            writer.close()
        return time.monotonic() - began

    assert asyncio.run(main()) < 20


def test_what_does_not_end_in_time_is_told_and_ended(service):
    """An error in the stream, no word that it is done, and the server ends."""

    async def main() -> bytes:
        serving = Serving(fronting(service, drain=0.7))
        reader, writer = await asyncio.open_connection(*serving.address)
        writer.write(chat("b/pings"))
        seen = await reader.readuntil(b"data: ")
        serving.stop.set()
        seen += await asyncio.wait_for(reader.read(), 20)
        writer.close()
        await asyncio.wait_for(serving.task, 20)
        return seen

    seen = asyncio.run(main())
    assert b'"code":"shutting_down"' in seen
    assert b"[DONE]" not in seen


async def flood(scope: Any, receive: Any, send: Any) -> None:
    """An application that sends without end, and heeds nothing."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            await send({"type": f"{(await receive())['type']}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
        await asyncio.sleep(0)


def test_a_client_that_does_not_read_does_not_keep_the_gateway_from_its_end():
    """Though the answer heeds nothing: its connection is cut."""

    async def main() -> float:
        gateway = Gateway(ECHO, settings=settings(drain=0.2))
        gateway.app = flood  # type: ignore[assignment]  # an application
        serving = Serving(gateway)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(serving.address)
            client.sendall(get("/"))
            await asyncio.sleep(0.5)
            began = time.monotonic()
            await serving.end()
        return time.monotonic() - began

    assert asyncio.run(main()) < 20


def test_half_an_answer_does_not_look_like_one():
    """A whole answer that cannot be sent to its end before the drain's is cut: no event stands in its JSON."""

    async def main() -> bytes:
        serving = Serving(Gateway(ECHO, settings=settings(drain=0.5)))
        reader, writer = await asyncio.open_connection(*serving.address, limit=1024)
        words = "many words " * 1_200_000
        body = json.dumps({"model": "echo/a", "messages": [{"role": "user", "content": words}]}).encode()
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        told = await reader.readuntil(b"\r\n\r\n")
        serving.stop.set()
        await asyncio.sleep(1.0)  # beyond the drain
        try:
            while piece := await asyncio.wait_for(reader.read(65_536), 20):
                told += piece
        except ConnectionResetError:
            pass
        writer.close()
        await serving.end()
        assert len(told) < len(words)
        return told

    told = asyncio.run(main())
    assert told.startswith(b"HTTP/1.1 200")
    assert b"data:" not in told
    assert b"shutting_down" not in told
