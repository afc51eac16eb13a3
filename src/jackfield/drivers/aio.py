"""The asynchronous driver: aiohttp, one task a call."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp

from jackfield.drivers.connector import AsyncBody, Channel, Connector
from jackfield.drivers.failure import transport_error
from jackfield.drivers.heritage import bequeath
from jackfield.drivers.live import POOL_WAIT, Live
from jackfield.drivers.watchdog import TICK
from jackfield.errors import (
    APIConnectionError,
    APIError,
    CallError,
    ClientClosedError,
    ConfigError,
    DeadlineExceededError,
    PluginError,
)
from jackfield.flow import Acquire, Deliver, Effect, Read, Run, Send, Sleep
from jackfield.headers import check_headers
from jackfield.http import HttpResponse, Origin, Transport

WORKERS = 64
"""Threads for ``Run`` effects; asyncio's own pool is shared with the host and small."""
FAILURES = (aiohttp.ClientError, OSError, ValueError, RuntimeError)
"""What aiohttp raises; ``RuntimeError`` for a connection that was closed meanwhile."""


class AsyncDriver:
    """Drives calls in the tasks of one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.process = os.getpid()
        self.live: dict[int, Live] = {}
        self._connectors: dict[tuple[Transport, bool], Connector] = {}
        self._channels: dict[tuple[Origin, Transport], Channel] = {}
        self._workers: ThreadPoolExecutor | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._last_will = self._until_shutdown()
        with contextlib.suppress(StopIteration):  # it stands at its yield, and the loop knows of it
            self._last_will.__anext__().send(None)
        self._perform: dict[type[Effect], Callable[[Any, Live], Coroutine[Any, Any, Any]]] = {
            Send: self._send,
            Read: self._read,
            Sleep: self._sleep,
            Run: self._run,
            Acquire: self._acquire,
        }
        bequeath(self)

    async def advance(self, live: Live, effect: Effect | None) -> Deliver | None:
        """Drive a call on from ``effect`` until it delivers chunks, or ends: then None.

        What takes the call down (``CancelledError``, say) is raised by the engine's ``result``.
        """
        engine = live.engine
        while effect is not None:
            if type(effect) is Deliver:
                return effect
            try:
                value = await self._perform[type(effect)](effect, live)
            except BaseException as error:  # noqa: BLE001 - the engine deals with every failure
                if live.closing is not None and isinstance(error, Exception):
                    engine.cancel(live.closing)
                    return None
                effect = engine.fail(error)
            else:
                effect = engine.step(value)
        return None

    def here(self) -> bool:
        """Whether this is the process, and the event loop, whose calls it drives."""
        return self.process == os.getpid() and self.loop is asyncio.get_running_loop()

    def add(self, live: Live) -> None:
        """Watch a call until it is discarded."""
        self.live[id(live)] = live
        if self._tick is None:
            self._tick = self.loop.call_later(TICK, self._scan)

    def discard(self, live: Live) -> None:
        """Watch it no more."""
        self.live.pop(id(live), None)

    def take_down(self) -> None:
        """End all calls."""
        for live in list(self.live.values()):
            self.end(live, _closed())

    def end(self, live: Live, error: CallError | None) -> None:
        """End a call: one that a task drives when that runs again, another at once."""
        if live.guard.acquire(blocking=False):
            live.engine.end(error)
            self.discard(live)
            live.guard.release()
        else:
            live.closing = error
            with contextlib.suppress(RuntimeError):  # its loop is closed
                live.interrupt()

    def retire(self) -> None:
        """End all calls and close all connections: for its own loop to do, where the client is closed on another."""
        self.take_down()
        self._end_workers()
        self._retiring = self.loop.create_task(_close(list(self._connectors.values())))

    async def close(self) -> None:
        """Close all connections and end the worker threads."""
        await self._last_will.aclose()

    def abandon(self) -> None:
        """Let go of a loop that was closed without being shut down: nothing can be awaited on it any more."""
        self.take_down()
        self._end_workers()
        self._connectors.clear()

    async def _until_shutdown(self) -> AsyncGenerator[None, None]:
        """Ends with ``close``, or when the loop shuts down its asynchronous generators, as ``asyncio.run`` tells it."""
        try:
            yield
        finally:
            self.take_down()
            if self._tick is not None:
                self._tick.cancel()
            self._end_workers()
            await _close(list(self._connectors.values()))

    def _end_workers(self) -> None:
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)

    def _scan(self) -> None:
        now = time.monotonic()
        for live in list(self.live.values()):
            late = now >= live.until
            if (late or live.closing is not None) and live.cut is not None:
                live.expired = live.expired or late
                live.cut()
        self._tick = self.loop.call_later(TICK, self._scan) if self.live else None

    # -- effects -------------------------------------------------------------------------------------------------

    async def _send(self, effect: Send, live: Live) -> HttpResponse:
        request = effect.request
        check_headers(request.headers)
        try:
            channel = self._channel(request.origin, live.transport)
        except ConfigError as error:
            raise live.placed(error) from None
        live.sent = False
        live.wait("pool", POOL_WAIT)
        try:
            return await channel.exchange(request, live)
        except TimeoutError:
            failure: Exception = live.over() or live.timeout()
        except FAILURES as error:
            failure = live.over() or _failure(error, request.origin, sent=live.sent)
        finally:
            live.cut = None
            live.rest()
        raise failure  # outside of the handlers: what it came of holds the headers

    def _read(self, effect: Read, live: Live) -> Coroutine[Any, Any, bytes]:
        return self._whole(effect, live) if effect.whole else self._block(effect, live)

    async def _whole(self, effect: Read, live: Live) -> bytes:
        blocks = []
        while block := await self._block(effect, live):
            blocks.append(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    async def _block(self, effect: Read, live: Live) -> bytes:
        response, limit = effect.response, live.transport.max_response_bytes
        body: AsyncBody = response.body  # type: ignore[assignment]  # this driver's own
        if body.held:
            live.wait("idle", live.timeouts.idle if effect.within is None else effect.within)
        try:
            while body.held:
                block = await body.read()
                failure = live.over()  # whatever came, the connection may be cut by now
                if failure is not None:
                    break
                decoded = response.decode(block, limit) if block else b""
                if decoded:
                    return decoded
            else:
                return response.decode(b"", limit)
        except FAILURES as error:
            failure = live.over() or _failure(error, response.request.origin, sent=True)
        finally:
            live.rest()
        raise failure

    async def _sleep(self, effect: Sleep, live: Live) -> None:
        if effect.seconds > live.engine.call.time_left:
            raise DeadlineExceededError
        await self._wait(self.loop.create_future(), effect.seconds, live)

    async def _acquire(self, effect: Acquire, live: Live) -> None:
        entered: asyncio.Future[None] = self.loop.create_future()

        def notify() -> None:
            self.loop.call_soon_threadsafe(_resolve, entered)

        ticket = effect.gate.line_up(notify)
        try:
            if not ticket.granted:
                await self._wait(entered, live.engine.call.time_left, live)
        except BaseException:
            effect.gate.leave(ticket)
            raise
        if not ticket.granted:
            effect.gate.leave(ticket)
            raise DeadlineExceededError

    async def _wait(self, event: asyncio.Future[None], seconds: float, live: Live) -> None:
        """Let time pass until the event; closing the call from elsewhere ends it."""
        live.cut = lambda: _resolve(event)
        try:
            await asyncio.wait([event], timeout=None if seconds == float("inf") else max(seconds, 0.0))
        finally:
            live.cut = None
        if live.closing is not None:
            raise live.closing

    async def _run(self, effect: Run, live: Live) -> Any:
        live.check()
        if self._workers is None:
            self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="jackfield")
        context = live.engine.context.copy()
        outcome = await self.loop.run_in_executor(self._workers, context.run, _guarded, effect)
        live.check()
        return outcome.value

    # -- connections ---------------------------------------------------------------------------------------------

    def _channel(self, origin: Origin, transport: Transport) -> Channel:
        try:
            return self._channels[origin, transport]
        except KeyError:
            channel = self._channels[origin, transport] = Channel(origin, transport, self._connectors)
            return channel


async def _close(connectors: list[Connector]) -> None:
    """Close all of them, also where the task is cancelled meanwhile."""
    if connectors:
        try:
            await connectors[0].close()
        finally:
            await _close(connectors[1:])


def _failure(error: Exception, origin: Origin, *, sent: bool) -> APIError:
    """The error for one of aiohttp's."""
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        words = f"HTTP {error.status}" if isinstance(error, aiohttp.ClientHttpProxyError) else "no connection"
        return APIConnectionError(f"the proxy to {origin} failed: {words}", code="proxy", stage="not_sent")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        error = error.certificate_error  # it only looks like one itself
    return transport_error(error, origin, sent=sent)


def _closed() -> ClientClosedError:
    return ClientClosedError("the client was closed while the call ran")


def _resolve(future: asyncio.Future[None]) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):
        future.set_result(None)


class _Outcome:
    """What a function returned. A loop in debug mode logs the results of futures, and this may be a secret."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _guarded(effect: Run) -> _Outcome:
    try:
        return _Outcome(effect.function(*effect.args))
    except StopIteration:
        raise PluginError("a Run function raised StopIteration; use Run(next, iterator, None)") from None
