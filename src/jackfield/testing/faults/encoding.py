"""Faults of the content encoding (RFC 9110, section 8.4): bodies that are cut, damaged, or grow without end."""

from __future__ import annotations

import gzip
import zlib

from jackfield.errors import APIConnectionError, InvalidResponseError, StreamInterruptedError
from jackfield.testing.faults.answer import RawAnswer
from jackfield.testing.faults.catalogue import Exchange, fault

DAMAGED = (InvalidResponseError, APIConnectionError)
CUT = (InvalidResponseError, APIConnectionError, StreamInterruptedError)


@fault("gzip", "answers well, compressed though no one asked for it", coding="gzip")
async def gzipped(x: Exchange) -> None:
    """As some proxies do; ``coding`` may be ``deflate``."""
    body = b"".join(x.good().blocks)
    packed = gzip.compress(body) if x.text("coding") == "gzip" else zlib.compress(body)
    await x.send(_answer(x, packed, x.text("coding")))


@fault("short-gzip", "sends a compressed body cut short, its length being right", whole=DAMAGED, stream=CUT)
async def short_gzip(x: Exchange) -> None:
    """Cut what decompresses without an error as far as it goes."""
    body = b"".join(x.good().blocks[: x.dialect.needed(x.events) - 1] if x.ask.stream else x.good().blocks)
    await x.send(_answer(x, gzip.compress(body)[:-12], "gzip"))


@fault("bad-gzip", "sends a compressed body that is damaged", whole=DAMAGED, stream=CUT)
async def bad_gzip(x: Exchange) -> None:
    """Damage it in the middle."""
    packed = bytearray(gzip.compress(b"".join(x.good().blocks)))
    packed[len(packed) // 2] ^= 0xFF
    await x.send(_answer(x, bytes(packed), "gzip"))


@fault("bomb", "sends a small body that becomes `bytes` bytes", whole=DAMAGED, stream=CUT, bytes="67108864")
async def bomb(x: Exchange) -> None:
    """Zeros, compressed a thousand times; those of a stream are a comment in it."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    packed = packer.compress(b": " if x.ask.stream else b'{"x": "')
    for _ in range(int(x.text("bytes")) // 2**20):
        packed += packer.compress(b"0" * 2**20)
    await x.send(_answer(x, packed + packer.flush(), "gzip"))


@fault("coding", "names a content encoding that no one asked for", whole=DAMAGED, stream=CUT, coding="br")
async def coding(x: Exchange) -> None:
    """An encoding, or a chain of them."""
    await x.send(_answer(x, b"\x0b\x02\x80" + b"".join(x.good().blocks), x.text("coding")))


def _answer(x: Exchange, body: bytes, coding: str) -> bytes:
    return RawAnswer([body], headers={"content-type": x.content_type, "content-encoding": coding}).whole
