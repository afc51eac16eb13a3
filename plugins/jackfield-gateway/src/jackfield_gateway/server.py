"""Server: granian on a socket of our own, and how it ends.

Granian's embedded server neither takes a socket that is bound already, nor ends what runs at its stop; what is done
about both stands here, and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Container, Iterator
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
GRACE = 2.0
"""Seconds after the stop in which new requests are still answered, with 503, while others run; then none is let in."""
LAST = 2.0
"""Seconds between telling the clients of running answers and closing their connections."""
GLANCE = 0.05
"""Seconds between two looks at what still runs."""
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
    except (OSError, UnicodeError) as error:  # the latter of a label that is empty or too long
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


def _reason(error: OSError | UnicodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else "it is no name") or type(error).__name__


async def serve(
    gateway: Gateway,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    opened: Callable[[], object] = bool,
    header_timeout: float = HEADER_TIMEOUT,
    grace: float = GRACE,
) -> None:
    """Serve until ``stop`` is set, and then until what runs has ended, or its time is over.

    After the stop, new requests get 503 as long as others run, for ``grace`` seconds at most, so that a load balancer
    can see it; then the port is closed. What still runs when ``limits.drain`` of the settings is over is told so.

    Args:
        gateway: what answers; it is opened and closed here.
        listener: of ``bind``; it is closed at the end.
        stop: set to end.
        opened: called once the gateway can be asked; until then connections wait.
        header_timeout: seconds for a request's head.
        grace: seconds.

    Raises:
        ConfigError: its store cannot be used.
    """
    port = listener.getsockname()[1]
    gateway.cut = Cutter(port)
    try:
        await gateway.open()
        server = Bound(gateway.app, listener, header_timeout)
        opened()
        await _serve(gateway, server, port, stop, grace)
    finally:
        listener.close()
        await gateway.close()


async def _serve(gateway: Gateway, server: Bound, port: int, stop: asyncio.Event, grace: float) -> None:
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await _drain(gateway, server, serving, grace)
        if not serving.done():
            cut(port)
            await asyncio.wait({serving}, timeout=LAST)
    finally:
        stopping.cancel()
        if not serving.done():
            cut(port)
            serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _drain(gateway: Gateway, server: Bound, serving: asyncio.Future[None], grace: float) -> None:
    """Let what runs end; tell what does not that its time is over."""
    loop, patience = asyncio.get_running_loop(), gateway.settings.limits.drain
    now = loop.time()
    closing, until = now + min(grace, patience), now + patience
    gateway.drain()
    while gateway.active and not serving.done() and loop.time() < closing:  # noqa: ASYNC110 - no event tells of the last one
        await asyncio.sleep(GLANCE)
    server.stop()  # type: ignore[no-untyped-call]  # granian types only some of its methods
    await asyncio.wait({serving}, timeout=max(0.0, until - loop.time()))
    if not serving.done():
        gateway.interrupt()
        await asyncio.wait({serving}, timeout=LAST)


class Cutter:
    """Closes connections of a port by their peers. Those of one turn of the loop are looked for together.

    Args:
        port: own port of the connections.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._peers: set[tuple[str, int]] = set()

    def __call__(self, peer: tuple[str, int]) -> None:
        """Close the connection with that address and port, soon."""
        if not self._peers:
            asyncio.get_running_loop().call_soon(self._cut)
        self._peers.add((peer[0], int(peer[1])))

    def _cut(self) -> None:
        peers, self._peers = self._peers, set()
        cut(self._port, peers)


def cut(port: int, peers: Container[tuple[str, int]] | None = None) -> None:
    """Close the connections of a port, which the server would keep.

    Args:
        port: own port of the connections.
        peers: addresses and ports of the only ones to close.
    """
    for connection in _connections():
        with connection, contextlib.suppress(OSError):
            inet = connection.family in {socket.AF_INET, socket.AF_INET6}
            if not inet or connection.getsockname()[1] != port:
                continue
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
            host, number = connection.getpeername()[:2]
            if peers is None or (host.partition("%")[0], number) in peers:
                connection.shutdown(socket.SHUT_RDWR)


def _connections() -> Iterator[socket.socket]:
    """The sockets of this process, each by a descriptor of its own."""
    try:
        names = os.listdir("/dev/fd")
    except OSError:  # a system without
        return
    for name in names:
        with contextlib.suppress(OSError):
            descriptor = os.dup(int(name))
            try:
                connection = socket.socket(fileno=descriptor)
            except OSError:  # not a socket: the copy would stay open
                os.close(descriptor)
                continue
            yield connection
