"""The asynchronous driver: aiohttp, one task a call."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
from yarl import URL

from jackfield.drivers.failure import transport_error
from jackfield.drivers.live import POOL_WAIT, Live
from jackfield.drivers.network import proxy_for, tls_context
from jackfield.drivers.watchdog import TICK
from jackfield.errors import DeadlineExceededError, PluginError
from jackfield.flow import Acquire, Deliver, Effect, Read, Run, Send, Sleep
from jackfield.http import HttpResponse, Origin, Transport, check_headers

WORKERS = 64
"""Threads for ``Run`` effects; asyncio's own pool is shared with the host and small."""
OWN_HEADERS = frozenset({"Accept", "Accept-Encoding", "User-Agent", "Content-Type"})
"""Headers that aiohttp would add; the provider says which are sent."""


class AsyncBody:
    """A body on its connection."""

    __slots__ = ("raw",)

    def __init__(self, raw: aiohttp.ClientResponse) -> None:
        self.raw = raw

    def release(self) -> None:
        """Give the connection back if the whole body is here, else close it."""
        if self.raw.content.is_eof():
            self.raw.release()
        else:
            self.raw.close()


class Connector(aiohttp.TCPConnector):
    """Tells the call when its connection stands: from then on bytes of the request may leave."""

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's signature
        """A connection for the request of the current task."""
        connection = await super().connect(req, traces, timeout)
        sending = _sending.get(asyncio.current_task())
        if sending is not None:
            live, scope = sending
            try:
                live.wait("first_byte", live.timeouts.first_byte)
            except BaseException:
                connection.release()  # nothing was sent on it
                raise
            live.sent = True
            scope.reschedule(_on_loop(live.until))
        return connection


_sending: dict[Any, tuple[Live, asyncio.Timeout]] = {}
"""By task: the call whose request it sends. aiohttp connects in the task that sends."""


def _on_loop(until: float) -> float:
    return asyncio.get_running_loop().time() + until - time.monotonic()


class AsyncDriver:
    """Drives calls in the tasks of one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.live: dict[int, Live] = {}
        self._sessions: dict[Transport, aiohttp.ClientSession] = {}
        self._proxies: dict[tuple[Origin, Transport], str | None] = {}
        self._workers: ThreadPoolExecutor | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._perform: dict[type[Effect], Callable[[Any, Live], Coroutine[Any, Any, Any]]] = {
            Send: self._send,
            Read: self._read,
            Sleep: self._sleep,
            Run: self._run,
            Acquire: self._acquire,
        }

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
                effect = engine.cancel(live.closing) if live.closing is not None else engine.fail(error)
            else:
                effect = engine.step(value)
        return None

    def add(self, live: Live) -> None:
        """Watch a call until it is discarded."""
        self.live[id(live)] = live
        if self._tick is None:
            self._tick = self.loop.call_later(TICK, self._scan)

    def discard(self, live: Live) -> None:
        """Watch it no more."""
        self.live.pop(id(live), None)

    async def close(self) -> None:
        """Close all connections and end the worker threads."""
        if self._tick is not None:
            self._tick.cancel()
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()
        self.abandon()

    def abandon(self) -> None:
        """Let go of a loop that has ended: nothing can be awaited on it any more."""
        for session in self._sessions.values():
            session.detach()
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)

    def _scan(self) -> None:
        now = time.monotonic()
        for live in list(self.live.values()):
            if now >= live.until and live.cut is not None:
                live.expired = True
                live.cut()
        self._tick = self.loop.call_later(TICK, self._scan) if self.live else None

    # -- effects -------------------------------------------------------------------------------------------------

    async def _send(self, effect: Send, live: Live) -> HttpResponse:
        request, transport = effect.request, live.transport
        check_headers(request.headers)
        session = self._session(transport)
        live.sent = False
        live.wait("connect", live.timeouts.connect + POOL_WAIT)
        task = asyncio.current_task()
        try:
            async with asyncio.timeout_at(_on_loop(live.until)) as scope:
                _sending[task] = live, scope
                live.cut = lambda: scope.reschedule(0)
                raw = await session.request(
                    request.method,
                    URL(request.url, encoded=True),
                    data=request.body or None,
                    headers=request.headers,
                    allow_redirects=False,
                    proxy=self._proxy(request.origin, transport),
                    timeout=aiohttp.ClientTimeout(
                        total=None, connect=None, sock_connect=live.timeouts.connect, ceil_threshold=1e9
                    ),
                )
        except TimeoutError:
            if not live.sent:
                live.limit, live.seconds = "connect", live.timeouts.connect
            raise live.over() or live.timeout() from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise live.over() or transport_error(error, request.origin, sent=live.sent) from None
        finally:
            _sending.pop(task, None)
            live.cut = None
            live.rest()
        return HttpResponse(raw.status, raw.headers, request, AsyncBody(raw))

    async def _read(self, effect: Read, live: Live) -> bytes:
        limit = live.transport.max_response_bytes
        if not effect.whole:
            return await self._block(effect, live, limit)
        blocks = []
        while block := await self._block(effect, live, limit):
            blocks.append(block)
        return b"".join(blocks)

    async def _block(self, effect: Read, live: Live, limit: int) -> bytes:
        response = effect.response
        raw: aiohttp.ClientResponse = response.body.raw  # type: ignore[attr-defined]  # this driver's own body
        live.cut = raw.close
        live.wait("idle", live.timeouts.idle if effect.within is None else effect.within)
        try:
            while True:
                block = await raw.content.readany()
                if not block:
                    error = live.over()
                    if error is not None:
                        raise error
                    return response.decode(b"", limit)
                block = response.decode(block, limit)
                if block:
                    return block
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise live.over() or transport_error(error, response.request.origin, sent=True) from None
        finally:
            live.rest()

    async def _sleep(self, effect: Sleep, live: Live) -> None:
        if effect.seconds > live.engine.call.time_left:
            raise DeadlineExceededError
        await self._wait(self.loop.create_future(), effect.seconds, live)

    async def _acquire(self, effect: Acquire, live: Live) -> None:
        entered: asyncio.Future[None] = self.loop.create_future()
        ticket = effect.gate.line_up(lambda: self.loop.call_soon_threadsafe(_resolve, entered))
        try:
            if not ticket.granted:
                await self._wait(entered, live.engine.call.time_left, live)
            if not ticket.granted:
                raise DeadlineExceededError
        except BaseException:
            effect.gate.leave(ticket)
            raise

    async def _wait(self, event: asyncio.Future[None], seconds: float, live: Live) -> None:
        """Let time pass until the event; closing the call from elsewhere ends it."""
        live.cut = lambda: _resolve(event)
        try:
            if live.closing is None:
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
        value = await self.loop.run_in_executor(self._workers, context.run, _guarded, effect)
        live.check()
        return value

    # -- connections ---------------------------------------------------------------------------------------------

    def _session(self, transport: Transport) -> aiohttp.ClientSession:
        session = self._sessions.get(transport)
        if session is None:
            connector = Connector(limit=transport.max_connections, ssl=tls_context(transport), keepalive_timeout=60)
            session = self._sessions[transport] = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=OWN_HEADERS,
                trust_env=False,
            )
        return session

    def _proxy(self, origin: Origin, transport: Transport) -> str | None:
        try:
            return self._proxies[origin, transport]
        except KeyError:
            return self._proxies.setdefault((origin, transport), proxy_for(origin, transport))


def _resolve(future: asyncio.Future[None]) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):
        future.set_result(None)


def _guarded(effect: Run) -> Any:
    try:
        return effect.function(*effect.args)
    except StopIteration:
        raise PluginError("a Run function raised StopIteration; use Run(next, iterator, None)") from None
