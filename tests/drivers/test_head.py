"""Heads of requests and answers, and how a body is framed."""

from __future__ import annotations

import contextlib
import time

import pytest

from jackfield.drivers.head import CHUNKED, UNTIL_CLOSE, MalformedError, decode_head, encode_head
from jackfield.errors import ConfigError
from jackfield.headers import Headers, check_headers
from jackfield.http import HttpRequest

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("request_", "target", "more", "expected"),
    [
        (HttpRequest("GET", "http://a.example/x?y"), "/x?y", (), b"GET /x?y HTTP/1.1\r\nhost: a.example\r\n\r\n"),
        (
            HttpRequest("POST", "https://a.example:8443/", {"accept": "*/*"}, b"{}"),
            "/",
            (),
            b"POST / HTTP/1.1\r\nhost: a.example:8443\r\naccept: */*\r\ncontent-length: 2\r\n\r\n",
        ),
        (HttpRequest("POST", "http://[::1]/"), "/", (), b"POST / HTTP/1.1\r\nhost: [::1]\r\ncontent-length: 0\r\n\r\n"),
        (
            HttpRequest("GET", "http://a.example/", {"host": "b.example"}),
            "http://a.example/",
            [("proxy-authorization", "Basic eA==")],
            b"GET http://a.example/ HTTP/1.1\r\nhost: b.example\r\nproxy-authorization: Basic eA==\r\n\r\n",
        ),
    ],
)
def test_a_request_tells_its_host_and_the_length_of_its_body(request_, target, more, expected):
    """And nothing that it was not given."""
    assert encode_head(request_, target, more) == expected


@pytest.mark.parametrize("name", ["content-length", "transfer-encoding"])
def test_a_request_cannot_frame_itself(name):
    """Two lengths would be one request to us and two to the server."""
    with pytest.raises(ConfigError, match=name):
        check_headers({name: "5"})


@pytest.mark.parametrize(
    ("head", "status", "length", "keep_alive"),
    [
        (OK + b"Content-Length: 2\r", 200, 2, True),
        (b"HTTP/1.1 200\r\ncontent-length:2\r", 200, 2, True),
        (b"HTTP/1.1 200 OK\ncontent-length: 2", 200, 2, True),
        (b"HTTP/1.1 200 \r\ncontent-length: 2 \t\r", 200, 2, True),
        (b"HTTP/1.1 200 OK\r", 200, UNTIL_CLOSE, False),
        (b"HTTP/1.1 204 No Content\r", 204, 0, True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r", 304, 0, True),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r", 204, 0, True),
        (b"HTTP/1.1 599 Whatever\r\nTransfer-Encoding: Chunked\r", 599, CHUNKED, True),
        (OK + b"Connection: close\r\nContent-Length: 2\r", 200, 2, False),
        (OK + b"Connection: x, Close\r\nContent-Length: 2\r", 200, 2, False),
        (OK + b"Connection: x\r\nConnection: close\r\nContent-Length: 2\r", 200, 2, False),
        (OK + b"Connection: keep-alive\r\nContent-Length: 2\r", 200, 2, True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r", 200, 2, False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r", 200, 2, True),
    ],
)
def test_a_head_tells_how_its_body_ends(head, status, length, keep_alive):
    """By the rules of RFC 9112, sections 6.3 and 9.3."""
    told = decode_head(head)
    assert (told.status, told.length, told.keep_alive) == (status, length, keep_alive)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\r",
        b"ICY 200 OK\r",
        b"HTTP/2 200\r",
        b"HTTP/1.2 200 OK\r",
        b"HTTP/1.1 20 OK\r",
        b"HTTP/1.1 2000 OK\r",
        b"HTTP/1.1 099 OK\r",
        b"HTTP/1.1 +20 OK\r",
        b"HTTP/1.1  200 OK\r",
        b"HTTP/1.1 200 O\rK\r",
        OK + b"no header\r",
        OK + b": empty\r",
        OK + b"A : space\r",
        OK + b" A: leading\r",
        OK + b"A: nul\0\r",
        OK + b"A: bare\rreturn\r",
        OK + b"A\xe9: name\r",
        OK + b"Content-Length: 2\r\nContent-Length: 2\r",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r",
        OK + b"Content-Length: 2, 2\r",
        OK + b"Content-Length: +2\r",
        OK + b"Content-Length: -2\r",
        OK + b"Content-Length: 0x2\r",
        OK + b"Content-Length: 2_0\r",
        OK + b"Content-Length: \xb2\r",
        OK + b"Content-Length:\r",
        OK + b"Content-Length: 9999999999999999999\r",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r",
        OK + b"Transfer-Encoding: gzip, chunked\r",
        OK + b"Transfer-Encoding: chunked, chunked\r",
        OK + b"Transfer-Encoding: identity\r",
        OK + b"a: b\r\n" * 129 + b"c: d\r",
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_refused(head):
    """What a proxy may take for another answer than we do; nothing of it is repeated in the error."""
    with pytest.raises(MalformedError) as caught:
        decode_head(head)
    assert "leading" not in str(caught.value)


def test_a_folded_line_is_one_line():
    """As RFC 9112, section 5.2, asks of a client."""
    head = decode_head(OK + b"A: b\r\n\t c \r\n d\r\nX: y\r")
    assert dict(head.headers) == {"a": "b c  d", "x": "y"}


def test_headers_of_one_name_are_joined_and_found_whatever_their_case():
    """RFC 9110, section 5.3; bytes beyond ASCII are kept as Latin-1."""
    headers = decode_head(OK + b"A: b\r\na: c\r\nB: \xe9\r\nC:\r").headers
    assert headers["A"] == headers.get("a") == "b, c"
    assert (headers["b"], headers["c"], headers.get("d"), headers.get("d", "")) == ("\xe9", "", None, "")
    assert (list(headers), len(headers), "A" in headers) == (["a", "b", "c"], 3, True)
    assert headers == {"a": "b, c", "b": "\xe9", "c": ""}


def test_headers_show_no_values():
    """They may hold what is nobody's business."""
    assert repr(Headers([("Set-Cookie", "secret")])) == "<Headers ['set-cookie']>"


@pytest.mark.parametrize(
    "line", [b"X:" + b" " * 60_000 + b"\0", b"X:" + b" " * 60_000 + b"\r", b"A: b\r\n c\r\nX:" + b" " * 60_000 + b"y"]
)
def test_a_head_of_spaces_takes_no_time(line):
    """A reading that looks at each space again and again would hold all threads for a minute; the limit is generous."""
    start = time.process_time()
    with contextlib.suppress(MalformedError):
        decode_head(OK + line + b"\r")
    assert time.process_time() - start < 2


def test_the_name_of_a_header_has_one_spelling():
    """Two spellings would be two headers to us and one to the server."""
    request = HttpRequest("POST", "http://a.example/", {"Host": "b.example", "Content-Type": "x"}, b"{}")
    request = request.with_headers({"content-TYPE": "y"})
    assert dict(request.headers) == {"host": "b.example", "content-type": "y"}
    assert encode_head(request, "/").count(b"host") == 1
    with pytest.raises(ConfigError, match="transfer-encoding"):
        check_headers(HttpRequest("POST", "http://a.example/", {"Transfer-Encoding": "chunked"}).headers)
    with pytest.raises(ConfigError, match="no name of a header"):
        check_headers(HttpRequest("POST", "http://a.example/", {1: "x"}).headers)


@pytest.mark.parametrize("method", ["", "GET /", "POST / HTTP/1.1\r\nx-injected: 1", None])
def test_a_method_is_one_word(method):
    """It stands in the first line of the request."""
    with pytest.raises(ValueError, match="method: expected the name of an HTTP method"):
        HttpRequest(method, "http://a.example/")
