"""Content encodings: the same bytes for every way of cutting, within the limit, and only InvalidResponseError."""

from __future__ import annotations

import gzip
import zlib

from fuzz.source import Source, tried, ways
from jackfield.errors import InvalidResponseError
from jackfield.http import ContentDecoder

ENCODINGS = ("gzip", "deflate", "X-GZIP ", "identity", "", "br", "gzip, gzip")
LIMITS = (2**20, 100, 4096, 0)


def check(data: bytes) -> None:
    """Bytes choose the encoding, the limit, the cuts, and whether what is decoded was encoded first."""
    source = Source(data)
    encoding, limit, seed, kind = source.pick(ENCODINGS), source.pick(LIMITS), source.byte(), source.byte()
    plain = source.rest() * (1 + kind // 16)
    body = encoded(plain, encoding) if kind % 2 else plain
    if kind % 4 == 3:
        body = body[: seed * len(body) // 255] + body[1 + seed * len(body) // 255 :]  # a byte is gone
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate", "identity", ""}:
        _, error = tried((InvalidResponseError,), ContentDecoder, encoding, limit)
        assert error is not None, "an unknown encoding was taken"
        return
    whole, end = decoded([body], encoding, limit)
    assert kind % 4 != 1 or len(plain) > limit or (whole, end) == (plain, ""), "what was encoded comes out"
    assert kind % 4 != 1 or len(plain) <= limit or end, "more came out than allowed"
    for pieces in ways(body, seed):
        told, failed = decoded(pieces, encoding, limit)
        assert len(told) <= limit, "more came out than allowed"
        assert bool(failed) == bool(end), "whether it fails depends on the cuts"
        assert failed or told == whole, "the bytes depend on the cuts"


def encoded(plain: bytes, encoding: str) -> bytes:
    """The bytes in two members of gzip, or in one stream of deflate."""
    if "deflate" in encoding:
        return zlib.compress(plain)
    if "gzip" not in encoding.lower():
        return plain
    middle = len(plain) // 2
    return gzip.compress(plain[:middle], mtime=0) + gzip.compress(plain[middle:], mtime=0)


def decoded(pieces: list[bytes], encoding: str, limit: int) -> tuple[bytes, str]:
    """What comes out of a body in pieces, and the failure that ends it."""
    decoder = ContentDecoder(encoding, limit)
    out = b""
    for piece in [*filter(None, pieces), b""]:
        block, error = tried((InvalidResponseError,), decoder.feed, piece)
        if block is None:
            return out, str(error)
        out += block
    return out, ""
