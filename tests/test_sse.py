"""Server-sent events: the same events for every way of cutting the bytes."""

from __future__ import annotations

import random
import re
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jackfield.errors import InvalidResponseError
from jackfield.sse import Event, EventDecoder

CUTS = 400
"""Ways of cutting each of 250 streams: 100,000 in all."""
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.one_of(
    st.sampled_from(
        [
            b"",
            b"",
            b"data",
            b"data:",
            b"data: ",
            b"data:  two spaces",
            b"data: [DONE]",
            b"data:a:b",
            b": a comment",
            b":",
            b"event: error",
            b"event:",
            b"id: 1",
            b"retry: 5",
            b"unknown: x",
            b" data: x",
            b"\xef\xbb\xbfdata: x",
        ]
    ),
    st.binary(max_size=6)
    .map(lambda text: b"data: " + text)
    .filter(lambda line: b"\n" not in line and b"\r" not in line),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """The bytes of a stream, with any line ends."""
    lines = draw(st.lists(st.tuples(LINES, ENDS), max_size=12))
    bom = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return bom + b"".join(line + end for line, end in lines) + draw(st.sampled_from([b"", b"data: last", b"ev"]))


def expected(stream: bytes) -> list[Event]:
    """The events of a whole stream, by the letter of the standard, and a blank line added to the end."""
    stream = stream.removeprefix(b"\xef\xbb\xbf")
    events: list[Event] = []
    data: list[bytes] = []
    kind = b""
    for line in [*re.split(rb"\r\n|\r|\n", stream), b""]:
        if not line:
            if data:
                events.append((kind.decode("utf-8", "replace") or "message", b"\n".join(data)))
            data, kind = [], b""
            continue
        name, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if name == b"data":
            data.append(value)
        if name == b"event":
            kind = value
    return events


def decoded(pieces: list[bytes]) -> list[Event]:
    """The events that a decoder gives for a stream in pieces; with the short cut for plain blocks they are the same."""
    decoder, short = EventDecoder(), EventDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)] + decoder.end()
    shortly: list[Event] = []
    for piece in pieces:
        plain = short.plain(piece)
        shortly += short.feed(piece) if plain is None else [("message", data) for data in plain]
    assert shortly + short.end() == events
    return events


@example(stream=b"\n\n\ndata: last", seed=0)
@example(stream=b"data: a\n\n\ndata: b\n\n\n\n", seed=0)
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams(), seed=st.integers(0, 2**32))
def test_cutting_changes_nothing(stream: bytes, seed: int) -> None:
    """A stream gives the standard's events in one piece, byte by byte, and in 400 random cuts."""
    events = expected(stream)
    assert decoded([stream]) == events
    assert decoded([stream[i : i + 1] for i in range(len(stream))]) == events
    places = random.Random(seed)
    for _ in range(CUTS):
        cuts = sorted(places.choices(range(len(stream) + 1), k=places.randint(1, 6)))
        assert decoded([stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]) == events


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [("message", b"a"), ("message", b"b")]),
        (b"data: a\r\rdata: b\r\n\r\n", [("message", b"a"), ("message", b"b")]),
        (b"data: a\ndata: b\n\n", [("message", b"a\nb")]),
        (b"data\n\n", [("message", b"")]),
        (b"event: error\ndata: x\n\ndata: y\n\n", [("error", b"x"), ("message", b"y")]),
        (b"event: error\n\ndata: y\n\n", [("message", b"y")]),
        (b"id: 1\nretry: 10\n\n", []),
        (b": ping\n\n: ping\n\n", []),
        (b"data: a", [("message", b"a")]),
        (b"data: a\n", [("message", b"a")]),
        (b"\xef\xbb\xbfdata: a", [("message", b"a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"event: \xff\ndata: a\n\n", [("\ufffd", b"a")]),
        (b"", []),
    ],
)
def test_events_are_those_of_the_standard(stream: bytes, events: list[Event]) -> None:
    """Each rule of the standard, and the one exception: the last blank line may be missing."""
    assert decoded([stream]) == events == expected(stream)


@pytest.mark.parametrize(
    ("before", "block", "events"),
    [
        (b"", b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"", b"data: a\n\ndata: ", [b"a"]),
        (b"data: ", b"a\n\ndata: b\n\ndata: c", [b"a", b"b"]),
        (b"", b"data: \n\n", [b""]),
        (b"", b"data: a", None),
        (b"", b"data: a\n", None),
        (b"", b"data: a\n\nda", None),
        (b"", b"data: a\n\ndata:b\n\n", None),
        (b"", b"data: a\ndata: b\n\n", None),
        (b"", b"data: a\n\n: ping\n\ndata: b\n\n", None),
        (b"", b"data: a\n\n\ndata: b\n\n", None),
        (b"", b"data: a\r\n\r\n", None),
        (b"data: a\r", b"\ndata: b\n\n", None),
        (b"data: a\n", b"data: b\n\n", None),
        (b"", b"\xef\xbb\xbfdata: a\n\n", None),
        (b"", b"event: x\ndata: a\n\n", None),
        (b"", b"data: " + b"a" * 2**20 + b"\n\n", None),
    ],
)
def test_a_plain_block_is_one_of_lines_of_data_and_nothing_else(
    before: bytes, block: bytes, events: list[bytes] | None
) -> None:
    """Any other is declined, and nothing of it is taken."""
    decoder = EventDecoder()
    first = decoder.feed(before)
    assert decoder.plain(block) == events
    rest = decoder.feed(block) if events is None and len(block) < 2**20 else []
    if len(block) < 2**20:
        assert first + [("message", data) for data in events or ()] + rest + decoder.end() == expected(before + block)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: a\r", b"\n\r", b"\ndata: b\r", b"data: c\r\r"],
        [b"data: a\n", b"data: b\n", b"data: c\n\n"],
        [b"event: x\n", b"data: a\n\ndata: b\n\n"],
        [b"data: a\n", b"\n", b"data: b\n\n"],
    ],
)
def test_a_cut_within_an_event_changes_nothing(pieces: list[bytes]) -> None:
    """Between the two halves of a line end, between lines, and before the blank one."""
    assert decoded(pieces) == expected(b"".join(pieces))


@pytest.mark.parametrize("size", [10, 11, 12, 13, 14, 15])
def test_a_line_longer_than_allowed_is_refused(size: int) -> None:
    """The limit is exact, however the line ends and however it comes, a byte order mark aside."""
    line = b"data: " + b"x" * (size - 6)
    for stream in (line, line + b"\n\n", b"\xef\xbb\xbf" + line, b"event: a\n" + line + b"\r\n\r\n"):
        for step in (1, 4, len(stream)):
            decoder = EventDecoder(10)
            try:
                for start in range(0, len(stream), step):
                    decoder.feed(stream[start : start + step])
                decoder.end()
                refused = False
            except InvalidResponseError as error:
                refused = "max_line_bytes" in error.message
            assert refused is (size > 10)


def test_events_before_a_line_too_long_are_not_lost() -> None:
    """In one block with it they come first, as they do in blocks of their own; the fault waits until they are used."""
    for stream in (b"data: a\n\n" + b"x" * 14, b"data: a\ndata: b\n\n" + b"x" * 11 + b"\n"):
        decoder = EventDecoder(10)
        assert len(decoder.feed(stream)) == 1
        assert "a line" in str(decoder.failure)
    decoder = EventDecoder(10)
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n: b\n" + b"x" * 14) == [("message", b"a")]
    assert EventDecoder(10).failure is None


def test_an_event_longer_than_allowed_is_refused() -> None:
    """Many lines of data cannot make an event without bounds."""
    decoder = EventDecoder(10)
    with pytest.raises(InvalidResponseError, match="an event"):
        decoder.feed(b"data: abc\n" * 11)


def test_a_line_that_never_ends_is_not_kept() -> None:
    """A server that never ends its line is refused once the limit is passed."""
    decoder = EventDecoder(1000)
    with pytest.raises(InvalidResponseError, match="a line"):
        for _ in range(100):
            decoder.feed(b"x" * 100)


def lines_run(size: int) -> int:
    """Lines of the decoder's code that run for one line of ``size`` bytes that comes byte by byte."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename.endswith("sse.py"):
            count += event == "line"
            return trace
        return None

    decoder = EventDecoder()
    stream = b"data: " + b"x" * size + b"\n\n"
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        events = [event for i in range(len(stream)) for event in decoder.feed(stream[i : i + 1])]
    finally:
        sys.settrace(before)
    assert events == [("message", b"x" * size)]
    return count


def test_the_work_grows_with_the_bytes_and_no_faster() -> None:
    """Byte by byte, twice as long a line costs twice as many steps."""
    assert lines_run(20_000) <= 2.01 * lines_run(10_000)


def test_a_long_line_is_joined_once() -> None:
    """A line of 1 MiB that comes byte by byte is whole, and no byte of it is copied again and again."""
    decoder = EventDecoder()
    for byte in b"data: ":
        decoder.feed(bytes([byte]))
    for _ in range(2**20 - 6):
        assert decoder.feed(b"x") == []
    assert len(decoder._pieces) == 2**20
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"\n") == [("message", b"x" * (2**20 - 6))]
