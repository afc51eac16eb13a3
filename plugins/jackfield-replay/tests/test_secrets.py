"""No secret comes into a recording, wherever in an exchange it stands; and what has one in it is not written."""

from __future__ import annotations

import base64
import json
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield import APIConnectionError, HttpRequest, hookimpl
from jackfield.redaction import remember
from jackfield.testing import Reply
from jackfield.testing.leaks import leaks
from jackfield_replay import Record, RecordingError, Replay, load_tape
from jackfield_replay import clean as cleaning
from jackfield_replay.scanner import SHAPES

URL = "https://api.example.com/v1/chat"


def canary(prefix: str = "qZ7/+") -> str:
    """A secret that jackfield knows."""
    value = prefix + token_hex(12)
    remember(value)
    return value


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def cut(text: str, size: int) -> list[bytes]:
    data = text.encode()
    return [data[at : at + size] for at in range(0, len(data), size)]


def places(key: str) -> dict[str, tuple[HttpRequest, Any]]:
    """Exchanges with a key in each place where there can be one."""
    plain = HttpRequest("POST", URL, {}, b"{}")
    coded = base64.b64encode(b"xx" + key.encode() + b"yy").decode()
    whole = Reply.of_json({})
    return {
        "a header of credentials": (HttpRequest("POST", URL, {"authorization": f"Bearer {key}"}), whole),
        "a header that is kept": (HttpRequest("POST", URL, {"accept": key}), whole),
        "any other header": (HttpRequest("POST", URL, {"x-any": key}), whole),
        "a query": (HttpRequest("POST", f"{URL}?key={quote(key, safe='')}"), whole),
        "a query without a name for it": (HttpRequest("POST", f"{URL}?x={quote(key, safe='')}"), whole),
        "a path": (HttpRequest("POST", f"{URL}/{quote(key, safe='')}"), whole),
        "a text asked": (HttpRequest("POST", URL, {}, body({"content": f"my key is {key}!"})), whole),
        "a name in what is asked": (HttpRequest("POST", URL, {}, body({key: 1})), whole),
        "JSON in JSON": (HttpRequest("POST", URL, {}, body({"arguments": json.dumps({"a": json.dumps(key)})})), whole),
        "base64 in JSON": (HttpRequest("POST", URL, {}, body({"url": f"data:x;base64,{coded}"})), whole),
        "a body that is no JSON": (HttpRequest("POST", URL, {}, f"a={quote(key)}".encode()), whole),
        "a body that is no text": (HttpRequest("POST", URL, {}, b"\xff\x00" + key.encode()), whole),
        "a header of the answer": (plain, Reply(200, {"x-request-id": key, "set-cookie": f"a={key}"}, [b"{}"])),
        "a redirect": (plain, Reply(302, {"location": f"https://u:{key}@x.example/{key}?t={key}"}, [b"{}"])),
        "an answer": (plain, Reply(200, {}, [body({"content": key})])),
        "an answer in pieces": (plain, Reply(200, {}, cut(f"data: {key}\n\n" * 3, 5))),
        "an answer in bytes": (plain, Reply(200, {}, cut(f"data: {key}", 1))),
        "base64 in an answer": (plain, Reply(200, {}, cut(f"data: {coded}\n\n", 7))),
        "the words of a failure": (plain, APIConnectionError(f"no way to {key}")),
        "a failure in the middle": (plain, Reply(200, {}, [b"x", APIConnectionError(f"cut at {key}", request_id=key)])),
    }


@pytest.mark.parametrize("place", places(""))
def test_no_secret_is_in_the_file(bench, file, place):
    """It is masked, and the rest of the exchange is there."""
    key = canary()
    request, answer = places(key)[place]
    layer = Record(str(file))
    try:
        bench.send(layer, request, script=[answer])
    except APIConnectionError:
        assert "failure" in place
    layer.close()

    assert leaks(file.read_bytes(), key) == []
    assert len(load_tape(str(file))[0]) == 1


@pytest.mark.parametrize("place", places(""))
def test_what_was_overlooked_is_not_written(bench, file, place, monkeypatch):
    """Where nothing is masked, the scanner refuses whatever has a secret in it; the message does not repeat it."""
    key = canary()
    request, answer = places(key)[place]
    if "header of credentials" in place or "any other" in place:
        return  # never written at all
    if "failure" in place:
        return  # masked by the error itself, when it is made
    monkeypatch.setattr(cleaning, "scrub", lambda text: text)
    monkeypatch.setattr(cleaning, "scrub_bytes", lambda data: data)
    monkeypatch.setattr(cleaning, "_masked", lambda pair: pair[0])
    with pytest.raises(RecordingError, match=r"not recorded: there is .*a known secret") as caught:
        bench.send(Record(str(file)), request, script=[answer])

    assert leaks(str(caught.value), key) == []
    assert load_tape(str(file)) == ([], False)


KEYS = {
    "an API key": "sk-proj-a1b2c3d4e5f6g7h8i9j0",
    "a GitHub token": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "an AWS key": "AKIAIOSFODNN7EXAMPLE",
    "a Google key": "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "a newer Google key": "AQ.Ab8RN6C4n4ryC4n4ryC4n4ryC4n4ryC4n4ryC4n4ry",
    "a Slack token": "xoxb-123456789012-abcdef",
    "a JSON Web Token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
    "a credential of HTTP": "Bearer abcdefghij0123456789",
    "a password in a URL": "https://user:hunter2@example.com/",
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@given(data=st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_whatever_a_pattern_finds_has_one_of_its_marks(shape, data):
    """To look for the marks is quick, and passes nothing over."""
    key = data.draw(st.from_regex(shape.pattern, alphabet=st.characters(codec="ascii")))
    assert shape.is_in(key, key.lower())


@pytest.mark.parametrize("shape", [shape.name for shape in SHAPES])
@pytest.mark.parametrize("place", ["asked", "answered", "in pieces", "in base64"])
def test_what_looks_like_a_key_is_not_written(bench, file, shape, place):
    """Also where jackfield never saw the key: the exchange is refused, and the place is told."""
    key = KEYS[shape]
    request = HttpRequest("POST", URL, {}, body({"x": key}) if place == "asked" else b"{}")
    answers = {"asked": [b"{}"], "answered": [f"x {key} y".encode()], "in pieces": cut(f"x {key} y", 6)}
    answer = Reply(200, {}, answers.get(place, [b"\xff " + key.encode()]))
    with pytest.raises(RecordingError) as caught:
        bench.send(Record(str(file)), request, script=[answer])

    where = {"asked": "request.json", "in pieces": "response.blocks, joined", "in base64": "response.blocks[0].base64"}
    assert f"{where.get(place, 'response.blocks[0].text')}" in str(caught.value).replace("json_spaced", "json")
    assert f"what looks like {shape}" in str(caught.value)
    assert key not in str(caught.value)
    assert load_tape(str(file))[0] == []


@pytest.mark.parametrize(
    "text",
    [
        "a task-oriented-approach-is-fine-here",
        "basic understanding of 1234567890123456 things",
        "Bearer of good news, 20 of them",
        "chatcmpl-9876543210abcdefghijkl call_abc123def456ghi789 req-0123456789abcdef",
        "eyJ is how JSON begins in base64",
        "http://a.example:8080/x@y https://a.example/a:b@c",
        "sk-learn sk-short1 disk-0123456789abcdef01234",
        "the SHA is 3f786850e387550fdab836ed7e6dc881de23001b",
    ],
)
def test_what_is_no_key_is_written(bench, file, text):
    """Ordinary text has words that only begin like keys."""
    bench.send(Record(str(file)), HttpRequest("POST", URL, {}, body({"x": text})), script=[Reply(200, {}, [b"x"])])

    assert text in file.read_text()


def test_a_pattern_of_the_users_own_is_masked(bench, file):
    """In what is asked and in what is answered, across the bounds of blocks; so it is no reason to refuse either."""
    request = HttpRequest("POST", f"{URL}?case=C-123456", {}, body({"x": "case C-123456", "n": 1}))
    layer = Record(str(file), mask=(r"C-\d{6}", r"sk-[\w-]+"))
    bench.send(layer, request, script=[Reply(200, {}, [b"case C-1", b"23456 is ", b"sk-proj-a1b2c3d4e5f6g7h8i9j0"])])

    (exchange,) = load_tape(str(file))[0]
    assert exchange.request.url == f"{URL}?case=***"
    assert exchange.request.body == b'{"x":"case ***","n":1}'
    assert [block.data for block in exchange.response.blocks] == [b"case *** is ", b"***"]


def test_the_bounds_of_blocks_stay_where_no_secret_is_across_them(bench, file):
    """Only blocks that share a secret are joined, and their pauses are added."""
    key = canary()
    blocks = [b"a", 1.0, b"b" + key[:5].encode(), 2.0, key[5:].encode() + b"c", 3.0, b"d", key.encode()]
    bench.send(Record(str(file)), HttpRequest("GET", URL), script=[Reply(200, {}, blocks)])

    (exchange,) = load_tape(str(file))[0]
    kept = [(block.after, block.data) for block in exchange.response.blocks]
    assert kept == [(0.0, b"a"), (3.0, b"b***c"), (3.0, b"d"), (0.0, b"***")]


def test_a_credential_of_an_inner_layer_is_never_seen(bench, file):
    """And its name stands in the file only where the layer stands outside."""

    class Auth:
        @hookimpl
        def wrap_http(self, http_request, call):
            return (yield http_request.with_headers({"authorization": "Bearer " + "unknown-to-all-0123456789"}))

    bench.send(Record(str(file)), HttpRequest("GET", URL), script=[Reply()], inner=(Auth(),))
    assert bench.driver.requests[0].headers["authorization"]
    assert "authorization" not in file.read_text()


def test_headers_are_kept_by_name(bench, file):
    """Those that a provider looks at; names of those that hold credentials; and a date where another counts from it."""
    request = HttpRequest("GET", URL, {"accept": "a", "user-agent": "u", "x-api-key": "k", "cookie": "c"})
    head = {
        "Content-Type": "text/plain",
        "Content-Length": "1",
        "Content-Encoding": "identity",
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "Retry-After": "Wed, 21 Oct 2015 07:29:00 GMT",
        "X-RateLimit-Remaining-Tokens": "9",
        "Set-Cookie": "a=b",
        "CF-Ray": "x",
    }
    bench.send(Record(str(file)), request, request, script=[Reply(200, head, [b"x"]), Reply(200, {"date": "x"}, [])])

    first, second = load_tape(str(file))[0]
    assert (first.request.headers, first.request.withheld) == ({"accept": "a"}, ["cookie", "x-api-key"])
    assert first.response.headers == {
        "content-type": "text/plain",
        "date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "retry-after": "Wed, 21 Oct 2015 07:29:00 GMT",
        "x-ratelimit-remaining-tokens": "9",
    }
    assert first.response.withheld == ["set-cookie"]
    assert second.response.headers == {}


def test_a_date_and_the_query_of_a_redirect_are_left_out(bench, file):
    """Nothing counts from the one, and the other may be a key that no one knows."""
    head = {
        "retry-after": "5",
        "date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "location": "https://u:p@x.example/a?t=unknown",
    }
    bench.send(Record(str(file)), HttpRequest("GET", URL), script=[Reply(302, head)])

    (one,) = load_tape(str(file))[0]
    assert one.response.headers == {"retry-after": "5", "location": "https://x.example/a"}


def test_a_secret_in_a_name_is_no_miss(bench, file):
    """What is asked is masked before it is compared, as far as the secret is known."""
    key = canary()
    request = HttpRequest("POST", URL, {}, body({key: {"x": key}}))
    bench.send(Record(str(file)), request, script=[Reply(200, {}, [b"x"])])

    assert bench.send(Replay(str(file)), request) == [200, b"x"]
