"""What both drivers need to reach a host: whom to trust, and through which proxy."""

from __future__ import annotations

import os
import ssl
from urllib.parse import unquote, urlsplit

from jackfield.errors import ConfigError, Fault
from jackfield.http import Origin, Transport
from jackfield.proxy import ProxyURL
from jackfield.redaction import remember

AUTHORITIES = "name a file with the authority's certificates in PEM, which the program may read"
"""What to do about a ``ca_file`` that cannot be used."""


class TLSSocket(ssl.SSLSocket):
    """A socket that is closed without a warning where nobody had the time to.

    Python leaves its own one open when the other side resets the connection just before the handshake (``_create``).
    """

    def __del__(self) -> None:
        """Close it."""
        self.close()


def tls_context(transport: Transport) -> ssl.SSLContext:
    """TLS 1.2 or newer, always verified; ``SSLKEYLOGFILE`` is not honoured.

    The authorities are those of ``ca_file``, else of ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``, else the system's.

    Raises:
        ConfigError: ``ca_file`` cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = TLSSocket
    if transport.ca_file is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(transport.ca_file)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else getattr(error, "strerror", "no path")
        expected = f"{transport.ca_file} cannot be used: {why}"
        raise ConfigError([Fault("transport.ca_file", expected, hint=AUTHORITIES)]) from None
    return context


def proxy_for(origin: Origin, transport: Transport) -> str | None:
    """URL of the proxy to an origin: the configured one, else by ``*_PROXY`` and ``NO_PROXY``; None for none.

    The environment's is not used for what is sent in clear to this machine itself.

    Raises:
        ConfigError: it is not an http or https URL.
    """
    own = transport.proxy.url if isinstance(transport.proxy, ProxyURL) else transport.proxy
    proxy = own if own is not None else _from_environment(origin)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # its text repeats the URL, which may hold a password
        usable = False
    if not usable:
        raise ConfigError("proxy: expected an http:// or https:// URL")
    if parts.password:
        remember(parts.password, pinned=True)
        remember(unquote(parts.password), pinned=True)
    return proxy


def credentials(proxy: str) -> tuple[str, str] | None:
    """User name and password in the URL of a proxy, decoded; None where it has none."""
    parts = urlsplit(proxy)
    return None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))


def _from_environment(origin: Origin) -> str | None:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    if origin.scheme == "http" and origin.secure:
        return None  # a credential may go to this machine in clear, for it does not leave it
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed has it for some systems only; imported late: few need it

    if proxy_bypass_environment(f"{origin.host}:{origin.port}"):
        return None
    proxies = getproxies_environment()
    return proxies.get(origin.scheme) or proxies.get("all")
