"""Scanner: looks for secrets in what is about to be written. It tells where one is, and never what it is."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from jackfield.redaction import scrub, scrub_bytes
from jackfield_replay.exchange import Exchange

KNOWN = "a known secret"
_BEGIN = r"(?<![A-Za-z0-9_-])"
_PREFIXES = ("sk", "pk", "rk", "gsk", "hf", "xai", "nvapi", "r8", "pplx", "tgp", "fw")


class Shape(NamedTuple):
    """What keys of a kind look like.

    Attributes:
        name: of the kind.
        marks: one of them is in each such key, in lower case: to look for them is quick.
        pattern: finds it.
    """

    name: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]

    def is_in(self, text: str, lower: str) -> bool:
        """Whether a text, which is given in lower case too, has a key of the kind."""
        return any(mark in lower for mark in self.marks) and self.pattern.search(text) is not None


def _shape(name: str, pattern: str, *marks: str) -> Shape:
    return Shape(name, marks, re.compile(pattern))


SHAPES = (
    _shape(
        "an API key",
        _BEGIN + rf"(?:{'|'.join(_PREFIXES)})[-_](?=[\w-]*\d)[\w-]{{16,}}",
        *(prefix + mark for prefix in _PREFIXES for mark in "-_"),
    ),
    _shape(
        "a GitHub token",
        _BEGIN + r"(?:gh[oprsu]_|github_pat_)\w{20,}",
        "gho_",
        "ghp_",
        "ghr_",
        "ghs_",
        "ghu_",
        "github_pat_",
    ),
    _shape("an AWS key", _BEGIN + r"A[KS]IA[A-Z0-9]{16}", "akia", "asia"),
    _shape("a Google key", _BEGIN + r"(?:AIza[\w-]{30,}|ya29\.[\w-]{20,})", "aiza", "ya29."),
    _shape("a newer Google key", _BEGIN + r"AQ\.[\w-]{30,}", "aq."),
    _shape("a Slack token", _BEGIN + r"xox[abeoprs]-[\w-]{10,}", "xox"),
    _shape("a JSON Web Token", _BEGIN + r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}", "eyj"),
    _shape("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "private key-----"),
    _shape(
        "a credential of HTTP",
        r"(?i)\b(?:bearer|basic)\s+(?=[^\s\"']*\d)[A-Za-z0-9._~+/-]{16,}",
        "bearer",
        "basic",
    ),
    _shape("a password in a URL", r"://[^\s/:@\"'<>]{1,256}:(?!\*\*\*@)[^\s/@\"'<>]{1,256}@", "://"),
)
"""Keys of well-known services."""


def scan(exchange: Exchange, document: bytes) -> list[str]:
    """Where there is a secret, as ``place: kind``; nothing where it is clean.

    Args:
        exchange: what is to be written.
        document: the text of it, as it is to be written.
    """
    found = [f"{place}: {kind}" for place, text in _texts(exchange) for kind in _kinds(text)]
    if not found and (scrub_bytes(document) != document or any(_shapes(document.decode()))):
        found.append(f"the whole: {KNOWN}, put together by the way it is written")
    return found


def _texts(exchange: Exchange) -> Iterator[tuple[str, str]]:
    yield from _strings(msgspec.to_builtins(exchange), "")
    yield "request.body", exchange.request.body.decode("utf-8", "replace")
    if exchange.response is not None and len(exchange.response.blocks) > 1:
        whole = b"".join(block.data for block in exchange.response.blocks)
        yield "response.blocks, joined", whole.decode("utf-8", "replace")


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{place}, a name" if place else "a name", name
            yield from _strings(member, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _strings(member, f"{place}[{index}]")
    elif isinstance(value, str):
        yield place, value
        if place.endswith(".base64"):
            yield place, b64decode(value).decode("latin-1")


def _kinds(text: str) -> Iterator[str]:
    if scrub(text) != text:
        yield KNOWN
    yield from _shapes(text)


def _shapes(text: str) -> Iterator[str]:
    lower = text.lower()
    yield from (f"what looks like {shape.name}" for shape in SHAPES if shape.is_in(text, lower))
