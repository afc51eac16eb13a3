"""Dial: from a host's name to a connected socket, within the time left."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from functools import partial
from typing import Any

from jackfield.drivers.live import LONGEST_WAIT, Live
from jackfield.errors import APIConnectionError

Address = tuple[Any, Any, int, str, Any]


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
        live.cut = cut = partial(shut, sock)
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


def shut(sock: socket.socket) -> None:
    """End both ways of a socket, whatever waits for it."""
    with contextlib.suppress(OSError):  # not connected any more: nothing waits
        sock.shutdown(socket.SHUT_RDWR)
