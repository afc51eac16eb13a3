"""Answers of HTTP/1.1: the same for every way of cutting the bytes, never more held than the limits allow."""

from __future__ import annotations

from typing import Any

from fuzz.source import Source, tried, ways
from jackfield.drivers.answer import _TRAILER, LONGEST_LINE, Answer
from jackfield.drivers.head import LONGEST_HEAD, MalformedError

REFUSED = (MalformedError, ConnectionResetError)
OK = b"HTTP/1.1 200 OK\r\n"
PIECES = (
    OK, b"HTTP/1.0 503 Busy\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 \r\n", b"HTTP/1.1 101 Switching\r\n\r\n",
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"0", b"5", b"a", b"hello", b"Content-Length: 5\r\n", b"content-length:",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"X: y\r\n folded\r\n", b"\r\n\r\n", b"5\r\nhello\r\n",
    b"0\r\n\r\n", b"0\r\n", b"1;ext=1\r\nx\r\n", b"Trailer: x\r\n", b"FFFFFFFFFFFFFFF\r\n", b"1" * 15, b";" + b"e" * 1000,
    b"T: " + b"t" * 900 + b"\r\n", b"A: b\r\n" * 60, b"-1\r\n", b"\0", b"5 \r\nhello\r\n", b"z" * 700,
)  # fmt: skip


def check(data: bytes) -> None:
    """The first byte chooses the cuts, the second whether the rest is taken as it is or chooses pieces."""
    source = Source(data)
    seed, kind = source.byte(), source.byte()
    stream = source.rest() if kind % 2 else b"".join(source.pick(PIECES) for _ in range(60) if not source.ended)
    whole = read([stream])
    for pieces in ways(stream, seed):
        assert read(pieces) == whole, "the answer depends on the cuts"


def read(pieces: list[bytes]) -> tuple[Any, ...]:
    """Head, body and failure of the answer on a connection on which these pieces come, and what came behind it."""
    left = [piece for piece in pieces if piece]
    answer = Answer()
    head, error = _wait(answer, left, answer.head)
    if head is None:
        return None, b"", str(error)
    body = b""
    while error is None and not answer.ended:
        block, error = _wait(answer, left, answer.read)
        body += block or b""
    if error is None:
        assert answer.read() == b"", "the end of the body is the end"
        assert head.length < 0 or head.length == len(body), "the body has another length than was told"
    for piece in left:
        answer.feed(piece)
    return tuple(head)[:1] + tuple(head)[2:], dict(head.headers), body, str(error), error is None and answer.reusable


def _wait(answer: Answer, left: list[bytes], ask: Any) -> tuple[Any, Exception | None]:
    """What an answer tells once it has enough."""
    while True:
        told, error = tried(REFUSED, ask)
        if told is not None or error is not None:
            return told, error
        short = ask == answer.read and answer._size is not _TRAILER
        assert len(answer._buffer) <= (LONGEST_LINE if short else LONGEST_HEAD), "more is held than allowed"
        answer.feed(left.pop(0) if left else b"")
