"""Answers as they are read off a connection: the same however the bytes come, and never more than was sent."""

from __future__ import annotations

import http.client
import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.drivers.answer import LONGEST_LINE, Answer
from jackfield.drivers.head import LONGEST_HEAD, MalformedError

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = (MalformedError, ConnectionResetError)


class Reading:
    """An answer that is read off a connection on which these pieces come one by one, and then its end."""

    def __init__(self, *pieces: bytes) -> None:
        self.left = [piece for piece in pieces if piece]
        self.answer = Answer()
        while (head := self.answer.head()) is None:
            self.answer.feed(self.receive())
        self.head = head

    def receive(self) -> bytes:
        return self.left.pop(0) if self.left else b""

    def read(self) -> bytes:
        while (block := self.answer.read()) is None:
            self.answer.feed(self.receive())
        return block

    def blocks(self) -> list[bytes]:
        return list(iter(self.read, b""))


def read(*pieces: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer that comes in pieces."""
    reading = Reading(*pieces)
    body = b"".join(reading.blocks())
    assert reading.answer.ended
    assert reading.read() == b""
    return reading.head.status, dict(reading.head.headers), body


@pytest.mark.parametrize(
    ("stream", "body", "reusable"),
    [
        (OK + b"Content-Length: 2\r\n\r\nab", b"ab", True),
        (OK + b"Content-Length: 0\r\n\r\n", b"", True),
        (OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nab", b"ab", False),
        (OK + b"Content-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n", b"ab", False),
        (OK + b"\r\nab", b"ab", False),
        (OK + b"\r\n", b"", False),
        (b"HTTP/1.0 200 OK\n\nab", b"ab", False),
        (CHUNKS + b"2\r\nab\r\n0\r\n\r\n", b"ab", True),
        (CHUNKS + b"0\r\n\r\n", b"", True),
        (CHUNKS + b"2;x=y\r\nab\r\n0000;z\r\nTrailer: t\r\nOther: o\r\n\r\n", b"ab", True),
        (CHUNKS + b"02 \t\r\nab\r\nA\r\n0123456789\r\n0\r\n\r\n", b"ab0123456789", True),
        (CHUNKS + b"2\r\nab\r\n0\r\n\r\nmore", b"ab", False),
        (CHUNKS + b"0\r\n" + b"x: y\r\n" * 500 + b"\r\n", b"", True),
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na", b"a", True),
    ],
)  # fmt: skip
def test_an_answer_ends_where_its_framing_says(stream: bytes, body: bytes, reusable: bool) -> None:
    """In one piece and byte by byte; its connection stands only if nothing came behind it."""
    for pieces in ([stream], [stream[i : i + 1] for i in range(len(stream))]):
        reading = Reading(*pieces)
        assert reading.head.status == 200
        assert b"".join(reading.blocks()) == body
        assert reading.answer.reusable or not reusable
    reading = Reading(stream)
    reading.blocks()
    assert reading.answer.reusable is reusable


@pytest.mark.parametrize(
    ("stream", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nab", b"ab"),
        (OK + b"Content-Length: 5\r\n\r\n", b""),
        (CHUNKS, b""),
        (CHUNKS + b"2\r\nab", b"ab"),
        (CHUNKS + b"5\r\nab", b"ab"),
        (CHUNKS + b"2\r\nab\r\n", b"ab"),
        (CHUNKS + b"2\r\nab\r\n0\r\n", b"ab"),
        (CHUNKS + b"2\r\nab\r\n0\r\nTrailer: t\r\n", b"ab"),
        (CHUNKS + b"2\r\nabc\r\n0\r\n\r\n", b"ab"),
        (CHUNKS + b"2\r\nab0\r\n\r\n", b"ab"),
        (CHUNKS + b"2\r\nab\r\n+2\r\nab\r\n", b"ab"),
        (CHUNKS + b"2\r\nab\r\n0x2\r\nab\r\n", b"ab"),
        (CHUNKS + b"2\r\nab\r\n2_0\r\nab\r\n", b"ab"),
        (CHUNKS + b"2\r\nab\r\n \r\n", b"ab"),
        (CHUNKS + b"2\r\nab\r\n\r\n\r\n", b"ab"),
        (CHUNKS + b"2\r\nab\r\n-1\r\n", b"ab"),
        (CHUNKS + b"2\nab\n0\n\n", b""),
        (CHUNKS + b"g\r\n", b""),
        (CHUNKS + b"1000000000000000\r\n", b""),
        (CHUNKS + b"2;" + b"x" * (LONGEST_LINE + 20_000), b""),
        (CHUNKS + b"0\r\n" + b"x" * (LONGEST_HEAD + 20_000), b""),
        (CHUNKS + b"0\r\n" + b"x: y\r\n" * 30_000, b""),
    ],
)
def test_a_body_that_is_cut_or_torn_gives_what_came_and_then_fails(stream: bytes, body: bytes) -> None:
    """A truncated answer never looks whole, however its bytes were cut; and its connection is lost."""
    for pieces in ([stream], [stream[i : i + 1] for i in range(min(len(stream), 3000))]):
        reading = Reading(*pieces)
        got = b""
        with pytest.raises(MalformedError):
            while block := reading.read():
                got += block
        assert got == body
        assert not reading.answer.ended
        assert not reading.answer.reusable


@pytest.mark.parametrize(
    "stream", [b"", b"HTTP/1.1 2", OK, OK + b"Content-Length: 0\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_a_head_that_is_cut_is_a_connection_that_broke(stream: bytes) -> None:
    """Nothing of it can be told."""
    with pytest.raises(ConnectionResetError):
        Reading(stream)


@pytest.mark.parametrize(
    "stream",
    [b"220 mail.example\r\n\r\n", b"HTTP/1.1 101 Switching\r\n\r\n", OK + b"x: " + b"y" * 2 * LONGEST_HEAD],
)
def test_what_is_no_answer_is_refused(stream: bytes) -> None:
    """Another protocol, and a head without end."""
    with pytest.raises(MalformedError):
        Reading(stream)


@pytest.mark.parametrize(
    ("stream", "taken"),
    [
        (OK + b"x: " + b"y" * (LONGEST_HEAD - 23) + b"\r\n\r\n", True),
        (OK + b"x: " + b"y" * (LONGEST_HEAD - 22) + b"\r\n\r\n", False),
        (CHUNKS + b"2;" + b"x" * 900 + b"\r\nab\r\n0;" + b"x" * 900 + b"\r\n\r\n", True),
        (CHUNKS + b"2;" + b"x" * LONGEST_LINE + b"\r\nab\r\n0\r\n\r\n", False),
        (CHUNKS + b"2\r\nab\r\n0" + b" " * LONGEST_LINE + b"\r\n\r\n", False),
    ],
)
def test_a_limit_is_the_same_however_the_bytes_come(stream: bytes, taken: bool) -> None:
    """Heads and the lines of HTTP chunks are taken or refused, in the same words, in one piece as byte by byte."""
    told = set()
    for pieces in ([stream], [stream[:-7], stream[-7:]], [stream[i : i + 1] for i in range(len(stream))]):
        try:
            read(*pieces)
            told.add(None)
        except MalformedError as error:
            told.add(str(error))
    assert len(told) == 1
    assert (told == {None}) is taken


def test_no_more_is_wanted_once_the_answer_is_whole() -> None:
    """Else it would wait for a server that has nothing to say."""
    for stream in (OK + b"Content-Length: 2\r\n\r\nab", CHUNKS + b"2\r\nab\r\n0\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"):
        answer = Answer()
        assert answer.head() is None
        answer.feed(stream)
        assert answer.head() is not None
        assert b"".join(iter(lambda answer=answer: answer.read() or b"", b"")) in {b"ab", b""}
        assert answer.reusable


def test_what_is_here_is_given_before_more_is_waited_for() -> None:
    """An event of a stream must not wait for the next one; many HTTP chunks that came together are one block."""
    reading = Reading(CHUNKS + b"1\r\na\r\n1\r\nb\r\n3\r\ncd", b"e\r\n", b"1\r\nf")
    assert [reading.read(), reading.read()] == [b"abcd", b"e"]
    assert len(reading.left) == 1


# -- against http.client -----------------------------------------------------------------------------------------------


class Sock:
    """What http.client takes for a socket."""

    def __init__(self, stream: bytes) -> None:
        self.stream = stream

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self.stream)


def by_the_library(stream: bytes) -> tuple[int, bytes] | None:
    """Status and body as the standard library reads them; None where it refuses.

    It takes blanks and folded lines before and behind a value for parts of it, so that ``chunked`` with them is no
    coding that it knows. They are none (RFC 9112, sections 5.1 and 5.2), and it does not get to see them.
    """
    end = re.search(rb"\n\r?\n", stream)
    if end is not None:
        head = re.sub(rb"\r?\n[ \t]+", b" ", stream[: end.start()])
        lines = [re.sub(rb":[ \t]+", b": ", line.rstrip(b" \t\r"), count=1) for line in head.split(b"\n")]
        stream = b"\r\n".join(lines) + b"\r\n\r\n" + stream[end.end() :]
    response = http.client.HTTPResponse(Sock(stream))  # type: ignore[arg-type]
    try:
        response.begin()
        return response.status, response.read()
    except (http.client.HTTPException, ValueError, OSError):
        return None


NAMES = st.text("abcXYZ-_019", min_size=1, max_size=8).map(lambda name: f"x-{name}")
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, int, dict[str, str], bytes]:
    """A good answer: its bytes, and what they say."""
    status = draw(st.sampled_from([200, 201, 400, 404, 429, 500, 503]))
    fields = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    parts = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    body = b"".join(parts)
    sent = body
    headers = {**fields}
    if framing == "length":
        headers["Content-Length"] = str(len(body))
    elif framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
        extension = draw(st.sampled_from([b"", b";a=b", b" "]))
        sent = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts) + b"0\r\n\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return f"HTTP/1.1 {status} Why\r\n{lines}\r\n".encode() + sent, status, joined, body


@settings(max_examples=300, deadline=None)
@given(answers(), st.data())
def test_a_good_answer_is_read_as_it_was_meant_however_it_is_cut(
    answer: tuple[bytes, int, dict[str, str], bytes], data: st.DataObject
) -> None:
    """Status, headers and body; and http.client says the same."""
    stream, status, headers, body = answer
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*pieces) == read(stream) == (status, headers, body)
    assert by_the_library(stream) == (status, body)


@pytest.mark.parametrize("value", [b" chunked \t", b"chunked", b"\t chunked", b"\r\n chunked", b" \r\n\tchunked\r\n "])
def test_blanks_around_a_value_are_not_of_it(value: bytes) -> None:
    """A body in chunks is one, whatever stands around the name of the coding."""
    stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding:" + value + b"\r\n\r\n1\r\na\r\n0\r\n\r\n"
    assert read(stream)[2] == b"a"
    assert by_the_library(stream) == (200, b"a")


@settings(max_examples=500, deadline=None)
@given(answers(), st.data())
def test_a_damaged_answer_is_refused_or_read_as_everyone_reads_it(
    answer: tuple[bytes, int, dict[str, str], bytes], data: st.DataObject
) -> None:
    """One of two typed errors and no other; and where two readers take it, they take it for the same."""
    stream = bytearray(answer[0])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(stream) - 1))
        stream[place : place + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b"\r", b"\n", b"\0", b" ", b":", b"0", b"f", b"+", b"\xff"])
        )
        if not stream:
            break
    try:
        got = read(bytes(stream))
    except REFUSED:
        return
    theirs = by_the_library(bytes(stream))
    assert theirs is None or theirs == (got[0], got[2])
