"""What is the synchronous client's own: threads, interrupts, forks, garbage."""

from __future__ import annotations

import contextvars
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

import fakeserver
import jackfield
from both import ASK, Sync, config, recorders, said
from fakeserver import EVENTS, Server, answer, event, in_pieces
from jackfield import hookimpl


@pytest.fixture
def server() -> Iterator[Server]:
    with fakeserver.serving(answer) as server:
        yield server


@pytest.fixture
def client(server):
    with jackfield.Client(config(server)) as client:
        yield client


def until(condition: Any, seconds: float = 5.0) -> bool:
    """Whether the condition comes true within the time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(condition())


def test_a_stream_is_a_context_manager_and_an_iterator(client):
    """``with`` closes the stream, ``for`` reads it."""
    with client.create_chat_completion(messages=ASK, stream=True) as stream:
        assert "".join(said(chunk) for chunk in stream) == "abc"


def test_a_stream_is_sent_when_it_is_made(client, server):
    """So errors happen there, before anything is read."""
    stream = client.create_chat_completion(messages=ASK, stream=True)
    assert len(server.exchanges) == 1
    stream.close()
    server.script = lambda exchange: exchange.send(fakeserver.reply({"error": "no"}, "403 No"))
    with pytest.raises(jackfield.PermissionDeniedError):
        client.create_chat_completion(messages=ASK, stream=True)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_interrupt_of_the_host_is_raised_to_it_and_ends_the_call(server, stream):
    """``KeyboardInterrupt`` comes out unchanged; each layer sees the call cancelled; the server, its connection gone."""
    outer, inner, around, within = recorders()
    layers = {"middleware": [{"use": "outer"}], "backend": {"middleware": [{"use": "inner"}]}}
    server.script, seen = fakeserver.stuck_after(event("a"))
    sync = Sync(config(server, **layers), {"outer": outer, "inner": inner})
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        if stream:
            handle = sync.stream()
            handle.next()
            handle.next()
        else:
            sync.call()
    timer.join()
    assert around.outcomes == within.outcomes == ["CallCancelled"]
    assert sync.live() == 0
    assert until(lambda: bool(seen))
    server.script = answer
    assert sync.call().choices
    sync.close()


def test_an_interrupt_while_a_whole_stream_is_closed_is_raised(server):
    """The host's interrupt is not swallowed by what ``close`` still waits for."""
    server.script, _ = fakeserver.stuck_after(event("a") + event(finish="stop"))
    with jackfield.Client(config(server)) as client:
        stream = client.create_chat_completion(messages=ASK, stream=True)
        next(stream)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            stream.close()
        timer.join()
        with pytest.raises(KeyboardInterrupt):
            _ = stream.response


def test_a_layer_may_close_the_clients_stream_from_within(server):
    """Closing the call that one is in only marks it: it is unwound where it is driven."""

    @attrs.define(eq=False)
    class Closer:
        @hookimpl
        def on_chunk(self, chunk):
            if streams and said(chunk) == "b":
                streams[0].close()

    streams: list[Any] = []
    server.script = in_pieces(EVENTS, 0.05)
    plugins = {"closer": Closer}
    with jackfield.Client(config(server, middleware=[{"use": "closer"}]), plugins=plugins) as client:
        streams.append(client.create_chat_completion(messages=ASK, stream=True))
        with pytest.raises(jackfield.StreamInterruptedError, match="closed by the host"):
            list(streams[0])


def test_context_variables_of_layers_stay_in_the_call(server):
    """What a layer sets is there in its next step, and never in the host, between chunks neither."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []

    @attrs.define(eq=False)
    class Sets:
        @hookimpl
        def wrap_chat_completion(self, request, call):
            seen.append(variable.get())
            variable.set("layer")
            response = yield request
            seen.append(variable.get())
            return response

        @hookimpl
        def on_chunk(self, chunk):
            seen.append(variable.get())

    variable.set("host")
    with jackfield.Client(config(server, middleware=[{"use": "sets"}]), plugins={"sets": Sets}) as client:
        for _ in client.create_chat_completion(messages=ASK, stream=True):
            assert variable.get() == "host"
    assert seen[0] == "host"
    assert set(seen[1:]) == {"layer"}


def test_a_dropped_client_leaves_no_thread_but_its_streams_go_on(server):
    """A stream outlives the client it was made with; the watchdog ends after it."""
    before = set(threading.enumerate())
    server.script = in_pieces(EVENTS, 0.05)
    stream = jackfield.Client(config(server)).create_chat_completion(messages=ASK, stream=True)
    gc.collect()
    assert "".join(said(chunk) for chunk in stream) == "abc"

    def ended() -> bool:
        own = set(threading.enumerate()) - before
        return not any(thread.name == "jackfield-watchdog" for thread in own)

    assert until(ended)


def test_a_client_that_could_not_be_made_is_dropped_quietly():
    """A faulty configuration leaves nothing that could fail later."""
    with pytest.raises(jackfield.ConfigError):
        jackfield.Client({"backends": {"x": {}}})
    gc.collect()


def test_a_call_that_meets_a_closing_client_is_refused(server, monkeypatch):
    """Between the check and the start another thread may have closed the client."""
    client = jackfield.Client(config(server))
    begin = client._session.engine

    def late(*args: Any, **options: Any) -> Any:
        made = begin(*args, **options)
        client.close()
        return made

    monkeypatch.setattr(client._session, "engine", late)
    with pytest.raises(jackfield.ClientClosedError):
        client.create_chat_completion(messages=ASK)
    assert not server.exchanges


def test_the_host_may_close_while_another_thread_is_interrupted(client, server):
    """Two threads that close one stream at once do no harm."""
    server.script, _ = fakeserver.stuck_after(event("a"))
    stream = client.create_chat_completion(messages=ASK, stream=True)
    threads = [threading.Thread(target=stream.close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(jackfield.StreamInterruptedError):
        next(stream)


FORK = """
    import os, sys
    import jackfield

    config = {"backends": {"main": {"provider": "openai", "base_url": sys.argv[1]}}}
    ask = {"messages": [{"role": "user", "content": "hello"}], "model": "main/m"}
    client = jackfield.Client(config)
    stream = client.create_chat_completion(**ask, stream=True)
    first = next(stream)
    client.create_chat_completion(**ask)
    child = os.fork()
    if child == 0:
        try:
            assert client.create_chat_completion(**ask).choices[0].message.content == "hello"
            with client.create_chat_completion(**ask, stream=True) as own:
                assert len(list(own)) == 4
            client.close()
        except BaseException as error:
            print(f"child: {error!r}", flush=True)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(list(stream)) == 3
    client.create_chat_completion(**ask)
    client.close()
    print("fine")
"""


def test_a_client_can_be_used_after_a_fork(server):
    """The child connects anew; the parent's connections, its stream too, are unharmed."""

    def script(exchange: Any) -> None:
        if exchange.json.get("stream"):
            in_pieces(EVENTS, 0.1)(exchange)
        else:
            answer(exchange)

    server.script = script
    program = [sys.executable, "-W", "error", "-c", textwrap.dedent(FORK), server.url]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("fine\n", "")
    assert server.accepted == 3  # two of the parent, one of the child


def test_a_client_of_another_process_connects_anew(client, server):
    """As in a child after a fork: the driver is its own."""
    client.create_chat_completion(messages=ASK)
    old = client._driver
    old.process = 0
    client.create_chat_completion(messages=ASK)
    assert client._driver is not old
    assert server.accepted == 2
    old.close()


def test_an_interrupt_comes_out_though_the_client_is_closed_meanwhile():
    """Ctrl-C is the host's, whoever closed what."""

    @attrs.define(eq=False)
    class Interrupted:
        @jackfield.hookimpl
        def wrap_chat_completion(self, request, call):
            yield jackfield.Run(interrupt)
            return (yield request)

    def interrupt():
        closing = threading.Thread(target=client.close)
        closing.start()
        while next(iter(client._driver.watchdog.live())).closing is None:
            pass
        raise KeyboardInterrupt

    config = {"backends": {"echo": {"provider": "echo"}}, "middleware": [{"use": "interrupted"}]}
    client = jackfield.Client(config, plugins={"interrupted": Interrupted})
    with pytest.raises(KeyboardInterrupt):
        client.create_chat_completion(messages=[{"role": "user", "content": "x"}], model="echo/x")


def test_a_call_may_close_its_own_client():
    """Closing waits for the call a moment, and not for ever: it is the call that closes."""

    @attrs.define(eq=False)
    class Closing:
        @jackfield.hookimpl
        def wrap_chat_completion(self, request, call):
            yield jackfield.Run(client.close)
            return (yield request)

    config = {"backends": {"echo": {"provider": "echo"}}, "middleware": [{"use": "closing"}]}
    client = jackfield.Client(config, plugins={"closing": Closing})
    with pytest.raises(jackfield.ClientClosedError):
        client.create_chat_completion(messages=[{"role": "user", "content": "x"}], model="echo/x")
