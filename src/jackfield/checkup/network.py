"""Network: from a backend's origin to a connection: name, port, TLS; those of the proxy, where one stands between."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Generator
from urllib.parse import urlsplit

from jackfield.call import Call
from jackfield.checkup.bounded import bounded
from jackfield.checkup.row import Row
from jackfield.checkup.verdict import certificate_row, failed
from jackfield.drivers.dial import Address, dial, resolve
from jackfield.drivers.failure import transport_error
from jackfield.drivers.live import Live
from jackfield.drivers.network import proxy_for, tls_context
from jackfield.engine import Engine
from jackfield.errors import APITimeoutError, JackfieldError
from jackfield.http import Backend, Origin
from jackfield.plan import Plan


def reach(backend: Backend, origin: Origin, plan: Plan, seconds: float) -> Generator[Row, None, bool]:
    """Look up the name, connect, and shake hands; a row each. Whether all of it went well.

    Args:
        backend: whose transport holds.
        origin: of the backend.
        plan: of the call that the limits of time belong to.
        seconds: for each of the three.
    """
    about = backend.name
    try:
        proxy = proxy_for(origin, backend.transport)
    except JackfieldError as error:
        yield failed(about, "proxy", error)
        return False
    target = origin if proxy is None else _origin_of(proxy)
    words = target.host if proxy is None else f"the proxy {target.host}"
    try:
        addresses = resolve(target.host, target.port, _live(plan, seconds))
    except JackfieldError as error:
        yield failed(about, "dns", error)
        return False
    yield Row(about, "dns", "ok", f"{words} is {', '.join(_texts(addresses))}")
    try:
        sock = dial(addresses, f"{target.host}:{target.port}", _live(plan, seconds), None)
    except JackfieldError as error:
        yield failed(about, "tcp", error)
        return False
    with sock:
        yield Row(about, "tcp", "ok", f"{words} takes connections on port {target.port}")
        if target.scheme == "http":
            return True
        row = _shake_hands(backend, target, sock, seconds)
    yield row
    return row.status != "failed"


def _shake_hands(backend: Backend, target: Origin, sock: socket.socket, seconds: float) -> Row:
    def work() -> tuple[str, float]:
        sock.settimeout(seconds)
        with tls_context(backend.transport).wrap_socket(sock, server_hostname=target.host) as secure:
            certificate = secure.getpeercert() or {}
            end = str(certificate["notAfter"])
            return str(secure.version()), ssl.cert_time_to_seconds(end) - time.time()

    try:
        version, left = bounded(work, seconds)
    except JackfieldError as error:  # of ca_file
        return failed(backend.name, "tls", error)
    except TimeoutError:
        text = f"no TLS handshake with {target} within {seconds:g} s"
        return failed(backend.name, "tls", APITimeoutError(text, code="connect", stage="not_sent"))
    except (OSError, ValueError) as error:
        return failed(backend.name, "tls", transport_error(error, target, sent=False))
    return certificate_row(backend.name, "tls", f"{version} with {target.host}", left)


def _live(plan: Plan, seconds: float) -> Live:
    """A call that nothing is sent for: it has the limits that the drivers' functions look at."""
    live = Live(Engine(plan, Call(clock=time.monotonic, model="", timeout=seconds)))
    live.wait("connect", seconds)
    return live


def _origin_of(proxy: str) -> Origin:
    """The origin of a proxy's URL, which has been found usable."""
    parts = urlsplit(proxy)
    return Origin(parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def _texts(addresses: list[Address]) -> list[str]:
    return list(dict.fromkeys(str(address[4][0]) for address in addresses))
