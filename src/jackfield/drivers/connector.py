"""Connector and Channel: aiohttp's connections, and requests sent on them without its session.

aiohttp connects (names, addresses, TLS, proxies), pools and parses; what its ``ClientSession`` does besides (redirects,
cookies, timers, tracing) is done elsewhere or not wanted, and costs more than all the rest of a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from typing import Any

import aiohttp
from urllib3 import make_headers
from yarl import URL

from jackfield.drivers.head import LONGEST_HEAD, MalformedError, encode_head, frame
from jackfield.drivers.live import Live
from jackfield.drivers.network import credentials, proxy_for, tls_context
from jackfield.headers import Headers
from jackfield.http import HttpRequest, HttpResponse, Origin, Transport

BLOCK = 16384
"""Most bytes of a body that are read at once: some sixty chunks of a stream, which still fit a processor's cache."""
BUFFER = 65536
"""Bytes of a body that are received ahead; twice as many stop the server."""
NO_TIMEOUT = aiohttp.ClientTimeout(total=None, ceil_threshold=1e9)  # ``Sending`` and the scan keep the time


class Connector(aiohttp.TCPConnector):
    """Tells the call that a connection is made for it: that has a limit of its own."""

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
            protocol, transport = connection.protocol, connection.transport
            live.cut, live.sent = transport.abort, True
            protocol.set_response_params(
                read_until_eof=True,
                auto_decompress=False,
                read_bufsize=BUFFER,
                max_line_size=LONGEST_HEAD,
                max_field_size=LONGEST_HEAD,
            )
            transport.write(head + request.body)
            status, headers, payload = await _head(protocol)
        except BaseException:
            connection.close()
            raise
        return HttpResponse(status, headers, request, AsyncBody(connection, payload, live))

    async def _connect(self, live: Live) -> Any:
        """A connection of the pool that still stands, or a new one."""
        task = asyncio.current_task()
        async with asyncio.timeout(None) as scope:  # ended by the scan, through ``live.cut``
            live.cut = _Cut(scope)
            live_by_task[task] = live
            try:
                connection = await self._connector.connect(self._way, [], NO_TIMEOUT)
                while not _stands(connection.protocol):
                    connection.close()
                    connection = await self._connector.connect(self._way, [], NO_TIMEOUT)
            finally:
                del live_by_task[task]
        return connection


async def _head(protocol: Any) -> tuple[int, Headers, Any]:
    """Status, headers and body of the answer that a connection gives next, but for informational ones."""
    while True:
        message, payload = await protocol.read()
        if message.code >= 200:
            break
        if message.code == 101:
            raise MalformedError("the server changes to a protocol that was not asked for")
    headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in message.raw_headers)
    frame(message.code, headers)
    return message.code, headers, payload


class _Cut:
    """Ends the wait for a connection at once."""

    __slots__ = ("_scope",)

    def __init__(self, scope: asyncio.Timeout) -> None:
        self._scope = scope

    def __call__(self) -> None:
        if not self._scope.expired():
            self._scope.reschedule(0)


class AsyncBody:
    """The body of an answer on its connection, which goes back to the pool as soon as the last byte is here."""

    __slots__ = ("_abort", "_connection", "_live", "_payload")

    def __init__(self, connection: Any, payload: Any, live: Live) -> None:
        self._connection, self._payload, self._live = connection, payload, live
        self._abort = connection.transport.abort
        payload.on_eof(self._give_back)

    async def read(self) -> bytes:
        """The next bytes, ``b""`` at the end."""
        if not self._payload.is_eof():
            self._live.cut = self._abort
        block: bytes = await self._payload.read(BLOCK)
        return block

    def left(self) -> bytes:
        """What came before the connection broke, which aiohttp itself forgets."""
        block: bytes = self._payload._read_nowait(-1)  # noqa: SLF001 - there is no other way to it
        return block

    def release(self) -> None:
        """Give the connection back if the whole body is here, else close it; never waits."""
        with contextlib.suppress(RuntimeError):  # its loop is closed
            if self._payload.is_eof():
                self._payload.read_nowait(-1)  # else a connection that was stopped stays so
            else:
                self._part()
                self._connection.close()

    def _give_back(self) -> None:
        self._part()
        if self._connection.transport.get_write_buffer_size():
            self._connection.close()  # it was answered before the request had left
        else:
            self._connection.release()

    def _part(self) -> None:
        """Have the call never again cut the connection, which may be another's from now on."""
        if self._live.cut is self._abort:
            self._live.cut = None


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
