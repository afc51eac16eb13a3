"""Faults of the framing: heads and lengths that lie, or are none (RFC 9112, sections 4 to 7)."""

from __future__ import annotations

from jackfield.errors import APIConnectionError, InvalidResponseError, StreamInterruptedError
from jackfield.testing.faults.answer import RawAnswer, chunk, head
from jackfield.testing.faults.catalogue import Exchange, fault

LOST = (APIConnectionError,)
CUT = (APIConnectionError, StreamInterruptedError)
REFUSED = (APIConnectionError, InvalidResponseError)


@fault("short-length", "announces a longer body than it sends", whole=LOST, stream=CUT)
async def short_length(x: Exchange) -> None:
    """End the connection before the announced length."""
    body = _incomplete(x)
    await x.send(head(200, _headers(x), f"content-length: {len(body) + 40}\r\n"), body)
    await x.part()


@fault("short-chunk", "ends the connection in the middle of a chunk", whole=LOST, stream=CUT)
async def short_chunk(x: Exchange) -> None:
    """Announce a chunk that is longer than what is sent."""
    body = _incomplete(x)
    await x.send(head(200, _headers(x), "transfer-encoding: chunked\r\n"), f"{len(body) + 40:x}\r\n".encode(), body)
    await x.part()


@fault("no-last-chunk", "ends the connection between two chunks", whole=LOST, stream=CUT)
async def no_last_chunk(x: Exchange) -> None:
    """Leave out the chunk that ends the body."""
    await x.send(head(200, _headers(x), "transfer-encoding: chunked\r\n"), chunk(_incomplete(x)))
    await x.part()


@fault("bad-chunk", "sends a chunk whose size is no number", whole=LOST, stream=CUT)
async def bad_chunk(x: Exchange) -> None:
    """Break the chunked coding."""
    await x.send(head(200, _headers(x), "transfer-encoding: chunked\r\n"), chunk(_incomplete(x)), b"zz\r\n")
    await x.silence()


@fault("two-lengths", "sends two lengths that differ", whole=LOST, stream=LOST)
async def two_lengths(x: Exchange) -> None:
    """Desynchronise: where one answer ends is a matter of opinion."""
    body = x.good().whole
    await x.send(head(200, _headers(x), f"content-length: {len(body)}\r\ncontent-length: 5\r\n"), body)
    await x.silence()


@fault("both-framings", "sends a length and chunks", whole=LOST, stream=LOST)
async def both_framings(x: Exchange) -> None:
    """The same, by the two ways of framing."""
    framing = "content-length: 5\r\ntransfer-encoding: chunked\r\n"
    await x.send(head(200, _headers(x), framing), chunk(x.good().whole), chunk(b""))
    await x.silence()


@fault("bad-length", "sends a length that is no number", whole=LOST, stream=LOST, value="-5")
async def bad_length(x: Exchange) -> None:
    """A length that cannot be."""
    await x.send(head(200, _headers(x), f"content-length: {x.text('value')}\r\n"), x.good().blocks[0])
    await x.silence()


@fault("huge-header", "sends a header of `bytes` bytes", whole=LOST, stream=LOST, bytes="1000000")
async def huge_header(x: Exchange) -> None:
    """A head that would fill the memory."""
    await x.send(b"HTTP/1.1 200 OK\r\nx-huge: " + b"x" * int(x.text("bytes")))
    await x.silence()


@fault("many-headers", "sends `count` headers", whole=LOST, stream=LOST, count="5000")
async def many_headers(x: Exchange) -> None:
    """The same, in many lines."""
    await x.send(head(200, [*_headers(x).items(), *((f"x-{n}", "y") for n in range(int(x.text("count"))))]))
    await x.silence()


@fault("bad-header", "sends a header line without a colon", whole=LOST, stream=LOST)
async def bad_header(x: Exchange) -> None:
    """A line that is no header."""
    await x.send(b"HTTP/1.1 200 OK\r\ncontent-type application/json\r\ncontent-length: 2\r\n\r\n{}")
    await x.silence()


@fault("bad-status", "sends a status line that is none", whole=LOST, stream=LOST, line="HTTP/1.1 abc")
async def bad_status(x: Exchange) -> None:
    """Something that is not HTTP."""
    await x.send(x.text("line").encode() + b"\r\ncontent-length: 2\r\n\r\n{}")
    await x.silence()


@fault("informational", "answers well after informational answers", status="103")
async def informational(x: Exchange) -> None:
    """Early hints, and a ``100 Continue`` that no one asked for (RFC 9110, section 15.2)."""
    hint = head(int(x.text("status")), {"link": "</style.css>; rel=preload"})
    await x.send(hint, hint, x.good().whole)


@fault("close-delimited", "answers well; the end of the connection is the end of the body")
async def close_delimited(x: Exchange) -> None:
    """As servers of HTTP/1.0 do."""
    good = x.good()
    await x.send(*RawAnswer(good.blocks, headers=good.headers, framing="close").parts)
    await x.part()


@fault("close-delimited-cut", "the same, the connection ends early", whole=(InvalidResponseError,), stream=CUT)
async def close_delimited_cut(x: Exchange) -> None:
    """An end that looks like the end of the body."""
    await x.send(head(200, _headers(x), "connection: close\r\n"), _incomplete(x))
    await x.part()


def _headers(x: Exchange) -> dict[str, str]:
    return {"content-type": x.content_type}


def _incomplete(x: Exchange) -> bytes:
    """A body of which something is missing."""
    good = x.good()
    if not x.ask.stream:
        return good.blocks[0][:-10]
    return b"".join(good.blocks[: x.dialect.needed(x.events) - 1])
