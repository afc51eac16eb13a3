"""Server-sent events: the standard's events for every way of cutting the bytes, and no foreign exception."""

from __future__ import annotations

import re

from fuzz.source import tried, ways
from jackfield.errors import InvalidResponseError
from jackfield.sse import Event, EventDecoder

LIMITS = (2**20, 2**20, 40, 7)
"""Longest lines."""


def check(data: bytes) -> None:
    """The first byte chooses the limit and whether plain blocks take their short cut, the second the cuts."""
    if len(data) < 2:
        return
    options, seed, stream = data[0], data[1], data[2:]
    limit = LIMITS[options % len(LIMITS)]
    whole, refused = decoded([stream], limit, short=False)
    if refused is None:
        assert max(map(len, lines(stream))) <= limit, "a line is longer than allowed"
        assert whole == expected(stream), "these are not the events of the standard"
    for pieces in ways(stream, seed):
        for short in (False, True):
            events, error = decoded(pieces, limit, short=short)
            assert events == whole, "the events depend on the cuts"
            assert str(error) == str(refused), "the error depends on the cuts"


def decoded(pieces: list[bytes], limit: int, *, short: bool) -> tuple[list[Event], Exception | None]:
    """The events of a stream in pieces, and the error after them."""
    decoder = EventDecoder(limit)
    events: list[Event] = []
    for piece in filter(None, pieces):
        datas = decoder.plain(piece) if short else None
        if datas is not None:
            events += [("message", one) for one in datas]
            continue
        told, error = tried((InvalidResponseError,), decoder.feed, piece)
        events += told or []
        if error is not None or decoder.failure is not None:
            return events, error or decoder.failure
    told, error = tried((InvalidResponseError,), decoder.end)
    return events + (told or []), error or decoder.failure


def lines(stream: bytes) -> list[bytes]:
    """The lines of a stream."""
    return re.split(rb"\r\n|\r|\n", stream.removeprefix(b"\xef\xbb\xbf"))


def expected(stream: bytes) -> list[Event]:
    """The events by the letter of the standard, and a blank line added to the end."""
    events: list[Event] = []
    data: list[bytes] = []
    kind = b""
    for line in [*lines(stream), b""]:
        name, _, value = line.partition(b":")
        value = value[value[:1] == b" " :]
        if name == b"data" and line:
            data.append(value)
        elif name == b"event":
            kind = value
        elif not line:
            events += [(kind.decode("utf-8", "replace") or "message", b"\n".join(data))] if data else []
            data, kind = [], b""
    return events
