"""Connections and pools of the sync driver: urllib3's, dialled within the time left and cut short by the watchdog."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from functools import partial
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import EmptyPoolError, FullPoolError, HTTPError, ProxyError

from jackfield.drivers.live import LONGEST_WAIT, Live
from jackfield.errors import APIConnectionError

if TYPE_CHECKING:
    from jackfield.http import HttpRequest

Address = tuple[Any, Any, int, str, Any]
current = threading.local()
"""``current.live``: the call that this thread drives."""
SLICE = 0.25
"""Seconds after which who waits for a free connection looks whether the call was closed."""


def resolve(host: str, port: int, live: Live) -> list[Address]:
    """The addresses of a host, from a helper thread that is abandoned when the time is over: getaddrinfo cannot be cut.

    Raises:
        APIConnectionError: the name has none.
        CallError: the time is over.
    """
    if _is_address(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    done = threading.Event()
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)
        done.set()

    threading.Thread(target=look_up, name="jackfield-dns", daemon=True).start()
    live.cut = done.set
    if live.closing is None:
        done.wait(min(live.until - time.monotonic(), LONGEST_WAIT))
    if not found:
        raise live.over() or live.timeout()
    if isinstance(found[0], Exception):
        raise APIConnectionError(f"the name {host} cannot be resolved", code="dns", stage="not_sent")
    addresses: list[Address] = found[0]
    return addresses


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def dial(addresses: list[Address], where: str, live: Live, options: Any) -> socket.socket:
    """A connected socket, to the first address that takes it within the time left.

    Raises:
        APIConnectionError: none did.
        CallError: the time is over.
    """
    failure: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        left = live.until - time.monotonic()
        if left <= 0 or live.closing is not None:
            break
        sock = socket.socket(family, kind, protocol)
        live.cut = cut = partial(_shut, sock)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(min(left, LONGEST_WAIT))
            sock.connect(address)
            sock.settimeout(None)
        except BaseException as error:
            live.part(cut)
            sock.close()
            if not isinstance(error, OSError):
                raise
            failure = error
        else:
            return sock
    if live.closing is not None or time.monotonic() >= live.until:
        raise live.over() or live.timeout()
    code = "refused" if isinstance(failure, ConnectionRefusedError) else "connect"
    why = type(failure).__name__ if failure is None or failure.strerror is None else failure.strerror
    raise APIConnectionError(f"no connection to {where}: {why}", code=code, stage="not_sent")


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # not connected any more: nothing waits
        sock.shutdown(socket.SHUT_RDWR)


class _Head:
    """The lines of an answer's head; knows whether the last one was there."""

    __slots__ = ("_file", "last")

    def __init__(self, file: Any) -> None:
        self._file, self.last = file, b"?"

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(limit)
        self.last = line
        return line

    def close(self) -> None:
        self._file.close()


class Answer(HTTPResponse):
    """An answer whose head is whole: http.client takes the end of the connection for the end of the head."""

    def begin(self) -> None:
        """Read the head.

        Raises:
            ConnectionResetError: the connection ended within it.
        """
        file: Any = self.fp
        head: Any = _Head(file)
        self.fp = head  # all that is called while the head is read is there
        try:
            super().begin()
        finally:
            left: Any = file if self.fp is head else None
            self.fp = left
        if not head.last:
            raise ConnectionResetError


class Watched(HTTPConnection):
    """A connection whose socket can be shut from another thread, from before the TLS handshake on.

    A socket's object changes hands in the handshake, and again where the answer says that it is the last one of the
    connection, so it is shut through a duplicate of its descriptor.
    """

    _live: Live | None = None
    _twin: socket.socket | None = None
    _keep_twin = False
    _parts: list[bytes] | None = None
    response_class = Answer

    def _new_conn(self) -> socket.socket:
        live: Live = current.live
        live.wait("connect", live.timeouts.connect)
        addresses = resolve(self._dns_host, self.port or self.default_port, live)
        sock = dial(addresses, f"{self.host}:{self.port}", live, self.socket_options)
        self._twin = sock.dup()
        live.cut = self.shut
        return sock

    def send_request(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a request; from here on the limit is that of the first byte."""
        live: Live = current.live
        if self.sock is None:
            self.connect()
        live.wait("first_byte", live.timeouts.first_byte)
        live.sent = True
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it hung up
            self._parts = []
            try:
                self.request(
                    method, target, body=body or None, headers=headers, preload_content=False, decode_content=False
                )
            finally:
                parts, self._parts = self._parts, None
            super().send(b"".join(parts))

    def send(self, data: Any) -> None:
        """Send bytes; while a request is put together they only gather, for head and body are to leave at once."""
        if self._parts is None:
            super().send(data)
        else:
            self._parts.append(data)

    def getresponse(self) -> Any:
        """Read the head of the answer."""
        # Where the answer is the last one, this closes the connection, but the body is still to be read and watched.
        self._keep_twin = True
        try:
            return super().getresponse()
        finally:
            self._keep_twin = False

    def shut(self) -> None:
        """End whatever waits for this connection, from any thread."""
        twin = self._twin
        if twin is not None:
            _shut(twin)

    def close(self) -> None:
        """Close the socket and its twin."""
        if not self._keep_twin:
            if self._live is not None:
                self._live.part(self.shut)  # a descriptor that is closed may soon be another's
            twin, self._twin = self._twin, None
            if twin is not None:
                twin.close()
        super().close()


class WatchedTLS(Watched, HTTPSConnection):
    """The same over TLS."""


class Pool(HTTPConnectionPool):
    """Connections that belong to a call while they are out of the pool."""

    ConnectionCls = Watched

    def _get_conn(self, timeout: float | None = None) -> Any:  # noqa: ARG002 - the call knows how long
        live: Live = current.live
        while True:
            try:
                conn: Any = super()._get_conn(min(max(live.until - time.monotonic(), 0.0), SLICE))
            except EmptyPoolError:
                if live.closing is not None or time.monotonic() >= live.until:
                    raise
            else:
                conn._live = live  # noqa: SLF001 - its own
                live.cut = conn.shut
                return conn

    def exchange(self, request: HttpRequest, target: str) -> Any:
        """Send a request and read the head of its answer: urllib3's response, unread and undecoded.

        What ``urlopen`` does besides (retries, redirects, timeouts) is done elsewhere, and costs as much again.
        """
        conn = self._get_conn()
        try:
            if self.proxy is not None and self.scheme == "https" and conn.is_closed:
                self._prepare_proxy(conn)
            in_clear = self.proxy is not None and self.scheme == "http"  # else the origin would see them
            headers = {**request.headers, **self.proxy_headers} if in_clear else request.headers
            conn.timeout = None
            conn.send_request(request.method, target, request.body, headers)
            raw = conn.getresponse()
        except BaseException as error:
            away = self.proxy is not None and not conn.has_connected_to_proxy
            conn.close()
            self._put_conn(None)
            if away and isinstance(error, (OSError, HTTPException, HTTPError)):
                raise ProxyError("the proxy", error) from None
            raise
        raw._connection, raw._pool = conn, self  # noqa: SLF001 - as urllib3's own urlopen does: it releases itself
        return raw

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            release(conn)
        # After an interrupt in _get_conn urllib3 gives back what it never had.
        with contextlib.suppress(FullPoolError):
            super()._put_conn(conn)


class PoolTLS(Pool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = WatchedTLS


def release(conn: Any) -> None:
    """Part a connection from its call before it goes back to the pool."""
    live, conn._live = conn._live, None  # noqa: SLF001 - its own
    if live is not None:
        live.part(conn.shut)
    if conn.sock is None:
        conn.close()  # its twin, where the answer was the last one


POOLS = {"http": Pool, "https": PoolTLS}
