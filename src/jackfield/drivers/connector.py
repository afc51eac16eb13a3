"""Connector and Channel: aiohttp's connections, and requests sent on them without its session.

aiohttp connects (names, addresses, TLS, proxies) and pools; what its ``ClientSession`` does besides (redirects,
cookies, timers, tracing) is done elsewhere or not wanted, and costs more than all the rest of a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from functools import partial
from typing import Any

import aiohttp
from urllib3 import make_headers
from yarl import URL

from jackfield.drivers.answer import Answer
from jackfield.drivers.head import encode_head
from jackfield.drivers.line import BUFFER, Line
from jackfield.drivers.live import Live
from jackfield.drivers.network import credentials, proxy_for, tls_context
from jackfield.http import HttpRequest, HttpResponse, Origin, Transport

NO_TIMEOUT = aiohttp.ClientTimeout(total=None, ceil_threshold=1e9)  # the driver's scan keeps the time


class Connector(aiohttp.TCPConnector):
    """Makes lines, and tells the call that one is made for it: that has a limit of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(Line, self._loop, memoryview(bytearray(2 * BUFFER)))  # type: ignore[assignment]  # a line is a ResponseHandler

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's signature
        """A new connection: there is room for one."""
        live = live_by_task[asyncio.current_task()]
        live.wait("connect", live.timeouts.connect)
        return await super()._create_connection(req, traces, timeout)


live_by_task: dict[Any, Live] = {}
"""By task; aiohttp connects in the task that sends."""


def connector(transport: Transport, *, secure: bool) -> Connector:
    """The connector of a transport; one without TLS does not make its context, which is slow."""
    return Connector(
        limit=0,
        limit_per_host=transport.max_connections,
        ssl=tls_context(transport) if secure else True,
        keepalive_timeout=60,
    )


class Channel:
    """The way to one origin.

    Args:
        origin: where requests go.
        transport: how it is reached.
        connectors: those that are there, by transport and whether they have TLS; one may be added.

    Raises:
        ConfigError: of the proxy, or the file of authorities.
    """

    def __init__(
        self, origin: Origin, transport: Transport, connectors: dict[tuple[Transport, bool], Connector]
    ) -> None:
        proxy = proxy_for(origin, transport)
        login = None if proxy is None else credentials(proxy)
        key = transport, "https" in {origin.scheme, (proxy or "").partition(":")[0]}
        if key not in connectors:
            connectors[key] = connector(transport, secure=key[1])
        self._connector = connectors[key]
        self._in_clear = proxy is not None and origin.scheme == "http"
        self._more = tuple(make_headers(proxy_basic_auth=":".join(login)).items()) if login and self._in_clear else ()
        # All that aiohttp wants to know to connect.
        self._way = aiohttp.ClientRequest(
            "GET",
            URL(str(origin), encoded=True),
            proxy=None if proxy is None else URL(proxy),
            loop=asyncio.get_running_loop(),
        )

    async def exchange(self, request: HttpRequest, live: Live) -> HttpResponse:
        """Send a request and read the head of its answer.

        Raises:
            TimeoutError: no connection came within its limit.
            aiohttp.ClientError, OSError, ValueError, RuntimeError: the exchange failed.
        """
        head = encode_head(request, request.url if self._in_clear else request.target, self._more)
        connection = await self._connect(live)
        try:
            live.wait("first_byte", live.timeouts.first_byte)
            line, transport = connection.protocol, connection.transport
            if transport is None:
                raise ConnectionResetError  # noqa: TRY301 - it ended before this task could go on
            live.cut, live.sent = line.abort, True
            line.take()
            transport.write(head + request.body)
            answer = Answer()
            while (told := answer.head()) is None:
                answer.feed(await line.receive())
        except BaseException:
            _drop(connection)
            raise
        return HttpResponse(told.status, told.headers, request, AsyncBody(answer, connection, live))

    async def _connect(self, live: Live) -> Any:
        """A connection of the pool that still stands, or a new one."""
        task = asyncio.current_task()
        async with asyncio.timeout(None) as scope:  # ended by the scan, through ``live.cut``
            live.cut = _Cut(scope)
            live_by_task[task] = live
            try:
                connection: Any = await self._connector.connect(self._way, [], NO_TIMEOUT)
                while not connection.protocol.fresh and not _stands(connection.protocol):
                    _drop(connection)
                    connection = await self._connector.connect(self._way, [], NO_TIMEOUT)
            finally:
                del live_by_task[task]
        return connection


class _Cut:
    """Ends the wait for a connection at once."""

    __slots__ = ("_scope",)

    def __init__(self, scope: asyncio.Timeout) -> None:
        self._scope = scope

    def __call__(self) -> None:
        if not self._scope.expired():
            self._scope.reschedule(0)


class AsyncBody:
    """The body of an answer on its connection, which goes back to the pool when the last byte was read.

    Attributes:
        held: the connection is still out of the pool.
    """

    __slots__ = ("_answer", "_connection", "_line", "_live", "held")

    def __init__(self, answer: Answer, connection: Any, live: Live) -> None:
        self._answer, self._connection, self._live = answer, connection, live
        self._line: Line = connection.protocol
        self.held = True
        if answer.ended:
            self._give_back()

    async def read(self) -> bytes:
        """The next bytes while the connection is held, ``b""`` at the end."""
        self._live.cut = self._line.abort
        answer, line = self._answer, self._line
        while (block := answer.read()) is None:
            data = line.here()
            if not data:
                await line.arrival()  # no coroutine of its own: this is the wait of every event
                data = line.here() or line.end()
            answer.feed(data)
        if answer.ended:
            self._give_back()
        return block

    def release(self) -> None:
        """Give the connection back if the body was read to its end or is here already, else close it; never waits."""
        if not self.held:
            return
        with contextlib.suppress(ValueError, RuntimeError):  # a body that is none, a loop that is closed
            while (block := self._answer.read()) or (block is None and (more := self._line.here())):
                if block is None:
                    self._answer.feed(more)
        self._give_back()

    def _give_back(self) -> None:
        self.held = False
        if self._live.cut == self._line.abort:
            self._live.cut = None  # the connection may be another's from now on
        whole = self._answer.reusable and self._line.drained
        # What the server answered before the request had left cannot be followed by another request.
        if whole and self._line.transport is not None and not self._line.transport.get_write_buffer_size():
            self._line.leave()
            self._connection.release()
        else:
            _drop(self._connection)


def _drop(connection: Any) -> None:
    """Close a connection at once: a graceful close waits for a server that may never read what is still to be sent."""
    line: Line = connection.protocol
    transport = line.transport
    with contextlib.suppress(RuntimeError):  # its loop is closed
        connection.close()
        if transport is not None:
            transport.abort()


def _stands(protocol: Any) -> bool:
    """Whether a connection can be used: the server has neither left nor sent what no one had asked for.

    That it left the system knows before the event loop does.
    """
    transport = protocol.transport
    if transport is None or transport.is_closing() or protocol.should_close:
        return False
    sock = transport.get_extra_info("socket")
    if HUNG_UP is None or sock is None:
        return True
    poll = select.poll()
    poll.register(sock, HUNG_UP)
    return not poll.poll(0)


HUNG_UP: int | None = getattr(select, "POLLRDHUP", None)
"""Linux tells of a close from the other side apart from data, which TLS may send at any time."""
