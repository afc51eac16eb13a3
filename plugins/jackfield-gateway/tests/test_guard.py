"""Guard: which hosts, pages and keys get in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import attrs
import pytest

from jackfield_gateway.guard import HEADER_BYTES, Guard
from jackfield_gateway.inbound import Inbound
from jackfield_gateway.key import Key
from jackfield_gateway.refusal import Refusal
from jackfield_gateway.settings import GatewaySettings, Limits

KEY = Key("key_1", "laptop", "jf-abc")


@attrs.define
class Ring:
    """Keys by their token."""

    keys: Mapping[str, Key] = attrs.field(factory=dict)

    async def demanded(self) -> bool:
        """Whether there are any."""
        return bool(self.keys)

    async def find(self, token: str) -> Key | None:
        """The key of a token."""
        return self.keys.get(token)


async def _never() -> dict[str, object]:
    raise AssertionError("nothing of the body is read")


async def _nothing(_: object) -> None:
    raise AssertionError("nothing is sent")


def asked(*headers: tuple[str, str], version: str = "1.1") -> Inbound:
    """A request with these headers."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "http_version": version, "method": "POST", "headers": raw, "query_string": b""}
    return Inbound(scope, _never, _nothing, Limits())


def guard(ring: Ring | None = None, **settings: object) -> Guard:
    """The guard of a gateway with these settings."""
    return Guard(GatewaySettings(**settings), ring or Ring())  # type: ignore[arg-type]  # a ring of the tests' own


def refused(inbound: Inbound, **settings: object) -> int:
    """The status with which a request is refused, 0 where it passes."""
    try:
        guard(**settings).check_place(inbound)
    except Refusal as refusal:
        return refusal.status
    return 0


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:4000", "LOCALHOST", "127.0.0.1:4000", "[::1]:4000", "192.168.0.7", "box", "box:80"]
)
def test_its_own_names_and_addresses_are_taken(host):
    """An address cannot be bound to another machine; a name that the operator gave is one of its own."""
    assert refused(asked(("host", host)), hosts=("Box",)) == 0


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "a@localhost",
        "localhost/x",
        "[::1",
        "x:y",
    ],
)
def test_other_names_are_not(host):
    """A name that somebody bound to this address would let their page ask."""
    assert refused(asked(("host", host))) == 421


def test_any_name_may_be_allowed():
    """Behind a proxy that checks it."""
    assert refused(asked(("host", "any.example")), hosts=("*",)) == 0


@pytest.mark.parametrize("hosts", [(), ("",), ("", ""), ("localhost", ""), ("localhost", "localhost")])
def test_there_is_one_host(hosts):
    """RFC 9112, section 3.2: none or several are a bad request."""
    assert refused(asked(*(("host", host) for host in hosts))) == 400


@pytest.mark.parametrize("version", ["1", "1.0"])
@pytest.mark.parametrize("hosts", [(), ("",)])
def test_http_1_0_knows_no_host(hosts, version):
    """The server passes an empty one for none. A page is looked for all the same, and a name that is told."""
    none = [("host", host) for host in hosts]
    assert refused(asked(*none, version=version)) == 0
    assert refused(asked(*none, ("origin", "https://evil.example"), version=version)) == 403
    assert refused(asked(("host", "evil.example"), version=version)) == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 0),
        ({"sec-fetch-mode": "cors"}, 0),  # what Node sends
        ({"origin": "http://localhost:4000", "sec-fetch-site": "same-origin"}, 0),
        ({"origin": "http://localhost:4000"}, 0),
        ({"sec-fetch-site": "none"}, 0),
        ({"sec-fetch-site": "same-origin"}, 0),
        ({"origin": "https://app.example", "sec-fetch-site": "cross-site"}, 0),
        ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://localhost:5000", "sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://localhost:5000"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://localhost:4000", "sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_pages_of_others_are_refused(headers, status):
    """Its own page and allowed ones may ask, and so may programs, which say nothing of a page."""
    inbound = asked(("host", "localhost:4000"), *headers.items())
    assert refused(inbound, origins=("https://app.example",)) == status


def test_many_bytes_of_headers_are_too_many():
    """More than 64 KiB in all."""
    half = "x" * (HEADER_BYTES // 2)
    assert refused(asked(("host", "localhost"), ("a", half))) == 0
    assert refused(asked(("host", "localhost"), ("a", half), ("b", half))) == 431


def test_only_allowed_origins_are_told_that_they_are():
    """The gateway's own page needs no such header."""
    own = guard(origins=("https://app.example/",))
    assert own.allowed_origin(asked(("origin", "https://app.example"))) == "https://app.example"
    assert own.allowed_origin(asked(("origin", "http://localhost"), ("host", "localhost"))) is None
    assert own.allowed_origin(asked()) is None


def test_a_key_opens():
    """It is told whose request it is."""
    ring = Ring({"jf-token": KEY})
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert asyncio.run(guard(ring).check_key(asked(("authorization", f"{scheme} jf-token")))) is KEY


def test_where_no_key_is_demanded_any_will_do():
    """Clients that must send one send what they like."""
    assert asyncio.run(guard().check_key(asked(("authorization", "Bearer whatever")))) is None


def test_all_that_is_wrong_with_a_key_is_told_alike():
    """Nobody learns which of them there are: one status, one text, one set of headers."""
    ring, told = Ring({"jf-token": KEY}), set()
    for headers in (
        (),
        (("authorization", ""),),
        (("authorization", "Bearer"),),
        (("authorization", "Bearer jf-other"),),
        (("authorization", "Basic jf-token"),),
        (("authorization", "jf-token"),),
        (("authorization", "Bearer jf-token"), ("authorization", "Bearer jf-token")),
        (("authorization", "Bearer \xff\xfe"),),
    ):
        with pytest.raises(Refusal) as refusal:
            asyncio.run(guard(ring).check_key(asked(*headers)))
        told.add((refusal.value.status, refusal.value.body, tuple(refusal.value.headers.items())))
    assert len(told) == 1
    assert told.pop()[0] == 401
