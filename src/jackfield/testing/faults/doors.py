"""Doors: the places where a fault server listens, for what goes wrong before a request can name its fault."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme

HOST = "127.0.0.1"
ANSWERING = ("plain", "other", "tls")
"""Doors at which every request is answered: the usual one, another origin, and one with a good certificate."""
CERTIFICATES = ("tls-self-signed", "tls-wrong-host", "tls-expired")
"""Doors whose certificate no one may trust; what comes through them all the same is answered."""
SECURE = ("tls", *CERTIFICATES)
"""Doors where TLS is spoken, and spoken well."""
CLOSED = {
    "refused": "no one listens",
    "reset": "each connection is reset when it has been made",
    "silent": "connections are made, and nothing is ever said on them",
    "tls-silent": "the same, where TLS is expected",
    "tls-reset": "each connection is reset in the middle of the TLS handshake",
    "tls-eof": "each connection is closed in the middle of the TLS handshake",
    "tls-garbage": "something other than TLS comes in answer to the handshake",
}
"""Doors that no request comes through, and why."""
DOORS = (*ANSWERING, *CERTIFICATES, *CLOSED)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def need_trustme() -> None:
    """Have what makes certificates.

    Raises:
        ModuleNotFoundError: it is not installed; the message tells how it is.
    """
    try:
        import trustme  # noqa: F401 - whether it is there
    except ModuleNotFoundError:
        text = "the doors with TLS need certificates, which trustme makes: pip install 'jackfield[testing]'"
        raise ModuleNotFoundError(text, name="trustme") from None


class Certificates:
    """Certificates of an authority of the server's own; made by ``trustme`` when they are first asked for."""

    @cached_property
    def authority(self) -> trustme.CA:
        """The authority that a client is to trust."""
        need_trustme()
        import trustme

        return trustme.CA()

    @cached_property
    def ca_file(self) -> Path:
        """Its certificate as a PEM file, for ``ca_file`` of a backend."""
        path = Path(tempfile.mkdtemp(prefix="jackfield-faults-")) / "ca.pem"
        self.authority.cert_pem.write_to_path(str(path))
        return path

    def context(self, door: str) -> ssl.SSLContext:
        """A server's context with the certificate of a door."""
        need_trustme()
        import trustme

        authority = trustme.CA() if door == "tls-self-signed" else self.authority
        host = "elsewhere.example" if door == "tls-wrong-host" else HOST
        end = dt.datetime(2001, 1, 1, tzinfo=dt.UTC) if door == "tls-expired" else None
        begin = dt.datetime(2000, 1, 1, tzinfo=dt.UTC) if door == "tls-expired" else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host, not_before=begin, not_after=end).configure_cert(context)
        return context

    def remove(self) -> None:
        """Delete the file."""
        if "ca_file" in vars(self):
            self.ca_file.unlink()
            self.ca_file.parent.rmdir()
