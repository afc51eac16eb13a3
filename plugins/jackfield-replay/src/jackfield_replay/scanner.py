"""Scanner: looks for secrets in what is about to be written. It tells where one is, and never what it is."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import msgspec

from jackfield.redaction import scrub, scrub_bytes
from jackfield_replay.exchange import Exchange

KNOWN = "a known secret"
_BEGIN = r"(?<![A-Za-z0-9_-])"
SHAPES: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "an API key": _BEGIN + r"(?:sk|pk|rk|gsk|hf|xai|nvapi|r8|pplx|tgp|fw)[-_](?=[\w-]*\d)[\w-]{16,}",
        "a GitHub token": _BEGIN + r"(?:gh[oprsu]_|github_pat_)\w{20,}",
        "an AWS key": _BEGIN + r"A[KS]IA[A-Z0-9]{16}",
        "a Google key": _BEGIN + r"(?:AIza[\w-]{30,}|ya29\.[\w-]{20,})",
        "a Slack token": _BEGIN + r"xox[abeoprs]-[\w-]{10,}",
        "a JSON Web Token": _BEGIN + r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}",
        "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        "a credential of HTTP": r"(?i)\b(?:bearer|basic)\s+(?=[^\s\"']*\d)[A-Za-z0-9._~+/-]{16,}",
        "a password in a URL": r"://[^\s/:@\"'<>]{1,256}:(?!\*\*\*@)[^\s/@\"'<>]{1,256}@",
    }.items()
}
"""What keys of well-known services look like."""


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
    yield from (f"what looks like {name}" for name, shape in SHAPES.items() if shape.search(text))
