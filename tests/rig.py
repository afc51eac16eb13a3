"""Drives single flows with the sync driver, as a client does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from jackfield.call import Attempt, Call
from jackfield.drivers.live import Live
from jackfield.drivers.sync import SyncDriver
from jackfield.engine import Engine
from jackfield.errors import CallError
from jackfield.flow import Flow, Read, Send
from jackfield.http import Backend, HttpRequest, HttpResponse, Timeouts, Transport
from jackfield.plan import Plan

PLAN = Plan(chat=(), chunk=(), route=lambda name: (_ for _ in ()).throw(LookupError(name)), routes={})


class Rig:
    """A driver, and the limits and the transport of the backend that its calls are at."""

    def __init__(self, *, timeouts: Timeouts | None = None, transport: Transport | None = None) -> None:
        self.driver = SyncDriver()
        self.backend = Backend("b", "p", timeouts=timeouts or Timeouts(), transport=transport or Transport(proxy=""))

    def live(self, timeout: float = 20.0) -> Live:
        """A call in hand."""
        call = Call(clock=time.monotonic, model="m", timeout=timeout)
        call.attempts.append(Attempt(number=1, backend=self.backend, model="m"))
        return Live(Engine(PLAN, call))

    def run(self, flow: Flow[Any], timeout: float = 20.0, live: Live | None = None) -> Any:
        """The result of a flow, or what it raised."""
        live = live or self.live(timeout)
        self.driver.watchdog.add(live)
        try:
            assert self.driver.advance(live, live.engine.begin_flow(flow)) is None
        finally:
            self.driver.watchdog.discard(live)
        return live.engine.result()

    def fails(self, flow: Flow[Any], timeout: float = 20.0) -> tuple[Any, float]:
        """The error that a flow raises, and how many seconds it took."""
        start = time.monotonic()
        try:
            result = self.run(flow, timeout)
        except CallError as error:
            return error, time.monotonic() - start
        raise AssertionError(f"the flow returned {result!r}")

    def in_thread(self, flow: Flow[Any], timeout: float = 20.0) -> tuple[Live, Callable[[], Any]]:
        """Drive a flow in another thread: the call, and a function that waits for what came of it."""
        live = self.live(timeout)
        outcome: list[Any] = []

        def drive() -> None:
            try:
                outcome.append(self.run(flow, live=live))
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=drive, daemon=True)
        thread.start()

        def wait() -> Any:
            thread.join(20)
            return outcome[0]

        return live, wait

    def close(self) -> None:
        """Close the driver."""
        self.driver.close()


def get(url: str, path: str = "/", body: bytes = b"", **headers: str) -> HttpRequest:
    """A request."""
    return HttpRequest("POST" if body else "GET", url + path, headers, body)


def fetch(url: str, path: str = "/", body: bytes = b"", **headers: str) -> Generator[Any, Any, bytes]:
    """A flow: the whole body of an answer."""
    response: HttpResponse = yield Send(get(url, path, body, **headers))
    whole: bytes = yield Read(response, whole=True)
    return whole


def first_block(url: str) -> Generator[Any, Any, bytes]:
    """A flow that leaves the rest of the answer unread."""
    response: HttpResponse = yield Send(get(url))
    block: bytes = yield Read(response)
    return block


def only_head(url: str) -> Generator[Any, Any, int]:
    """A flow that leaves the body unread."""
    response: HttpResponse = yield Send(get(url))
    return response.status


def wait_until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something is so; fail where it is not in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.005)
