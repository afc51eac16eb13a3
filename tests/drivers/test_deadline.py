"""No call outlives its deadline by more than 0.25 s, whatever the server drips or keeps to itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import APITimeoutError, DeadlineExceededError
from jackfield.http import Timeouts, Transport
from rig import Rig, fetch
from server import HANG, Script, Serve, answer, chunked, drip, head

OVERRUN = 0.25
DEADLINE = 0.6
DRIPPING_HEAD: Script = drip(answer(b"x" * 10, x_long="y" * 2000))
DRIPPING_BODY: Script = [head("200 OK", {"content-length": "1000"}), *drip(b"x" * 1000)]
DRIPPING_CHUNKS: Script = [head("200 OK", {"transfer-encoding": "chunked"}), *drip(b"".join(chunked(*[b"x"] * 300)))]
DRIPPING_TO_THE_END: Script = [b"HTTP/1.0 200 OK\r\n\r\n", *drip(b"x" * 1000)]
STALLED_BODY: Script = [head("200 OK", {"content-length": "1000"}), b"x", HANG]
DRIPS = {
    "head": DRIPPING_HEAD,
    "body": DRIPPING_BODY,
    "chunks": DRIPPING_CHUNKS,
    "to the end": DRIPPING_TO_THE_END,
    "stalled": STALLED_BODY,
    "stalled to the end": [b"HTTP/1.0 200 OK\r\n\r\nx", HANG],
    "silent": [HANG],
}


def in_time(attempt: Callable[[], tuple[Any, float]]) -> Any:
    """The error of an attempt that ended within the deadline and its overrun; a busy machine may spoil four."""
    for _ in range(5):
        error, took = attempt()
        if took <= DEADLINE + OVERRUN:
            break
    assert took <= DEADLINE + OVERRUN
    assert took >= DEADLINE - 0.05
    return error


@pytest.fixture
def full() -> Iterator[str]:
    """The URL of a port where no connection is taken up and none refused: its backlog is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(3):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    time.sleep(0.05)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    for sock in [*waiting, listener]:
        sock.close()


@pytest.mark.parametrize("what", DRIPS)
@pytest.mark.parametrize("secure", [False, True])
def test_the_deadline_holds(serve: Serve, tls: Any, ca_file: Path, what: str, secure: bool) -> None:
    """In clear and over TLS, however the body is framed."""
    rig = Rig(transport=Transport(proxy="", ca_file=str(ca_file)))
    server = serve(DRIPS[what], tls=tls if secure else None)
    error = in_time(lambda: rig.fails(fetch(server.url), timeout=DEADLINE))
    assert type(error) is DeadlineExceededError
    rig.close()


@pytest.mark.parametrize(
    ("what", "limit"),
    [("head", "first_byte"), ("silent", "first_byte"), ("stalled", "idle"), ("stalled to the end", "idle")],
)
def test_the_limits_hold(serve: Serve, what: str, limit: str) -> None:
    """A dripping head is no answer; a body may drip, but not stall."""
    rig = Rig(timeouts=Timeouts(**{limit: DEADLINE}))
    server = serve(DRIPS[what])
    error = in_time(lambda: rig.fails(fetch(server.url)))
    assert (type(error), error.code, error.stage) == (APITimeoutError, limit, "ambiguous")
    assert f"within {DEADLINE} s" in error.message
    rig.close()


def test_connecting_has_a_limit(full: str) -> None:
    """Nothing was sent, and that is told."""
    rig = Rig(timeouts=Timeouts(connect=DEADLINE))
    error = in_time(lambda: rig.fails(fetch(full)))
    assert (type(error), error.code, error.stage) == (APITimeoutError, "connect", "not_sent")
    rig.close()


def test_connecting_ends_with_the_deadline(full: str) -> None:
    """And when the call is closed from another thread."""
    rig = Rig()
    error = in_time(lambda: rig.fails(fetch(full), timeout=DEADLINE))
    assert type(error) is DeadlineExceededError
    live, wait = rig.in_thread(fetch(full))
    time.sleep(0.1)
    start = time.monotonic()
    live.closing = DeadlineExceededError("closed")
    live.interrupt()
    assert wait() is live.closing
    assert time.monotonic() - start < 4  # connecting has five seconds
    rig.close()


def test_a_handshake_that_never_comes_has_the_limit_of_connecting(serve: Serve, ca_file: Path) -> None:
    """A server that takes the connection and says nothing."""
    rig = Rig(timeouts=Timeouts(connect=DEADLINE), transport=Transport(proxy="", ca_file=str(ca_file)))
    server = serve([answer()], opening=[HANG])
    error = in_time(lambda: rig.fails(fetch(server.url.replace("http:", "https:"))))
    assert (type(error), error.code, error.stage) == (APITimeoutError, "connect", "not_sent")
    rig.close()


def test_a_slow_resolver_does_not_hold_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Getaddrinfo cannot be interrupted, so it is left behind; closing the call ends the wait too."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(3))
    rig = Rig(timeouts=Timeouts(connect=DEADLINE))
    error = in_time(lambda: rig.fails(fetch("http://slow.example")))
    assert (type(error), error.code, error.stage) == (APITimeoutError, "connect", "not_sent")
    live, wait = rig.in_thread(fetch("http://slow.example"))
    live.closing = DeadlineExceededError("closed")
    live.interrupt()
    assert wait() is live.closing
    rig.close()
