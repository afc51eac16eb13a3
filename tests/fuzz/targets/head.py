"""Heads of HTTP/1.1: what is taken can be said in one way only, and no request has a line that it was not given."""

from __future__ import annotations

from fuzz.source import Source, tried
from jackfield.drivers.head import CHUNKED, MOST_FIELDS, UNTIL_CLOSE, MalformedError, decode_head, encode_head
from jackfield.errors import ConfigError
from jackfield.headers import Headers, check_headers, is_token
from jackfield.http import HttpRequest

NAMES = ("x", "host", "Content-Type", "content-length", "Transfer-Encoding", "a b", "é", "x:y", "connection")


def check(data: bytes) -> None:
    """The first byte chooses the side: an answer's head in the rest, or what a request is made of."""
    if data[:1] and data[0] % 4 == 0:
        asked(Source(data[1:]))
    else:
        answered(data[1:])


def answered(data: bytes) -> None:
    """A head that is taken is sound, and is the same when it is written plainly and read again."""
    head, _ = tried((MalformedError,), decode_head, data)
    if head is None:
        return
    assert 100 <= head.status <= 999, "a status has three digits"
    assert head.length >= 0 or head.length in {UNTIL_CLOSE, CHUNKED}, "a length is one"
    assert len(head.headers) <= MOST_FIELDS, "there are too many headers"
    assert not (head.keep_alive and head.length == UNTIL_CLOSE), "what ends with the connection does not keep it"
    for name, value in head.headers.items():
        assert is_token(name), "a name is no name"
        assert not set("\r\n\0") & set(value), "a value breaks its line"
    minor = data[7:8].decode()
    lines = [f"HTTP/1.{minor} {head.status} x", *(f"{name}: {value}" for name, value in head.headers.items())]
    again = decode_head("\r\n".join(lines).encode("latin-1") + b"\r")
    # Of two values of which one is empty a blank may be left at the end.
    head = head._replace(headers=Headers((name, value.strip(" \t")) for name, value in head.headers.items()))
    assert again == head, "the same head is read in another way"


def asked(source: Source) -> None:
    """A request has as many lines as headers; what would add one is refused by our own errors."""
    method, target = source.word(("GET", "POST"), 6), "/" + source.text(8)
    headers = {source.word(NAMES, 5): source.text(1 + source.count(12)) for _ in range(source.count(4))}
    request, _ = tried((ValueError,), HttpRequest, method, "http://a.example" + target, headers, source.take(4))
    if request is None:
        return
    _, refused = tried((ConfigError,), check_headers, request.headers)
    told, wrong = tried((ConfigError,), lambda: request.target)
    if refused is not None or wrong is not None:
        return
    lines = encode_head(request, told).decode("ascii").split("\r\n")
    added = ("host" not in request.headers) + bool(request.body or method != "GET")
    assert lines[-2:] == ["", ""], "a head ends with a blank line"
    assert len(lines) == 3 + len(request.headers) + added, "a header has made a line of its own"
    assert lines[0] == f"{method} {told} HTTP/1.1", "the first line says what is asked for"
    assert lines[0].count(" ") == 2, "the first line has three words"
    assert not any("\r" in line or "\n" in line for line in lines), "a line is broken"
