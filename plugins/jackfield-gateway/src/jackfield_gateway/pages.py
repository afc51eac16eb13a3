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
def contents() -> dict[str, tuple[bytes, str]]:
    """The files of the page and their entity tags, by name; read once."""
    page = files("jackfield_gateway").joinpath("page")
    found = [one for one in page.iterdir() if one.is_file()] if page.is_dir() else []
    data = {one.name: one.read_bytes() for one in found if one.name.rpartition(".")[2] in TYPES}
    return {name: (read, f'"{hashlib.sha256(read).hexdigest()[:32]}"') for name, read in data.items()}


def _file(inbound: Inbound, name: str) -> Reply:
    if name not in contents():
        raise Refusal(404, "there is no such file", code="unknown_url")
    data, tag = contents()[name]
    kind, headers = TYPES[name.rpartition(".")[2]], {**HEADERS, "etag": tag}
    if _has(inbound.headers.get("if-none-match", ""), tag):
        return Reply(b"", 304, kind, headers)
    return Reply(data, 200, kind, headers)


def _has(condition: str, tag: str) -> bool:
    """Whether the client has it already: a list of tags, weak ones too, or ``*``. RFC 9110, section 13.1.2."""
    return tag in {one.strip().removeprefix("W/") for one in condition.split(",")} or condition.strip() == "*"
