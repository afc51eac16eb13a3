"""The asynchronous driver by itself: proxies, TLS, bodies, gates, and what aiohttp would rather do."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import attrs
import pytest
import trustme

import fakeserver
import jackfield
from both import ASK, config, said, settings
from fakeserver import Server, answer, reply
from jackfield import Acquire, AsyncClient, Gate, hookimpl
from jackfield.drivers.connector import _Cut


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    """The machine's own proxies are none of the tests' business."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with fakeserver.serving(answer) as server:
        yield server


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls_server(authority) -> Iterator[Server]:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with fakeserver.serving(answer, context) as server:
        yield server


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@contextmanager
def tunnelling(status: str = "200 Fine") -> Iterator[tuple[str, list[str]]]:
    """A proxy that only tunnels: its address, and the heads of what it was asked."""
    heads: list[str] = []

    def script(exchange: Any) -> bool:
        heads.append(f"{exchange.method} {exchange.target} {exchange.headers.get('proxy-authorization', '')}".strip())
        exchange.send(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if not status.startswith("200"):
            return False
        host, _, port = exchange.target.partition(":")
        with socket.create_connection((host, int(port))) as far:
            pass_on(exchange.sock, far)
        return False

    with fakeserver.serving(script) as proxy:
        yield f"127.0.0.1:{proxy.port}", heads


def pass_on(one: socket.socket, other: socket.socket) -> None:
    """Both ways, until either ends."""
    while True:
        ready = fakeserver.readable(5, one, other)
        for sock in ready:
            block = sock.recv(65536)
            if not block:
                return
            (other if sock is one else one).sendall(block)
        if not ready:
            return


def ask(configuration: Any, plugins: Any = None, **fields: Any) -> Any:
    """One call on a loop of its own; the response, or the error."""

    async def main() -> Any:
        async with AsyncClient(configuration, plugins=plugins) as client:
            try:
                return await client.create_chat_completion(**{"messages": ASK, **fields})
            except jackfield.JackfieldError as error:
                return error

    result = asyncio.run(main())
    gc.collect()
    return result


def test_a_certificate_of_a_known_authority_is_trusted(tls_server, ca_file, monkeypatch):
    """``ca_file`` and ``SSL_CERT_FILE`` name the authorities; a stranger's certificate is refused before sending."""
    error = ask(config(tls_server))
    assert (type(error), error.code, error.stage) == (jackfield.APIConnectionError, "certificate", "not_sent")
    assert not tls_server.exchanges
    assert ask(config(tls_server, backend={"transport": {"ca_file": ca_file}})).choices
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    assert ask(config(tls_server)).choices


def test_a_server_that_speaks_no_tls_is_told(server):
    """A handshake that fails is not sent."""
    error = ask(settings(f"https://127.0.0.1:{server.port}/v1", backend={"timeout": {"connect": 0.3}}))
    assert (type(error), error.code, error.stage) == (jackfield.APITimeoutError, "connect", "not_sent")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def rude() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1)
                sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")

        thread = threading.Thread(target=rude)
        thread.start()
        error = ask(settings(f"https://127.0.0.1:{listener.getsockname()[1]}/v1"))
        thread.join()
    assert isinstance(error, jackfield.APIConnectionError)
    assert (error.code, error.stage) == ("tls", "not_sent")


def test_https_goes_through_the_proxy_of_the_environment(tls_server, ca_file, monkeypatch):
    """``HTTPS_PROXY`` is asked for a tunnel, with its own credentials, and sees nothing of the request."""
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    with tunnelling() as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@{address}")
        assert ask(config(tls_server)).choices
        login = base64.b64encode(b"user:pass").decode()
        assert heads == [f"CONNECT 127.0.0.1:{tls_server.port} Basic {login}"]
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert ask(config(tls_server)).choices
        assert len(heads) == 1


def test_http_is_forwarded_by_the_configured_proxy(server):
    """A proxy of the configuration is asked for the whole URL."""
    with fakeserver.serving(answer) as proxy:
        backend = {"transport": {"proxy": f"http://127.0.0.1:{proxy.port}"}}
        assert ask(config(server, backend=backend)).choices
        assert proxy.exchanges[0].target == f"{server.url}/chat/completions"
    assert not server.exchanges


def test_a_proxy_that_fails_is_told(tls_server, ca_file):
    """A proxy that refuses, or is not there, is an error of its own kind: nothing was sent."""
    with tunnelling("407 No") as (address, _):
        refused = {"proxy": f"http://{address}", "ca_file": ca_file}
        errors = [ask(config(tls_server, backend={"transport": refused}))]
    errors.append(ask(config(tls_server, backend={"transport": refused})))
    for error in errors:
        assert (type(error), error.code, error.stage) == (jackfield.APIConnectionError, "proxy", "not_sent")
    assert "407" in str(errors[0])


def test_a_large_request_is_sent_whole(server):
    """Megabytes go out without a warning, and with their length."""
    text = "x" * 3_000_000
    response = ask(config(server), messages=[{"role": "user", "content": text}])
    assert response.choices[0].message.content == text


def test_a_large_header_is_taken(server):
    """What the sync driver takes, this one takes too."""
    server.script = lambda exchange: exchange.send(reply(fakeserver.completion(), x_large="y" * 30_000))
    assert ask(config(server)).choices


def test_connections_are_limited_for_each_origin(server):
    """A backend whose connections are all in use does not hold another one up."""
    stuck, _ = fakeserver.stuck_after()
    with fakeserver.serving(stuck) as busy:
        both = config(server, backend={"transport": {"max_connections": 1}})
        both["backends"]["busy"] = {**both["backends"]["main"], "base_url": busy.url}

        async def main() -> None:
            async with AsyncClient(both) as client:
                held = asyncio.create_task(client.create_chat_completion(messages=ASK, model="busy/m"))
                while not busy.exchanges:
                    await asyncio.sleep(0.01)
                response = await client.create_chat_completion(messages=ASK, timeout=5)
                assert response.choices
                held.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await held

        asyncio.run(main())


def test_a_deadline_that_passes_while_connecting_gives_the_connection_back(server):
    """Nothing was sent on it, so the next call takes it."""

    @attrs.define(eq=False)
    class Late:
        @hookimpl
        def wrap_chat_completion(self, request, call):
            call.deadline = call.clock() + 0.3
            return (yield request)

        @hookimpl
        def wrap_http(self, http_request, call):
            return (yield http_request)

    connect = aiohttp.TCPConnector.connect

    async def slow(self: Any, *args: Any) -> Any:
        connection = await connect(self, *args)
        threading.Event().wait(0.5)  # the loop itself is held, so that no timer fires before
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aiohttp.TCPConnector, "connect", slow)
        error = ask(config(server, middleware=[{"use": "late"}]), {"late": Late})
    assert type(error) is jackfield.DeadlineExceededError
    assert not server.exchanges


def test_a_gate_lets_tasks_in_one_by_one(server):
    """Tasks wait for their turn, and none is lost when one of them is cancelled."""
    gate, inside, most = Gate(2), [0], [0]

    def slowly(exchange: Any) -> None:
        exchange.wait(0.02)
        answer(exchange)

    server.script = slowly

    @attrs.define(eq=False)
    class Gated:
        @hookimpl
        def wrap_chat_completion(self, request, call):
            yield Acquire(gate)
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            try:
                return (yield request)
            finally:
                inside[0] -= 1
                gate.release()

    async def main() -> None:
        configuration = config(server, middleware=[{"use": "gated"}])
        async with AsyncClient(configuration, plugins={"gated": Gated}) as client:
            tasks = [asyncio.create_task(client.create_chat_completion(messages=ASK)) for _ in range(20)]
            await asyncio.sleep(0.005)
            tasks[10].cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 1

    asyncio.run(main())
    assert most == [2]
    assert inside == [0]


def test_an_unfinished_body_closes_its_connection(server):
    """What a flow did not read to its end is not given back."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9000000\r\n\r\n"

    def script(exchange: Any) -> bool:
        exchange.send(head + b"x" * 6000)
        gone.append(exchange.closed_within(2))
        return False

    gone: list[bool] = []
    server.script = script
    error = ask(config(server, backend={"transport": {"max_response_bytes": 5000}}))
    assert isinstance(error, jackfield.InvalidResponseError)
    for thread in server.threads:
        thread.join(3)
    assert gone == [True]


def test_a_compressed_body_is_read_block_by_block(server):
    """A block that holds nothing but the head of the encoding is not the end."""
    import gzip
    import json

    body = gzip.compress(json.dumps(fakeserver.completion("packed")).encode())
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    server.script = lambda exchange: exchange.send(head, body[:10], 0.1, body[10:])
    assert ask(config(server)).choices[0].message.content == "packed"


def test_what_came_before_a_connection_broke_is_not_lost(server):
    """Events that had arrived are delivered, however the connection ended."""

    def script(exchange: Any) -> bool:
        exchange.send(fakeserver.STREAM_HEAD + fakeserver.chunked(b"".join(fakeserver.EVENTS[:2])))
        exchange.wait(0.1)
        exchange.send(fakeserver.chunked(fakeserver.EVENTS[2]) + b"zz\r\n")
        return False

    server.script = script

    async def main() -> str:
        texts: list[str] = []
        async with AsyncClient(config(server)) as client:
            stream = await client.create_chat_completion(messages=ASK, stream=True)
            await asyncio.sleep(0.3)
            with pytest.raises(jackfield.StreamInterruptedError):
                while True:
                    texts.append(said(await anext(stream)))
        return "".join(texts)

    assert asyncio.run(main()) == "abc"


def test_a_request_whose_time_is_over_cannot_be_cut_twice():
    """A scope that is ending already is left alone."""

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01) as scope:
                cut = _Cut(scope)
                try:
                    await asyncio.sleep(5)
                finally:
                    cut()
                    assert scope.expired()

    asyncio.run(main())


@pytest.mark.parametrize("early", [b"", b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}"])
def test_what_is_left_of_a_request_is_not_sent_once_its_call_is_over(early):
    """Neither where the call was cancelled nor where it was answered early: the connection is closed at once."""
    over, got = threading.Event(), [0]
    size = 20_000_000
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer, contextlib.suppress(ConnectionResetError):
                peer.sendall(early)
                over.wait(10)
                while block := peer.recv(1_000_000):
                    got[0] += len(block)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"

        async def main() -> None:
            async with AsyncClient({"backends": {"b": {"provider": "openai", "base_url": url}}}) as client:
                long = [{"role": "user", "content": "x" * size}]
                call = asyncio.create_task(client.create_chat_completion(messages=long, model="b/m"))
                await asyncio.wait([call], timeout=0.5)
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)
                over.set()
                await asyncio.to_thread(thread.join, 10)

        asyncio.run(main())
        thread.join()
    assert got[0] < size


def test_a_server_that_hangs_up_at_once_is_asked_once():
    """A new connection that ends is a failure, and no reason to dial again."""
    accepted: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = listening.accept()
                    accepted.append(1)
                    peer.close()

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        error = ask({"backends": {"main": {"provider": "openai", "base_url": url}}}, model="main/m")
        listening.shutdown(socket.SHUT_RDWR)
    assert type(error) is jackfield.APIConnectionError
    assert len(accepted) == 1


def test_a_connection_that_is_gone_before_the_task_goes_on_was_not_used(server, monkeypatch):
    """Nothing was sent on it."""
    connect = aiohttp.TCPConnector.connect

    async def gone(self: Any, *args: Any) -> Any:
        connection = await connect(self, *args)
        connection.transport.abort()
        await asyncio.sleep(0.01)
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", gone)
    error = ask(config(server))
    assert (type(error), error.code, error.stage) == (jackfield.APIConnectionError, "connect", "not_sent")
    assert not server.exchanges


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_was_closed_with_a_call_in_it_does_not_harm_the_next(server):
    """The old call is given up with its loop; the new one knows nothing of it."""
    server.script, _ = fakeserver.stuck_after()
    client = AsyncClient(config(server))
    loop = asyncio.new_event_loop()
    task = loop.create_task(client.create_chat_completion(messages=ASK))
    loop.run_until_complete(asyncio.sleep(0.2))
    task._log_destroy_pending = False
    loop.close()
    server.script = answer

    async def main() -> None:
        async with client:
            assert (await client.create_chat_completion(messages=ASK)).choices

    asyncio.run(main())
    del task
    gc.collect()
