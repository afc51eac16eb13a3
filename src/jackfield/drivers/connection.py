"""Connections and pools of the sync driver: urllib3's, cut short by the watchdog."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.client import HTTPException
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import EmptyPoolError, HTTPError, ProxyError

from jackfield.drivers.answer import BLOCK, Answer
from jackfield.drivers.dial import dial, resolve, shut
from jackfield.drivers.head import Head, encode_head
from jackfield.drivers.live import Live
from jackfield.http import HttpRequest, HttpResponse

current = threading.local()
"""``current.live``: the call that this thread drives."""
DRAIN = 65536
"""Bytes already received that are read from an unfinished answer, so that its connection can be used again."""
LARGE = 65536
"""Bytes of a body from which on it is not copied to leave in one piece with the head."""
SLICE = 0.25
"""Seconds after which who waits looks whether the call was closed, or a signal has come."""


class Watched(HTTPConnection):
    """A connection whose socket can be shut from another thread, from before the TLS handshake on.

    A socket's object changes hands in the handshake, so it is shut through a duplicate of its descriptor.
    """

    was_shut = False
    _live: Live | None = None
    _twin: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        live: Live = current.live
        live.wait("connect", live.timeouts.connect)
        addresses = resolve(self._dns_host, self.port or self.default_port, live)
        sock = dial(addresses, f"{self.host}:{self.port}", live, self.socket_options)
        self._twin = sock.dup()
        live.cut = self.shut
        return sock

    def exchange(self, head: bytes, body: bytes) -> tuple[Head, Answer]:
        """Send a request and read the head of its answer; from the first byte sent the limit is that of the first byte.

        What http.client and urllib3's own response do for it costs more than all the rest of a call.
        """
        live: Live = current.live
        if self.sock is None:
            self.connect()
        live.wait("first_byte", live.timeouts.first_byte)
        live.sent = True
        sock: socket.socket = self.sock
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it hung up
            if len(body) < LARGE:
                sock.sendall(head + body)
            else:
                sock.sendall(head)
                sock.sendall(body)
        answer = Answer()
        while (told := answer.head()) is None:
            answer.feed(self.receive())
        return told, answer

    def receive(self) -> bytes:
        """The next bytes, ``b""`` at the end.

        Raises:
            ConnectionResetError: the end is our own doing.
        """
        block: bytes = self.sock.recv(BLOCK) or b""  # urllib3's TLS within TLS ends with 0
        if not block and self.was_shut:
            raise ConnectionResetError
        return block

    def shut(self) -> None:
        """End whatever waits for this connection, from any thread."""
        twin = self._twin
        if twin is not None:
            self.was_shut = True  # its end tells nothing from here on
            shut(twin)

    def part(self) -> None:
        """Be shut no more: from here on it may be another's, and so may the descriptor of one that is closed."""
        if self._live is not None:
            self._live.part(self.shut)

    def close(self) -> None:
        """Close the socket and its twin."""
        if self._live is not None:
            self._live.part(self.shut)
        twin, self._twin = self._twin, None
        if twin is not None:
            twin.close()
        self.was_shut = False
        super().close()

    def __del__(self) -> None:
        """Close what nobody has closed: a pool that was left to the garbage collector, or to the end of the program."""
        for sock in (self._twin, getattr(self, "sock", None)):
            if sock is not None:
                sock.close()


class WatchedTLS(Watched, HTTPSConnection):
    """The same over TLS."""


class Pool(HTTPConnectionPool):
    """Connections that belong to a call while they are out of the pool."""

    ConnectionCls = Watched

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # At the end of the program urllib3 empties the queue that it made, and calls of handlers that come later would
        # wait in vain.
        made: Any = self.pool
        self.pool = self.QueueCls(made.maxsize)
        made.queue, self.pool.queue = [], made.queue

    def _get_conn(self, timeout: float | None = None) -> Any:  # noqa: ARG002 - the call knows how long
        live: Live = current.live
        while True:
            try:
                conn: Any = super()._get_conn(min(max(live.until - time.monotonic(), 0.0), SLICE))
            except EmptyPoolError:
                if live.closing is not None or time.monotonic() >= live.until:
                    raise
            else:
                # From here on whoever ends the call can give it back. No function is called meanwhile, for where one
                # is an interrupt may come.
                live.lent[conn], conn._live, live.cut = self, live, conn.shut  # noqa: SLF001 - its own connection
                return conn

    def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and read the head of its answer.

        What ``urlopen`` does besides (retries, redirects, timeouts) is done elsewhere, and costs as much again.
        """
        # Not by the pool's scheme, which is the proxy's own here. Else the origin would see the proxy's headers.
        in_clear = self.proxy is not None and request.origin.scheme == "http"
        target, more = (request.url, self.proxy_headers.items()) if in_clear else (request.target, ())
        head = encode_head(request, target, more)
        conn = self._get_conn()
        try:
            if self.proxy is not None and not in_clear and conn.is_closed:
                self._prepare_proxy(conn)
            told, answer = conn.exchange(head, request.body)
        except BaseException as error:
            away = self.proxy is not None and not conn.has_connected_to_proxy
            self.give_back(conn, alive=False)
            if away and isinstance(error, (OSError, HTTPException, HTTPError)):
                raise ProxyError("the proxy", error) from None
            raise
        return HttpResponse(told.status, told.headers, request, SyncBody(answer, conn, self))

    def give_back(self, conn: Any, *, alive: bool) -> None:
        """Part a connection from its call and put it back; one that is not alive is closed, and dialled anew."""
        if not alive:
            conn.close()
        conn.part()
        live, conn._live = conn._live, None  # noqa: SLF001 - its own connection
        del live.lent[conn]  # only now, for an interrupt may have come before
        self._put_conn(conn)


class PoolTLS(Pool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = WatchedTLS


class SyncBody:
    """The body of an answer on its connection, which goes back to the pool when the last byte was read.

    Attributes:
        held: the connection is still out of the pool.
    """

    __slots__ = ("_answer", "_conn", "_pool", "held")

    def __init__(self, answer: Answer, conn: Watched, pool: Pool) -> None:
        self._answer, self._conn, self._pool = answer, conn, pool
        self.held = True
        if answer.ended:
            self._give_back()

    def read(self, live: Live) -> bytes:
        """The next bytes while the connection is held, ``b""`` at the end."""
        live.cut = self._conn.shut
        block = self._next()
        if self._answer.ended:
            self._give_back()
        return block

    def release(self) -> None:
        """Give the connection back if the body was read to its end or is here already, else close it; never waits."""
        if not self.held:
            return
        sock = self._conn.sock
        with contextlib.suppress(Exception):  # nothing there yet, or broken: closed below
            sock.settimeout(0)
            left = DRAIN
            while left > 0 and (block := self._next()):
                left -= len(block)
            sock.settimeout(None)
        self._give_back()

    def _next(self) -> bytes:
        while (block := self._answer.read()) is None:
            self._answer.feed(self._conn.receive())
        return block

    def _give_back(self) -> None:
        self.held = False
        self._pool.give_back(self._conn, alive=self._answer.reusable and not self._conn.was_shut)


POOLS: dict[str, type] = {"http": Pool, "https": PoolTLS}
