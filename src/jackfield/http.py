"""HTTP as values: origins, requests, responses, the limits of a backend. No I/O happens here."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import attrs

from jackfield.errors import ConfigError, InvalidResponseError
from jackfield.headers import is_token
from jackfield.proxy import ProxyURL, proxy_url
from jackfield.redaction import scrub

if TYPE_CHECKING:
    from jackfield.flow import Flow, Read


def _positive(_: Any, attribute: attrs.Attribute[Any], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{attribute.name}: expected a number above 0")


@attrs.frozen
class Timeouts:
    """Limits in seconds: of connecting, of the wait for the first byte and between events, and of the whole call."""

    connect: float = attrs.field(default=5.0, validator=_positive)
    first_byte: float = attrs.field(default=120.0, validator=_positive)
    idle: float = attrs.field(default=60.0, validator=_positive)
    total: float = attrs.field(default=600.0, validator=_positive)


@attrs.frozen
class Transport:
    """How a backend is reached, and how much of its answers is taken.

    Attributes:
        proxy: URL of a proxy, a ``ProxyURL`` where it has a password; None takes ``HTTPS_PROXY``, ``HTTP_PROXY``,
            ``ALL_PROXY`` and ``NO_PROXY`` from the environment.
        ca_file: PEM file of the certificate authorities to trust; None takes ``SSL_CERT_FILE``, then the system's.
        max_connections: connections to one origin at a time; a call that finds none free waits.
        max_response_bytes: most that is taken of one answer, decoded.
        max_line_bytes: longest line of a stream.
    """

    proxy: ProxyURL | str | None = attrs.field(default=None, converter=proxy_url)
    ca_file: str | None = None
    max_connections: int = attrs.field(default=1000, validator=_positive)
    max_response_bytes: int = attrs.field(default=64 * 2**20, validator=_positive)
    max_line_bytes: int = attrs.field(default=2**20, validator=_positive)


@attrs.frozen(order=True)
class Origin:
    """Scheme, host and port: what a credential is bound to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @property
    def secure(self) -> bool:
        """Whether a credential may be sent there: https, or this machine itself."""
        return self.scheme == "https" or self.host == "localhost" or is_loopback(self.host)

    @property
    def authority(self) -> str:
        """Host and port, without a port that goes without saying: the value of a ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if {"http": 80, "https": 443}[self.scheme] == self.port else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@lru_cache(maxsize=512)
def is_loopback(host: str) -> bool:
    """Whether a host is an address of this machine itself; a name that only begins like one is not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=512)
def split_url(url: str) -> tuple[Origin, str]:
    """Origin, and path with query, of an absolute http or https URL.

    Raises:
        ConfigError: it is no such URL, carries user or password, or has characters that a request line cannot.
    """
    if any(not "!" <= char <= "~" for char in url):  # urlsplit would drop line ends without a word
        raise ConfigError("the URL has characters that must be percent-encoded (in the host's name: punycode)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("not a URL: its host or port is malformed") from None  # the reason repeats parts of it
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError("expected a URL that begins with https:// or http:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("a URL must not carry a user name or password; use an auth middleware")
    origin = Origin(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))
    return origin, target_of(url)


def target_of(url: str) -> str:
    """Path and query of a URL: what stands in the first line of its request (RFC 9112, section 3.2.1)."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@attrs.frozen(eq=False)
class Backend:
    """A configured provider, as layers see it.

    Attributes:
        name: as configured.
        provider: name of its plugin.
        origin: where its credentials may be sent; None for one that runs in this process.
    """

    name: str
    provider: str
    origin: Origin | None = None
    timeouts: Timeouts = attrs.field(factory=Timeouts, repr=False)
    transport: Transport = attrs.field(factory=Transport, repr=False)


def _octets(body: Any) -> bytes:
    if body.__class__ is bytes:
        return body
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    raise TypeError(f"body: expected bytes or text, got {type(body).__name__}")


def _in_lower_case(headers: Mapping[str, str]) -> Mapping[str, str]:
    """One name in two spellings would be two headers to us and one to the server."""
    if all(map(_is_lower, headers)):
        return headers
    return {name.lower() if isinstance(name, str) else name: value for name, value in headers.items()}


def _is_lower(name: Any) -> bool:
    return isinstance(name, str) and name.islower()


def _is_method(_: Any, attribute: attrs.Attribute[str], value: str) -> None:
    if not is_token(value):
        raise ValueError(f"{attribute.name}: expected the name of an HTTP method")


@attrs.frozen(eq=False, repr=False)
class HttpRequest:
    """An HTTP request, immutable. Its repr shows neither the values of its headers nor its body.

    Args:
        method: ``GET``, ``POST`` …
        url: absolute.
        headers: by name; names are put into lower case.
        body: bytes to send, or text to send as UTF-8.

    Raises:
        TypeError: the body is neither.
        ValueError: the method is none.
    """

    method: str = attrs.field(validator=_is_method)
    url: str
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=_in_lower_case)
    body: bytes = attrs.field(default=b"", converter=_octets)

    @property
    def origin(self) -> Origin:
        """Scheme, host and port of the URL."""
        return split_url(self.url)[0]

    @property
    def target(self) -> str:
        """Path and query of the URL."""
        return split_url(self.url)[1]

    def with_headers(self, headers: Mapping[str, str]) -> HttpRequest:
        """The same request with these headers set."""
        return HttpRequest(self.method, self.url, {**self.headers, **_in_lower_case(headers)}, self.body)

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {scrub(self.url)} {sorted(self.headers)} {len(self.body)} bytes>"


class Body(Protocol):
    """The handle of a response's body: a driver's, or that of a layer which answers by itself."""

    def release(self) -> None:
        """Give the connection back if the body was read to its end, else close it; never waits."""


@attrs.define(eq=False, repr=False)
class HttpResponse:
    """The head of an answer; its body is read by ``Read`` effects. It belongs to the flow that sent the request.

    A layer around HTTP exchanges may stand before a body, to look at it or to answer by itself: it returns a response
    whose ``reader`` makes the flow for each ``Read`` of it. What the flow returns or raises is the outcome of that
    ``Read``. A response that is made of another one gets its ``body``, so that the connection lives as long as it does.

    Attributes:
        status: HTTP status.
        headers: by name, whatever the case.
        request: what was answered.
        body: the driver's handle.
        reader: from a ``Read`` of this response to a flow that returns bytes; None leaves it to the driver.
    """

    status: int
    headers: Mapping[str, str]
    request: HttpRequest
    body: Body
    reader: Callable[[Read], Flow[bytes]] | None = None
    _decoder: ContentDecoder | None = attrs.field(default=None, init=False)

    def header(self, name: str) -> str | None:
        """The value of a header, or None."""
        return self.headers.get(name)

    def decode(self, block: bytes, limit: int) -> bytes:
        """For drivers: undo the content encoding of a block of the body, ``b""`` being its end.

        Raises:
            InvalidResponseError: over ``limit`` bytes in all, cut short, or encoded as no one asked for.
        """
        if self._decoder is None:
            self._decoder = ContentDecoder(self.headers.get("content-encoding") or "", limit)
        return self._decoder.feed(block)

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status} to {self.request!r}>"


class ContentDecoder:
    """Undoes ``Content-Encoding`` (RFC 9110, section 8.4) within a limit: a small bomb never becomes a large body.

    Args:
        encoding: the header's value; ``gzip`` and ``deflate`` are known.
        limit: most bytes that are taken, decoded.
    """

    __slots__ = ("_inflate", "_left", "_limit")

    def __init__(self, encoding: str, limit: int) -> None:
        self._left = self._limit = limit
        self._inflate: Any = None
        coding = encoding.strip().lower()
        if coding in {"gzip", "x-gzip", "deflate"}:
            self._inflate = _inflater()
        elif coding not in {"", "identity"}:
            raise InvalidResponseError(
                f"content encoding {scrub(encoding.strip())[:40]!r} was not asked for and is not known"
            )

    def feed(self, block: bytes) -> bytes:
        """Decode a block; ``b""`` is the end of the body and must be the end of the encoding too.

        Raises:
            InvalidResponseError: over the limit, damaged, or cut short.
        """
        if self._inflate is not None:
            block = self._inflated(block)
        self._left -= len(block)
        if self._left < 0:
            raise InvalidResponseError(f"the answer is larger than {self._limit} bytes (max_response_bytes)")
        return block

    def _inflated(self, block: bytes) -> bytes:
        if not block and not self._inflate.eof:
            raise InvalidResponseError("the compressed answer was cut short")
        decoded, room = [], self._left + 1
        try:
            while block and room > 0:
                if self._inflate.eof:
                    self._inflate = _inflater()  # gzip may have several members (RFC 1952, section 2.2)
                decoded.append(self._inflate.decompress(block, room))
                room -= len(decoded[-1])
                block = self._inflate.unused_data
        except zlib.error:
            raise InvalidResponseError("the compressed answer is damaged") from None
        return b"".join(decoded)


def _inflater() -> Any:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # of both formats, told by their heads
