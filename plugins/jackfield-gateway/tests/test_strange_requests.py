"""Requests that no client's library would send, byte by byte: each is answered, and none with a fault of the gateway."""

from __future__ import annotations

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

CHAT = "/v1/chat/completions"
ASKED = b'{"model": "fast", "messages": [{"role": "user", "content": %s}]}'
DEEP = 100_000


@pytest.fixture(scope="module")
def url():
    """A gateway that answers with what it is asked."""
    from jackfield_gateway import running

    with running({"models": {"fast": "echo/any"}, "backends": {"echo": {"provider": "echo"}}}) as base_url:
        yield base_url


def sent(url: str, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """What is answered to these bytes; the connection is closed behind them."""
    host, _, port = urlsplit(url).netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(data)
        answer = http.client.HTTPResponse(client, method=data.partition(b" ")[0].decode("latin-1"))
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def asked(url: str, line: bytes, body: bytes = b"", *headers: bytes) -> tuple[int, dict[str, str], bytes]:
    """The same for a request line, a body and headers."""
    own = [b"host: localhost", b"connection: close", b"content-length: %d" % len(body)]
    return sent(url, b"\r\n".join([line + b" HTTP/1.1", *own, *headers, b"", body]))


def posted(url: str, body: bytes, kind: bytes = b"application/json") -> tuple[int, dict[str, str], bytes]:
    """The same for a chat completion."""
    return asked(url, b"POST " + CHAT.encode(), body, b"content-type: " + kind)


def is_error(body: bytes) -> bool:
    """Whether it is an error as OpenAI's clients read it."""
    told = json.loads(body)
    return told.keys() == {"error"} and told["error"].keys() == {"message", "type", "param", "code"}


BODIES = {
    "nothing": b"",
    "blank": b" \r\n\t",
    "no JSON": b"{",
    "two values": ASKED % b'"a"' + b"{}",
    "a byte order mark": b"\xef\xbb\xbf" + ASKED % b'"a"',
    "no UTF-8": ASKED % b'"\xff\xfe"',
    "an overlong form": ASKED % b'"\xc0\xaf"',
    "a surrogate in UTF-8": ASKED % b'"\xed\xa0\x80"',
    "half of a pair": ASKED % b'"\\ud800"',
    "half of a pair in a name": b'{"model": "fast", "messages": [], "\\udfff": 1}',
    "UTF-16": (ASKED % b'"a"').decode().encode("utf-16"),
    "NUL": ASKED % b'"\x00"',
    "NaN": b'{"model": "fast", "messages": [], "temperature": NaN}',
    "infinity": b'{"model": "fast", "messages": [], "temperature": -Infinity}',
    "an array": b"[]",
    "a text": b'"fast"',
    "null": b"null",
    "deep arrays": b"[" * DEEP,
    "deep arrays that end": ASKED % (b"[" * DEEP + b"]" * DEEP),
    "deep objects in what is unknown": b'{"model": "fast", "messages": [], "x": %s1%s}'
    % (b'{"a":' * DEEP, b"}" * DEEP),
    "a model that is none": b'{"model": 1e999, "messages": []}',
    "a seed of many digits": b'{"model": "fast", "messages": [], "seed": %s}' % (b"9" * 5000),
}
TAKEN = {
    "NUL, escaped": (ASKED % b'"\\u0000"', "\x00"),
    "a pair": (ASKED % b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
    "names that come twice": (ASKED.replace(b"{", b'{"model": "none", ', 1) % b'"a"', "a"),
    "a large number in what is unknown": (ASKED.replace(b"{", b'{"x": 1e308, "y": -0.0, ', 1) % b'"a"', "a"),
    "a whole number beyond 64 bits": (ASKED.replace(b"{", b'{"x": 123456789012345678901234567890, ', 1) % b'"a"', "a"),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_body_that_is_no_request_is_a_bad_request(url, name, stream):
    """However it is broken."""
    body = BODIES[name].replace(b'"fast"', b'"fast", "stream": true') if stream else BODIES[name]
    status, _, told = posted(url, body)
    assert (status, is_error(told)) == (400, True), told[:300]


@pytest.mark.parametrize("name", TAKEN)
def test_a_body_that_is_odd_is_a_request(url, name):
    """JSON allows it."""
    body, answer = TAKEN[name]
    status, _, told = posted(url, body)
    assert status == 200, told[:300]
    assert json.loads(told)["choices"][0]["message"]["content"] == answer


@pytest.mark.parametrize("kind", [b"", b"text/plain", b"application/json\xff", b"application/jsonp", b";", b"*/*"])
def test_a_body_of_another_type_is_not_read(url, kind):
    """It says so itself."""
    status, _, told = posted(url, ASKED % b'"a"', kind)
    assert (status, is_error(told)) == (415, True)


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/chat/completions/%00", b"/v1/chat/completions/%FF", b"/v1/chat/completions/..%2f..%2fetc",
        b"/v1/chat/completions/a%2Fb", b"/v1/chat/completions/%ED%A0%80", b"/v1/chat/completions/%", b"/v1/models/%00",
        b"/v1/models/%FF%FE", b"/v1/models/a/b/../c", b"/v1/models/%0d%0aset-cookie:a=b", b"/v1/models/" + b"a" * 10_000,
        b"//v1/models", b"/v1/models/", b"/page/%2e%2e%2fapp.py", b"/page/..", b"/page/%00", b"/inspector/calls/%FF",
        b"/v1/chat/completions/%00/messages",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
def test_a_path_that_leads_nowhere_is_told_so(url, path, method):
    """Whatever bytes it is made of."""
    status, headers, told = asked(url, method + b" " + path)
    assert status in {400, 404, 405}
    assert is_error(told)
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    "query",
    [
        b"%FF", b"%", b"%00", b"limit=%00", b"limit=%D9%A3", b"limit=1e1", b"limit=+5", b"limit=-0",
        b"limit=99999999999999999999", b"order=ASC", b"&&;", b"metadata", b"metadata[=1", b"metadata[a=1", b"metadata[]=1",
        b"metadata]a[=1", b"a=1&" * 200, b"=1", b"limit", b"limit=", b"limit=5&limit=5",
    ],
)  # fmt: skip
def test_a_query_that_means_nothing_is_refused_or_asks_for_nothing(url, query):
    """Never half of it."""
    status, _, told = asked(url, b"GET " + CHAT.encode() + b"?" + query)
    if query == b"&&;":
        assert status in {200, 400}
    else:
        assert (status, is_error(told)) == (400, True)


@pytest.mark.parametrize("query", [b"model=%F0%9F%98%80", b"metadata[%22]=%27", b"metadata[a.b]=%25_", b""])
def test_a_query_of_strange_texts_finds_nothing(url, query):
    """They are only texts, for the database too."""
    status, _, told = asked(url, b"GET " + CHAT.encode() + b"?" + query)
    assert (status, json.loads(told)["data"]) == (200, [])


@pytest.mark.parametrize("query", [b"after=%00", b"after=none", b"after=", b"after=%F0%9F%98%80"])
def test_behind_what_there_is_not_is_nothing(url, query):
    """And no empty page, by which a client would take a list for whole."""
    status, _, told = asked(url, b"GET " + CHAT.encode() + b"?" + query)
    assert (status, is_error(told), json.loads(told)["error"]["param"]) == (404, True, "after")


@pytest.mark.parametrize(
    "query", [b"after=%D9%A3", b"after=%C2%B2", b"after=-1", b"what=1", b"after=1e3", b"after=%FF"]
)
def test_the_inspector_refuses_what_it_cannot_read(url, query):
    """Digits of other scripts may be numbers, or none."""
    status, _, told = asked(url, b"GET /inspector/calls?" + query)
    assert status == 200 or (status == 400 and is_error(told))


@pytest.mark.parametrize("method", [b"PUT", b"PATCH", b"TRACE", b"QUERY", b"PROPFIND", b"get"])
@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/models/fast", b"/healthz", b"/openapi.json", b"/"])
def test_a_method_that_is_none_of_its_own_is_told_which_are(url, method, path):
    """Nothing is done, and nothing is given back of what was sent."""
    status, headers, told = asked(url, method + b" " + path, b"", b"x-mine: secret")
    assert status in {400, 405}
    assert b"secret" not in told
    if status == 405:
        assert "GET" in headers["allow"]
        assert is_error(told)


@pytest.mark.parametrize(
    "path", [b"/v1/chat/completions", b"/v1/models", b"/healthz", b"/openapi.json", b"/", b"/nowhere"]
)
def test_a_head_has_no_body(url, path):
    """Only its length."""
    status, headers, told = asked(url, b"HEAD " + path)
    assert (status, told) == (404 if path == b"/nowhere" else 200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize(
    "header",
    [
        b"authorization: \xff\xfe", b"authorization:", b"origin: \xff", b"origin: null", b"content-type: \xff",
        b"accept-encoding: \xff", b"expect: 100-continue", b"x-odd: \x80", b"cookie: " + b"a" * 1000, b"origin: http://[",
    ],
)  # fmt: skip
def test_a_strange_header_is_no_fault_of_the_gateway(url, header):
    """It is ignored or refused."""
    status, _, told = asked(url, b"GET /v1/models", b"", header)
    assert status in {200, 400, 403}
    assert status == 200 or not told or is_error(told)


@pytest.mark.parametrize(
    "host", [b"", b"[", b"localhost:x", b"\xff", b"localhost, evil.example", b"evil.example", b"a@localhost"]
)
def test_a_strange_host_is_refused(url, host):
    """As no name of this gateway's."""
    status, _, told = sent(url, b"GET /v1/models HTTP/1.1\r\nhost: " + host + b"\r\nconnection: close\r\n\r\n")
    assert status in {400, 421}
    assert not told or is_error(told)


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"99999999999999999999999", b"+1", b"\xff"])
def test_a_strange_length_is_refused(url, length):
    """Before anything is made of the body."""
    head = b"POST " + CHAT.encode() + b" HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    status, _, _ = sent(url, head + b"content-length: " + length + b"\r\n\r\n")
    assert status in {400, 413}


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_body_in_chunks_is_a_body(url, size):
    """However it was cut."""
    body = ASKED % b'"a"'
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    head = b"POST " + CHAT.encode() + b" HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    status, _, told = sent(url, head + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n" + coded)
    assert status == 200, told


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"metadata": {"a": null}}',
        b'{"metadata": {"\\ud800": "a"}}',
        b'{"metadata": "\xff"}',
    ],
)
def test_an_update_that_says_nothing_is_refused(url, body):
    """Before it is looked for."""
    status, _, told = asked(url, b"POST " + CHAT.encode() + b"/none", body, b"content-type: application/json")
    assert (status, is_error(told)) == (400, True)
