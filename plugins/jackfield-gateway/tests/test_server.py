"""Server and running: how a gateway begins, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from jackfield.errors import ConfigError
from jackfield_gateway import running
from jackfield_gateway.gateway import Gateway
from jackfield_gateway.server import bind, serve
from jackfield_gateway.settings import GatewaySettings, Limits

ECHO = {"default_model": "echo/a", "backends": {"echo": {"provider": "echo"}}}


def connected(url: str) -> socket.socket:
    """A connection to a gateway."""
    host, _, port = urlsplit(url).netloc.partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_it_answers_as_soon_as_its_address_is_known():
    """There is no moment in which a connection is refused."""
    for _ in range(5):
        with running(ECHO) as url, connected(url) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_nothing_is_left_behind():
    """Neither threads nor descriptors, however often it runs, and though a client stays connected."""
    clients = []
    for number in range(12):
        if number == 2:
            threads, files = threading.active_count(), len(os.listdir("/dev/fd")) - len(clients)
        with running(ECHO) as url:
            clients.append(connected(url))
    assert threading.active_count() <= threads
    assert len(os.listdir("/dev/fd")) - len(clients) <= files
    for client in clients:
        client.close()


def test_logging_is_left_as_it_was():
    """The server would close the handlers of the whole program."""
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        before = list(root.handlers)
        with running(ECHO):
            pass
        assert root.handlers == before
        assert handler in logging._handlers.values() or handler.name is None
    finally:
        root.removeHandler(handler)


def test_a_configuration_that_is_wrong_is_told_where_the_gateway_was_asked_for():
    """With all its faults."""
    with pytest.raises(ConfigError, match="nonsense"), running({**ECHO, "gateway": {"nonsense": 1}}):
        pass
    with pytest.raises(ConfigError, match=r"gateway\.store"), running({**ECHO, "gateway": {"store": "mysql:x"}}):
        pass


def test_a_port_that_is_taken_is_told_in_plain_words():
    """And the socket is closed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be listened on"):
            bind("127.0.0.1", port, 30)
    with pytest.raises(ConfigError, match="no address of this machine"):
        bind("no.such.host.invalid", 0, 30)


def test_its_own_address_may_be_of_ipv6():
    """Where the machine has it."""
    try:
        listener = bind("::1", 0, 30)
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert listener.getsockname()[0] == "::1"
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_head_that_does_not_come_is_not_waited_for():
    """Nor is a connection on which nothing is asked."""

    async def main() -> float:
        settings = GatewaySettings(keys="never", store="sqlite::memory:", limits=Limits(drain=0))
        listener = bind("127.0.0.1", 0, 30)
        address, stop = listener.getsockname(), asyncio.Event()
        serving = asyncio.create_task(serve(Gateway(ECHO, settings=settings), listener, stop, header_timeout=0.5))
        began = time.monotonic()
        for head in (b"", b"GET / HTTP/1.1\r\nhost: "):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(head)
            await asyncio.wait_for(reader.read(), 20)
            writer.close()
        stop.set()
        await asyncio.wait_for(serving, 20)
        return time.monotonic() - began

    assert asyncio.run(main()) < 15


class Slow:
    """A gateway whose service sends for ever, its stream, and how it is stopped."""

    def __init__(self, service, drain: float, gap: str) -> None:
        self.settings = GatewaySettings(keys="never", store="sqlite::memory:", limits=Limits(drain=drain))
        backend = {"provider": "openai", "base_url": f"{service.url}/v1"}
        self.gateway = Gateway({"backends": {"b": backend}}, settings=self.settings)
        self.model = f"b/{gap}"

    async def run(self) -> tuple[bytes, bool]:
        """What a stream that runs when the gateway is stopped gets, and whether a new connection is taken then."""
        listener = bind("127.0.0.1", 0, 30)
        address, stop = listener.getsockname(), asyncio.Event()
        serving = asyncio.create_task(serve(self.gateway, listener, stop))
        reader, writer = await asyncio.open_connection(*address)
        body = json.dumps(
            {"model": self.model, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        ).encode()
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        seen = await reader.readuntil(b"data: ")
        stop.set()
        await asyncio.sleep(0.5)
        try:
            _, other = await asyncio.open_connection(*address)
        except ConnectionRefusedError:
            taken = False
        else:
            taken = True
            other.close()
        seen += await asyncio.wait_for(reader.read(), 20)
        writer.close()
        await asyncio.wait_for(serving, 20)
        return seen, taken


def test_what_runs_may_end_when_the_gateway_is_stopped(service):
    """A stream comes to its end, and nobody else is let in."""
    seen, taken = asyncio.run(Slow(service, 20.0, "slow?gap=0.5").run())
    assert b"data: [DONE]" in seen
    assert seen.endswith(b"0\r\n\r\n")
    assert not taken


def test_what_does_not_end_in_time_is_told_and_ended(service):
    """An error in the stream, no word that it is done, and the server ends."""
    seen, _ = asyncio.run(Slow(service, 0.7, "pings").run())
    assert b'"code":"shutting_down"' in seen
    assert b"[DONE]" not in seen


def test_a_store_that_cannot_be_opened_is_told(tmp_path):
    """Before anything is served, in jackfield's own words."""
    (tmp_path / "file").write_text("")
    store = f"sqlite:{tmp_path / 'file' / 'g.db'}"
    with pytest.raises(ConfigError, match="cannot be opened"), running({**ECHO, "gateway": {"store": store}}):
        pass
