"""Server: granian on a socket of our own, and how it ends.

Granian's embedded server neither takes a socket that is bound already, nor ends what runs at its stop; what is done
about both stands here, and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from jackfield.errors import ConfigError

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway

BACKLOG = 4096
"""Connections that wait to be taken; granian's own 128 is also how many it would have open."""
HEADER_TIMEOUT = 10.0
"""Seconds for a request's head, and for a connection without a request."""
HEAD_BUFFER = 65_536
SEND_BUFFER = 256 * 1024
"""Bytes that the kernel takes for a client that does not read: with its own default it would swallow megabytes."""
LAST = 2.0
"""Seconds between telling the clients of running answers and closing their connections."""
QUIET: dict[str, Any] = {"version": 1, "incremental": True, "formatters": {}, "handlers": {}, "loggers": {}}
"""A logging configuration that changes nothing: granian's own would close the handlers of the whole process."""


class Bound(Server):
    """Granian's embedded server on a listening socket, which it takes over.

    Args:
        app: of ASGI.
        listener: bound and listening.
        header_timeout: seconds for a request's head.
    """

    def __init__(self, app: Any, listener: socket.socket, header_timeout: float) -> None:
        self._listener = listener
        host, port = listener.getsockname()[:2]
        super().__init__(
            app,
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,  # with "auto" a silent connection stays for ever
            websockets=False,
            backlog=BACKLOG,
            backpressure=BACKLOG,
            http1_settings=HTTP1Settings(header_read_timeout=int(header_timeout * 1000), max_buffer_size=HEAD_BUFFER),
            log_level=LogLevels.error,
            log_dictconfig=QUIET,
        )

    def _init_shared_socket(self) -> None:
        # The stub of granian 2.8 lacks the third argument that its code takes on Linux.
        holder: Any = SocketHolder
        self._shd: Any = holder(self._listener.detach(), False, self.backlog)
        self._ssp: Any = None


def bind(host: str, port: int, stall: float) -> socket.socket:
    """A socket that listens; connections that come before anybody serves wait.

    Args:
        host: name or address.
        port: 0 for a free one.
        stall: seconds after which the kernel gives up a client that takes nothing (RFC 5482), where it can.

    Raises:
        ConfigError: the address cannot be used.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"gateway.host: {host} is no address of this machine: {_reason(error)}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Those that are accepted have it too. Without NODELAY each chunk waits for the last one's receipt.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stall * 1000))
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(f"gateway.port: {host}:{port} cannot be listened on: {_reason(error)}") from None
    return listener


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


async def serve(
    gateway: Gateway,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    opened: Callable[[], object] = bool,
    header_timeout: float = HEADER_TIMEOUT,
) -> None:
    """Serve until ``stop`` is set, and then until what runs has ended, or its time is over.

    Args:
        gateway: what answers; it is opened and closed here.
        listener: of ``bind``; it is closed at the end.
        stop: set to end. Connections that come after it are refused.
        opened: called once the gateway can be asked; until then connections wait.
        header_timeout: seconds for a request's head.

    Raises:
        ConfigError: its store cannot be used.
    """
    port = listener.getsockname()[1]
    gateway.cut = lambda peer: cut(port, peer)
    try:
        await gateway.open()
        opened()
        await _serve(gateway, Bound(gateway.app, listener, header_timeout), port, stop)
    finally:
        await gateway.close()


async def _serve(gateway: Gateway, server: Bound, port: int, stop: asyncio.Event) -> None:
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            gateway.drain()
            server.stop()  # type: ignore[no-untyped-call]  # granian types only some of its methods
            await asyncio.wait({serving}, timeout=gateway.settings.limits.drain)
        if not serving.done():
            gateway.interrupt()
            await asyncio.wait({serving}, timeout=LAST)
        if not serving.done():
            cut(port)
        await serving
    finally:
        stopping.cancel()
        if not serving.done():
            cut(port)
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving


def cut(port: int, peer: tuple[str, int] | None = None) -> None:
    """Close the connections of a port, or the one with that peer, which the server would keep.

    Args:
        port: own port of the connections.
        peer: address and port of the only one to close.
    """
    for connection in _connections():
        with connection, contextlib.suppress(OSError):
            inet = connection.family in {socket.AF_INET, socket.AF_INET6}
            if not inet or connection.getsockname()[1] != port:
                continue
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
            if peer is None or connection.getpeername()[:2] == tuple(peer):
                connection.shutdown(socket.SHUT_RDWR)


def _connections() -> Iterator[socket.socket]:
    """The sockets of this process, each by a descriptor of its own."""
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):
            yield socket.socket(fileno=os.dup(int(name)))
