"""A thread may be interrupted wherever Python looks for signals, and in every wait."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import fakeserver
from both import config, settings
from fakeserver import DONE, STREAM_HEAD, Exchange, chunked, completion, event, reply
from jackfield import Acquire, APIError, Client, Gate, Run, Sleep, hookimpl
from lifecycle.interrupting import Interrupt
from lifecycle.scene import Books, ask, echo, keeper, nothing_left, until, words

STRIDE = 5
"""Every fifth place is tried, for there are thousands; 1 tries all."""


@attrs.define(eq=False)
class Waits:
    """Middleware with effects of its own, which asks once more after a failure, and then says so."""

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Any:
        yield Run(int)
        try:
            return (yield request)
        except APIError:
            yield Sleep(0.0001)
            return (yield attrs.evolve(request, user="again"))


def leaving(exchange: Exchange) -> bool:
    """Echo, and close the connection."""
    text = exchange.json["messages"][-1]["content"]
    if exchange.json.get("stream"):
        head = STREAM_HEAD.replace(b"transfer", b"connection: close\r\ntransfer", 1)
        exchange.send(head + b"".join(map(chunked, [*map(event, words(text)), event(finish="stop"), DONE, b""])))
    else:
        exchange.send(reply(completion(text), connection="close"))
    return False


def failing_once(exchange: Exchange) -> None:
    """Refuse what is not asked again; requests are not counted, for one of an interrupted call may come late."""
    if "user" not in exchange.json:
        exchange.send(reply({"error": {"message": "later"}}, "503 Later"))
    else:
        echo(exchange)


def whole(client: Client) -> None:
    """A call, and its own answer."""
    response = client.create_chat_completion(messages=ask("a b"), timeout=5)
    assert response.choices[0].message.content == "a b"


def streamed(client: Client) -> None:
    """A stream that is read to its end."""
    with client.create_chat_completion(messages=ask("a b"), stream=True) as stream:
        assert len(list(stream)) == 3


def left_early(client: Client) -> None:
    """A stream that is closed after its first chunk."""
    with client.create_chat_completion(messages=ask("a b"), stream=True) as stream:
        next(stream)


SCENARIOS: dict[str, tuple[Callable[[Client], None], Callable[[Exchange], Any]]] = {
    "whole": (whole, echo),
    "connecting": (whole, leaving),
    "stream": (streamed, echo),
    "connecting a stream": (streamed, leaving),
    "left early": (left_early, echo),
    "retry": (whole, failing_once),
}


def attempt(client: Client, books: Books, scenario: Callable[[Client], None], k: int) -> bool:
    """A scenario, interrupted at its ``k``-th place; whether it came so far."""
    interrupt = Interrupt(k)
    caught: Any = None
    try:
        interrupt.run(lambda: scenario(client))
    except KeyboardInterrupt as error:
        caught = error
    if interrupt.places < k:
        return False
    assert caught is interrupt.error, interrupt.where
    caught = interrupt.error = None  # its traceback may hold a stream that the host never got
    # The watchdog takes such a stream down.
    assert until(lambda: not client._driver.watchdog.live()), interrupt.where
    assert books.passed == len(books.outcomes), interrupt.where
    books.check()
    return True


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="CPython 3.12 crashes where a trace function raises")
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_thread_may_be_interrupted_wherever_python_looks_for_signals(name: str) -> None:
    """Its ``KeyboardInterrupt`` comes out, each layer gets one outcome; the only connection is free again."""
    scenario, script = SCENARIOS[name]
    books = Books()
    with fakeserver.serving(echo) as server, nothing_left(server):
        backend = {"transport": {"max_connections": 1}, "middleware": [{"use": "inner"}]}
        configuration = config(server, middleware=[{"use": "outer"}, {"use": "waits"}], backend=backend)
        plugins = {"outer": keeper(books), "inner": keeper(books), "waits": Waits}
        with Client(configuration, plugins=plugins) as client:
            whole(client)
            k = 1
            server.script = script
            while attempt(client, books, scenario, k):
                server.script = echo
                whole(client)
                server.exchanges.clear()
                server.script = script
                k += STRIDE
    assert k > 300


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Python hears of SIGINT; a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def silent(exchange: Exchange) -> bool:
    """Answer nothing."""
    exchange.closed_within(10)
    return False


def stuck(exchange: Exchange) -> bool:
    """Answer with a chunk, and then with nothing."""
    exchange.send(STREAM_HEAD + chunked(event("a")))
    return silent(exchange)


class Waiting(Waits):
    """Sleeps, or waits at a shut gate."""

    def __init__(self, wait: str) -> None:
        self._wait, self._gate = wait, Gate(1)

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Any:
        """Wait."""
        if self._wait == "gate":
            yield Acquire(self._gate)
        yield Acquire(self._gate) if self._wait == "gate" else Sleep(4)
        return (yield request)


def interrupted(function: Callable[[], Any]) -> None:
    """A function is interrupted while it waits."""
    begun, over = threading.Event(), threading.Event()

    def strike() -> None:
        if begun.wait(20) and not over.wait(0.1):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            begun.set()
            function()
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("wait", ["head", "body", "pool", "sleep", "gate"])
def test_a_signal_ends_every_wait(wait: str) -> None:
    """Whatever a thread waits for, ``KeyboardInterrupt`` comes at once, and the next call works."""
    script = stuck if wait in {"body", "pool"} else silent
    plugins = {"waits": lambda: Waiting(wait)} if wait in {"sleep", "gate"} else {}
    with fakeserver.serving(script) as server, nothing_left(server):
        layers = [{"use": name} for name in plugins]
        configuration = config(server, middleware=layers, backend={"transport": {"max_connections": 1}})
        with Client(configuration, plugins=_classes(plugins)) as client:
            if wait == "pool":
                held = client.create_chat_completion(messages=ask("a"), stream=True)
                interrupted(lambda: whole(client))
                held.close()
            elif wait == "body":
                interrupted(lambda: list(client.create_chat_completion(messages=ask("a"), stream=True)))
            else:
                interrupted(lambda: whole(client))
            assert client._driver.watchdog.live() == []
            server.script = echo
            if not plugins:
                whole(client)


def _classes(plugins: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """Classes that hand out one instance each."""

    def of(made: Any) -> type:
        @attrs.define(eq=False)
        class Handed:
            @hookimpl
            def wrap_chat_completion(self, request: Any, call: Any) -> Any:
                return (yield from made.wrap_chat_completion(request, call))

        return Handed

    return {name: of(make()) for name, make in plugins.items()}


def test_a_signal_ends_the_look_up_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver cannot be interrupted; who waits for it can."""
    let_go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(20) and [])
    try:
        with Client(settings("http://slow.example/v1")) as client:
            interrupted(lambda: whole(client))
    finally:
        let_go.set()


# Python's own socket of the handshake is known to nobody yet, so it is freed and not closed.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
def test_a_signal_ends_the_tls_handshake(tls: ssl.SSLContext, ca_file: Path) -> None:
    """Also where the other side has not begun with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        with Client(settings(url, backend={"transport": {"ca_file": str(ca_file)}})) as client:
            interrupted(lambda: whole(client))
            assert client._driver.watchdog.live() == []
