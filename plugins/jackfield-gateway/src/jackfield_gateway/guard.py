"""Guard: who may ask. Host, origin and key of a request, before anything else of it is read.

A page in a browser reaches servers on its user's machine. Two checks keep strange pages out: the ``Host`` has to be a
name of this gateway (a name that was bound to this address by somebody else is none), and a request that says it comes
from a page has to come from the gateway's own, or from one that the operator allowed. Programs say neither.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jackfield_gateway.inbound import LEAVE_UNREAD
from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jackfield_gateway.inbound import Inbound
    from jackfield_gateway.key import Key
    from jackfield_gateway.ring import KeyRing
    from jackfield_gateway.settings import GatewaySettings

HEADER_BYTES = 64 * 1024
"""Of all names and values together."""
NAME_BYTES = 300
"""Of a host's name with its port: RFC 1035 allows 255 for the name."""
MOST_SEEN = 256
"""So many values of ``Host`` are remembered as known; clients could make up others."""
FOREIGN_SITES = frozenset({"cross-site", "same-site"})
"""Values of ``Sec-Fetch-Site`` of what other pages ask. W3C Fetch Metadata, section 2.3."""


class Guard:
    """Checks of one gateway.

    Args:
        settings: names and origins that are allowed.
        ring: the keys.
    """

    def __init__(self, settings: GatewaySettings, ring: KeyRing) -> None:
        self._hosts = frozenset(name.lower() for name in settings.hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in settings.origins)
        self._ring = ring
        self._seen: set[str] = set()

    def check_place(self, inbound: Inbound) -> None:
        """Refuse a request for another host, or from a page that is not allowed.

        Raises:
            Refusal: 421 (RFC 9110, section 15.5.20), 403, 400 without a host, or 431.
        """
        headers = inbound.scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES:
            raise Refusal(431, f"the headers have more than {HEADER_BYTES} bytes", headers=LEAVE_UNREAD)
        self._check_host([value for name, value in headers if name == b"host"], inbound)
        self._check_origin(inbound)

    def _check_host(self, hosts: Sequence[bytes], inbound: Inbound) -> None:
        told = hosts not in ([], [b""])  # the latter is what the server makes of none
        if not told and inbound.scope.get("http_version") in {"1", "1.0"}:  # granian writes the first, ASGI the second
            return  # it knows no Host (RFC 1945), and checks of health are asked by it; no browser does
        if not told or len(hosts) != 1:
            raise Refusal(400, "expected one Host header", code="invalid_host", headers=LEAVE_UNREAD)
        if not self._known(inbound.headers["host"]):
            raise Refusal(
                421, "this is another host's name; `hosts` of [gateway] lists those that are taken", code="invalid_host"
            )

    def allowed_origin(self, inbound: Inbound) -> str | None:
        """The origin of the page that asks, where the operator allowed it; None for all others."""
        origin = inbound.headers.get("origin", "")
        return origin if origin.lower() in self._origins else None

    async def check_key(self, inbound: Inbound, *, inspects: bool = False) -> Key | None:
        """The key of a request; None where none is demanded.

        Args:
            inbound: the request.
            inspects: whether it asks for what only some keys may see.

        Raises:
            Refusal: 401, the same in all cases; 403, the key may not inspect.
        """
        if not await self._ring.demanded():
            return None
        given = [value for name, value in inbound.scope["headers"] if name == b"authorization"]
        scheme, _, token = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
        key = await self._ring.find(token.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise Refusal(
                401,
                "no valid key of this gateway was given: Authorization: Bearer KEY",
                code="invalid_api_key",
                headers={"www-authenticate": "Bearer"},
            )
        if inspects and not key.inspect:
            raise Refusal(403, "this key may not inspect the gateway", code="key_may_not_inspect")
        return key

    def _known(self, host: str) -> bool:
        if host in self._seen:
            return True
        known = len(host) <= NAME_BYTES and self._is_known(host)
        if known and len(self._seen) < MOST_SEEN:
            self._seen.add(host)
        return known

    def _is_known(self, host: str) -> bool:
        name = _name(host)
        if name is None:
            return False
        return name == "localhost" or name in self._hosts or "*" in self._hosts or _is_address(name)

    def _check_origin(self, inbound: Inbound) -> None:
        origin = inbound.headers.get("origin")
        foreign = inbound.headers.get("sec-fetch-site") in FOREIGN_SITES
        if origin is None and not foreign:
            return
        if origin is not None and (origin.lower() in self._origins or (not foreign and _is_own(origin, inbound))):
            return
        raise Refusal(403, "pages of other origins may not ask this gateway", code="invalid_origin")


def _name(host: str) -> str | None:
    """The name or address of a ``Host``, without port and brackets; None where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # a port that is none raises
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and parts.username is None else None


def _is_address(name: str) -> bool:
    """Whether it is an address: nobody can bind that to another machine, as names can be."""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_own(origin: str, inbound: Inbound) -> bool:
    host = inbound.headers.get("host", "").lower()
    return origin.lower() in {f"{scheme}://{host}" for scheme in ("http", "https")}
