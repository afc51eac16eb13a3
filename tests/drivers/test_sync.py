"""The sync driver against real sockets: what goes well, and each way in which it does not."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    ConfigError,
    DeadlineExceededError,
    InvalidResponseError,
    PluginError,
    StreamInterruptedError,
)
from jackfield.flow import Acquire, Deliver, Effect, Flow, Read, Run, Send, Sleep
from jackfield.gate import Gate
from jackfield.http import Timeouts, Transport
from rig import Rig, fetch, first_block, get, only_head, wait_until
from server import CLOSE, HANG, RESET, Script, Serve, Server, answer, chunked, events, head, stream

SSE = {"content-type": "text/event-stream"}
OPEN_STREAM: Script = [head("200 OK", {**SSE, "transfer-encoding": "chunked"}), *chunked(b"first", end=False)]


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A driver with the usual limits."""
    rig = Rig()
    yield rig
    rig.close()


@pytest.mark.parametrize(
    "script",
    [
        [answer(b"hello")],
        [head("200 OK", {"transfer-encoding": "chunked"}), *chunked(b"he", b"llo")],
        [head("200 OK", {"connection": "close"}), b"he", 0.02, b"llo", CLOSE],
        [b"HTTP/1.0 200 OK\r\n\r\nhello", CLOSE],
        [b"HTTP/1.1 100 Continue\r\n\r\n", answer(b"hello")],
    ],
)
def test_a_body_comes_whole_however_it_is_framed(rig: Rig, serve: Serve, script: Script) -> None:
    """By length, in chunks, or to the end of the connection."""
    server = serve(script)
    assert rig.run(fetch(server.url)) == b"hello"
    assert rig.run(fetch(server.url)) == b"hello"


def test_a_request_is_sent_as_it_is(rig: Rig, serve: Serve) -> None:
    """Method, target, headers, body; and the answer has its status and headers."""
    server = serve([answer(b"{}", "201 Created", x_a="b")])

    def flow() -> Flow[Any]:
        response = yield Send(get(server.url, "/v1/x?y=%20z", b'{"a": 1}', authorization="Bearer k"))
        assert (yield Read(response)) == b"{}"
        assert (yield Read(response)) == b""
        assert (yield Read(response)) == b""
        return response

    response = rig.run(flow())
    [(request, body)] = server.requests
    assert (response.status, response.header("X-A"), body) == (201, "b", b'{"a": 1}')
    assert request.startswith(b"POST /v1/x?y=%20z HTTP/1.1\r\n")
    assert b"authorization: Bearer k\r\n" in request


def test_an_empty_body_ends_at_once(rig: Rig, serve: Serve) -> None:
    """Also where there can be none."""
    server = serve([answer(b"")], [head("204 No Content", {})], [answer(b"x")])
    assert [rig.run(fetch(server.url)) for _ in range(3)] == [b"", b"", b"x"]
    assert server.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(rig: Rig, serve: Serve, status: int) -> None:
    """The target of a redirect sees nothing, whatever the status."""
    target = serve([answer()])
    server = serve([answer(b"", f"{status} Elsewhere", location=target.url + "/x")])
    assert rig.run(only_head(server.url)) == status
    assert (target.connections, len(server.requests)) == (0, 1)


def test_connections_are_used_again(rig: Rig, serve: Serve) -> None:
    """50 calls in a row use one connection."""
    server = serve([answer(b"x" * 1000)])
    for _ in range(50):
        assert len(rig.run(fetch(server.url, body=b"{}"))) == 1000
    assert (server.connections, len(server.requests)) == (1, 50)


def test_streams_read_to_their_end_use_one_connection(rig: Rig, serve: Serve) -> None:
    """50 of them."""
    server = serve(stream(*events({"a": 1})))

    def flow() -> Flow[Any]:
        response = yield Send(get(server.url))
        blocks = []
        while block := (yield Read(response)):
            blocks.append(block)
        return b"".join(blocks)

    for _ in range(50):
        assert rig.run(flow()) == b'data: {"a": 1}\n\ndata: [DONE]\n\n'
    assert server.connections == 1


def test_what_is_here_already_is_drained(rig: Rig, serve: Serve) -> None:
    """Small bodies that nobody read cost no connection."""
    server = serve([answer(b"x" * 1000, "429 Too Many Requests")])
    for _ in range(20):
        assert rig.run(only_head(server.url)) == 429
    assert server.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        [head("500 Oh", {"content-length": "1000"}), b"x" * 10, HANG],
        [head("500 Oh", {"content-length": "1000000"}), b"x" * 200_000, HANG],
        [head("500 Oh", {"transfer-encoding": "chunked"}), *chunked(b"x", end=False), HANG],
        [head("500 Oh", {"connection": "close"}), b"x", HANG],
        [b"HTTP/1.0 500 Oh\r\n\r\n", HANG],
    ],
)
def test_what_is_not_here_is_not_waited_for(rig: Rig, serve: Serve, script: Script) -> None:
    """The connection of an unfinished answer is closed at once, so that the server sees it."""
    server = serve(script)
    start = time.monotonic()
    assert rig.run(only_head(server.url)) == 500
    assert server.gone.wait(5)
    assert time.monotonic() - start < 5
    assert rig.run(only_head(server.url)) == 500
    assert server.connections == 2


def test_a_connection_that_the_server_closed_between_calls_is_replaced(rig: Rig, serve: Serve) -> None:
    """Nothing was sent on it, so nothing is sent twice."""
    server = serve([answer(), 0.0, CLOSE])
    for count in range(1, 4):
        rig.run(fetch(server.url, body=b"{}"))
        wait_until(partial(_seen, server, count))
        time.sleep(0.02)
    assert (server.connections, len(server.requests)) == (3, 3)


@pytest.mark.parametrize("end", [RESET, CLOSE])
def test_nothing_is_sent_twice(rig: Rig, serve: Serve, end: str) -> None:
    """A connection that was used before breaks after the request: the request is not repeated, and that is told."""
    server = serve([answer()], [end])
    rig.run(fetch(server.url, body=b"{}"))
    error, _ = rig.fails(fetch(server.url, body=b"{}"))
    assert (type(error), error.code, error.stage) == (APIConnectionError, "reset", "ambiguous")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([RESET], "reset"),
        ([CLOSE], "reset"),
        ([b"HTTP/1.1 200 OK\r\ncontent-le", RESET], "reset"),
        ([b"HTTP/1.1 200 OK\r\ncontent-le", CLOSE], "reset"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n", CLOSE], "reset"),
        ([b"HTTP/1.1 200 OK\r\n", CLOSE], "reset"),
        ([b"not http at all\r\n\r\n", CLOSE], "protocol"),
        ([b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, HANG], "protocol"),
        ([b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n", HANG], "protocol"),
        ([head("200 OK", {"content-length": "10"}), b"12345", RESET], "reset"),
        ([head("200 OK", {"content-length": "10"}), b"12345", CLOSE], "protocol"),
        ([head("200 OK", {"transfer-encoding": "chunked"}), b"5\r\n123", CLOSE], "protocol"),
        ([head("200 OK", {"transfer-encoding": "chunked"}), b"zz\r\n123", CLOSE], "protocol"),
        ([head("200 OK", {"transfer-encoding": "chunked"}), *chunked(b"abc", end=False), CLOSE], "protocol"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc", CLOSE], "protocol"),
    ],
)
def test_a_broken_exchange_is_ambiguous(rig: Rig, serve: Serve, script: Script, code: str) -> None:
    """Whatever breaks after the request was sent: one class, and no object of another library in it."""
    server = serve(script)
    error, _ = rig.fails(fetch(server.url, body=b"{}"))
    assert (type(error), error.code, error.stage) == (APIConnectionError, code, "ambiguous")
    assert error.__cause__ is None
    assert len(server.requests) == 1


def test_an_answer_beyond_the_limit_is_refused(serve: Serve) -> None:
    """However it comes; the connection is closed."""
    rig = Rig(transport=Transport(proxy="", max_response_bytes=100_000))
    server = serve([head("200 OK", {"transfer-encoding": "chunked"}), *chunked(*[b"x" * 60_000] * 2, end=False), HANG])
    error, _ = rig.fails(fetch(server.url))
    assert type(error) is InvalidResponseError
    assert server.gone.wait(5)
    rig.close()


def test_a_block_without_content_is_not_given(rig: Rig, serve: Serve) -> None:
    """``b""`` means the end only: the head of a compressed body alone is no block."""
    import gzip

    body = gzip.compress(b"hello")
    server = serve(
        [head("200 OK", {"content-encoding": "gzip", "content-length": str(len(body))}), body[:10], 0.1, body[10:]]
    )

    def flow() -> Flow[Any]:
        response = yield Send(get(server.url))
        return [(yield Read(response)), (yield Read(response))]

    assert rig.run(flow()) == [b"hello", b""]


def test_a_header_that_cannot_be_sent_is_refused_before_anything_is_sent(rig: Rig, serve: Serve) -> None:
    """The error does not show the key, and the server sees no connection."""
    server = serve([answer()])
    with pytest.raises(ConfigError) as caught:
        rig.run(fetch(server.url, authorization="Bearer sk-with-a-line-end\n"))
    assert "sk-with" not in repr(caught.value)
    assert server.connections == 0


def test_sleeping_takes_as_long_as_told(rig: Rig) -> None:
    """And where it would end after the deadline it fails at once."""

    def flow(seconds: float) -> Flow[None]:
        yield Sleep(seconds)

    start = time.monotonic()
    rig.run(flow(0.1))
    assert time.monotonic() - start >= 0.1
    rig.run(flow(0))
    rig.run(flow(-1))
    error, took = rig.fails(flow(30), timeout=20)
    assert type(error) is DeadlineExceededError
    assert took < 5


def test_a_function_is_called_in_place(rig: Rig) -> None:
    """Its result comes back, its exception is thrown in; StopIteration is a fault of the plugin."""

    def flow() -> Flow[Any]:
        found = yield Run(lambda a, b: (a + b, threading.get_ident()), 1, 2)
        with pytest.raises(KeyError):
            yield Run({}.__getitem__, "x")
        with pytest.raises(PluginError, match="StopIteration"):
            yield Run(next, iter(()))
        return found

    assert rig.run(flow()) == (3, threading.get_ident())


def test_the_deadline_is_checked_around_a_function(rig: Rig) -> None:
    """A function is not interrupted, but what comes after it does not happen."""

    def flow() -> Flow[None]:
        yield Run(time.sleep, 0.1)

    assert type(rig.fails(flow(), timeout=0.05)[0]) is DeadlineExceededError


def test_an_effect_that_no_driver_knows_is_a_fault_of_the_plugin(rig: Rig) -> None:
    """A plugin cannot invent one."""

    class Dance(Effect):
        pass

    def flow() -> Flow[None]:
        yield Dance()

    with pytest.raises(PluginError, match="Dance"):
        rig.run(flow())


def test_chunks_go_to_who_drives(rig: Rig) -> None:
    """``advance`` comes back with what is delivered."""
    live = rig.live()
    deliver = Deliver([])
    assert rig.driver.advance(live, deliver) is deliver


def test_an_interrupt_takes_the_call_down(rig: Rig) -> None:
    """KeyboardInterrupt reaches the host unchanged, and the layers as a cancellation."""
    seen: list[BaseException] = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    def flow() -> Flow[None]:
        try:
            yield Run(interrupt)
        except BaseException as error:
            seen.append(error)
            raise

    with pytest.raises(KeyboardInterrupt):
        rig.run(flow())
    assert type(seen[0]).__name__ == "CallCancelled"


# -- gates -------------------------------------------------------------------------------------------------------


def holding(gate: Gate, inside: threading.Event, leave: threading.Event) -> Flow[str]:
    """A flow that stays in a gate until told to leave."""
    yield Acquire(gate)
    try:
        inside.set()
        yield Run(leave.wait, 10)
        return "left"
    finally:
        gate.release()


def test_a_gate_lets_so_many_through(rig: Rig) -> None:
    """The next one enters when the first one leaves."""
    gate, first, second, leave = Gate(1), threading.Event(), threading.Event(), threading.Event()
    _, wait_first = rig.in_thread(holding(gate, first, leave))
    assert first.wait(5)
    _, wait_second = rig.in_thread(holding(gate, second, leave))
    assert not second.wait(0.1)
    leave.set()
    assert second.wait(5)
    assert (wait_first(), wait_second()) == ("left", "left")
    gate.line_up(print)


def test_the_wait_for_a_gate_ends_with_the_deadline(rig: Rig) -> None:
    """And the place in the line is given up."""
    gate = Gate(1)
    gate.line_up(print)
    event = threading.Event()
    error, took = rig.fails(holding(gate, event, event), timeout=0.3)
    assert type(error) is DeadlineExceededError
    assert took < 5
    gate.release()
    assert gate.line_up(print).granted


# -- closing from elsewhere ------------------------------------------------------------------------------------------


def sleeping() -> Flow[None]:
    """A flow that sleeps for long."""
    yield Sleep(15)


def at_a_gate() -> Flow[None]:
    """A flow before a gate that is full."""
    gate = Gate(1)
    gate.line_up(print)
    yield Acquire(gate)


@pytest.mark.parametrize("what", ["head", "body", "closing body", "sleep", "gate", "function"])
def test_closing_from_another_thread_ends_every_wait(rig: Rig, serve: Serve, what: str) -> None:
    """The call ends soon with what the closer said, and the server sees its connection go."""
    scripts: dict[str, Script] = {
        "head": [HANG],
        "body": [*OPEN_STREAM, HANG],
        "closing body": [b"HTTP/1.0 200 OK\r\n\r\nx", HANG],
    }
    server = serve(scripts.get(what, [answer()]))
    flows: dict[str, Flow[Any]] = {"sleep": sleeping(), "gate": at_a_gate()}
    started, go_on = threading.Event(), threading.Event()

    def running() -> Flow[None]:
        started.set()
        yield Run(go_on.wait, 15)

    flow = running() if what == "function" else flows.get(what) or fetch(server.url)
    live, wait = rig.in_thread(flow)
    if what == "function":
        assert started.wait(5)
    elif what in scripts:
        wait_until(lambda: server.requests)
    time.sleep(0.05)
    start = time.monotonic()
    live.closing = StreamInterruptedError("closed by the host")
    live.interrupt()
    go_on.set()
    assert wait() is live.closing
    assert time.monotonic() - start < 10
    if what in scripts:
        assert server.gone.wait(10)


def test_a_call_closed_before_it_waits_does_not_wait(rig: Rig, serve: Serve) -> None:
    """Whoever closes it may be earlier than the wait."""
    server = serve([HANG])
    for flow in (fetch(server.url), sleeping(), at_a_gate()):
        live = rig.live()
        live.closing = StreamInterruptedError("closed by the host")
        with pytest.raises(StreamInterruptedError):
            rig.run(flow, live=live)
    assert server.connections == 0


def test_a_call_closed_just_before_it_waits_is_cut_by_the_watchdog(rig: Rig, serve: Serve) -> None:
    """The mark alone is enough, also where the cut came too early to meet anything."""
    server = serve([HANG])
    live, wait = rig.in_thread(fetch(server.url))
    wait_until(lambda: server.requests)
    live.closing = StreamInterruptedError("closed by the host")  # and no interrupt
    assert wait() is live.closing


def test_the_end_of_a_connection_that_was_cut_is_no_end(rig: Rig, serve: Serve) -> None:
    """A cut that came too late for one wait must not make the next one's answer look whole."""
    server = serve([b"HTTP/1.0 200 OK\r\n\r\nfirst", HANG])
    live = rig.live()

    def flow() -> Flow[bytes]:
        response = yield Send(get(server.url))
        first = yield Read(response)
        yield Run(live.interrupt)
        rest = yield Read(response, whole=True)
        return first + rest

    with pytest.raises(APIConnectionError) as caught:
        rig.run(flow(), live=live)
    assert (caught.value.code, caught.value.stage) == ("reset", "ambiguous")


# -- many calls ----------------------------------------------------------------------------------------------------------


def test_a_call_waits_for_a_free_connection(serve: Serve) -> None:
    """With one connection two calls are one after the other, and both succeed."""
    rig = Rig(transport=Transport(proxy="", max_connections=1))
    server = serve([0.4, answer(b"one")])
    waits = [rig.in_thread(fetch(server.url))[1] for _ in range(3)]
    assert [wait() for wait in waits] == [b"one"] * 3
    assert server.connections == 1
    rig.close()


def test_the_wait_for_a_connection_has_a_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own, or the deadline; nothing was sent. The connection is not lost by it."""
    rig = Rig(transport=Transport(proxy="", max_connections=1))
    server = serve([HANG])
    live, wait = rig.in_thread(fetch(server.url))
    wait_until(lambda: server.requests)
    error, _ = rig.fails(fetch(server.url), timeout=0.4)
    assert type(error) is DeadlineExceededError
    monkeypatch.setattr("jackfield.drivers.sync.POOL_WAIT", 0.3)
    error, _ = rig.fails(fetch(server.url))
    assert (type(error), error.code, error.stage) == (APITimeoutError, "pool", "not_sent")
    closed, wait_closed = rig.in_thread(fetch(server.url))
    closed.closing = StreamInterruptedError("closed by the host")
    assert wait_closed() is closed.closing
    live.closing = StreamInterruptedError("closed by the host")
    live.interrupt()
    assert wait() is live.closing
    assert len(server.requests) == 1
    rig.close()


def test_many_threads_share_one_pool(rig: Rig, serve: Serve) -> None:
    """All of them begin at once; one pool is made."""
    server = serve([answer(b"x")])
    waits = [rig.in_thread(fetch(server.url))[1] for _ in range(16)]
    assert [wait() for wait in waits] == [b"x"] * 16
    assert len(rig.driver._pools) == 1


def test_a_cut_never_hits_the_next_call_on_the_connection(serve: Serve) -> None:
    """Calls end just as their limit passes; not one of the others on the same connections fails."""
    rig = Rig(transport=Transport(proxy="", max_connections=4))
    server = serve([0.06, answer(b"slow")])
    quick = serve([answer(b"ok")])
    failures: list[Any] = []

    def mixed() -> None:
        for turn in range(15):
            try:
                rig.run(fetch(server.url), timeout=0.05 + 0.005 * (turn % 5))
            except DeadlineExceededError:
                pass
            except BaseException as error:
                failures.append(error)
            try:
                assert rig.run(fetch(server.url)) == b"slow"
                assert rig.run(fetch(quick.url)) == b"ok"
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=mixed, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    rig.close()


def _seen(server: Server, count: int) -> bool:
    return len(server.requests) == count


def _quiet(server: Server) -> bool:
    return not server._open


def open_files() -> int:
    """How many descriptors this process has open."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_failures_leak_no_descriptor(serve: Serve) -> None:
    """200 failures of every kind, and the driver closed: as many open files as before."""
    servers = [
        serve([RESET]),
        serve([CLOSE]),
        serve([HANG]),
        serve([answer(b"", "500 Oh")]),
        serve([head("500 Oh", {"content-length": "1000"}), HANG]),
        serve([*OPEN_STREAM, HANG]),
        serve([b"HTTP/1.0 200 OK\r\n\r\nx", HANG]),
        serve([b"garbage\r\n\r\n", HANG]),
    ]
    urls = [server.url for server in servers] + ["http://127.0.0.1:1", "http://nowhere.invalid"]
    rig = Rig(timeouts=Timeouts(first_byte=0.05, idle=0.05))
    before = open_files()
    for turn in range(200):
        flow = (first_block, only_head, fetch)[turn % 3](urls[turn // 3 % len(urls)])
        with contextlib.suppress(APIError):
            rig.run(flow, timeout=1)
    rig.close()
    for server in servers:
        wait_until(partial(_quiet, server))
    wait_until(lambda: open_files() <= before)
