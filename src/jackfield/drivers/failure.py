"""From a transport's exception to ours: which kind of failure, how far the request came, and no object of theirs."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator

from urllib3.exceptions import ProxyError

from jackfield.drivers.head import MalformedError
from jackfield.errors import APIConnectionError, APIError, Stage
from jackfield.http import Origin

_WRAPPED = ("original_error", "os_error", "certificate_error")
"""Attributes in which urllib3 and aiohttp keep what they wrap."""
_NOT_CONNECTED: dict[type, str] = {socket.gaierror: "dns", ConnectionRefusedError: "refused"}


def transport_error(error: BaseException, origin: Origin, *, sent: bool) -> APIError:
    """The error of a failed exchange.

    Args:
        error: what the transport raised.
        origin: of the request.
        sent: whether bytes of the request may have left.
    """
    chain = list(_chain(error))
    cause = chain[-1]
    words = _words(cause)
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
        reason = next(link.verify_message for link in chain if isinstance(link, ssl.SSLCertVerificationError))
        return APIConnectionError(f"{origin} cannot be trusted: {reason}", code="certificate", stage="not_sent")
    if any(isinstance(link, ProxyError) for link in chain):
        status = re.search(r"Tunnel connection failed: (\d{3})", str(cause))
        words = words if status is None else f"HTTP {status[1]}"
        return APIConnectionError(f"the proxy to {origin} failed: {words}", code="proxy", stage="not_sent")
    stage: Stage = "ambiguous" if sent else "not_sent"
    if any(isinstance(link, ssl.SSLError) for link in chain):
        return APIConnectionError(f"TLS with {origin} failed: {words}", code="tls", stage=stage)
    if not sent and isinstance(cause, OSError):
        code = _NOT_CONNECTED.get(type(cause), "connect")
        return APIConnectionError(f"no connection to {origin}: {words}", code=code, stage="not_sent")
    code = "reset" if isinstance(cause, OSError) or type(cause).__name__ == "ServerDisconnectedError" else "protocol"
    return APIConnectionError(f"the connection to {origin} broke: {words}", code=code, stage=stage)


def _words(cause: BaseException) -> str:
    """What may be told of it: our own text, or the class and the system's words, but no text of the other side."""
    if isinstance(cause, MalformedError):
        return str(cause)
    return type(cause).__name__ + (f": {cause.strerror}" if isinstance(cause, OSError) and cause.strerror else "")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps, outermost first: in its arguments (urllib3) or as its cause."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        wrapped = [argument for argument in link.args if isinstance(argument, BaseException)]
        wrapped += [inner for name in _WRAPPED if isinstance(inner := getattr(link, name, None), BaseException)]
        link = wrapped[-1] if wrapped else link.__cause__
