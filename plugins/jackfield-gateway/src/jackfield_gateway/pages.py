"""The page: static files, and the headers that keep everything else out of it."""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from jackfield_gateway.outbound import Reply
from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound

TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""W3C Content Security Policy, level 3: nothing but the page's own files, and no script or style within them."""
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


async def index(_: Gateway, inbound: Inbound) -> Reply:
    """GET /."""
    return _file(inbound, "index.html")


async def asset(_: Gateway, inbound: Inbound) -> Reply:
    """GET /page/{name}. Raises ``Refusal``."""
    return _file(inbound, inbound.parameters["name"])


@functools.cache
def contents() -> dict[str, bytes]:
    """The files of the page, by name; read once."""
    found = (one for one in files("jackfield_gateway").joinpath("page").iterdir() if one.is_file())
    return {one.name: one.read_bytes() for one in found if one.name.rpartition(".")[2] in TYPES}


def _file(inbound: Inbound, name: str) -> Reply:
    data = contents().get(name)
    if data is None:
        raise Refusal(404, "there is no such file", code="unknown_url")
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {**HEADERS, "etag": tag}
    if inbound.headers.get("if-none-match") == tag:
        return Reply(b"", 304, TYPES[name.rpartition(".")[2]], headers)
    return Reply(data, 200, TYPES[name.rpartition(".")[2]], headers)
