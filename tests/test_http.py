"""HTTP as values: URLs and origins, headers, and the decoding of bodies within their limit."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import ConfigError, InvalidResponseError
from jackfield.headers import check_headers
from jackfield.http import (
    Backend,
    ContentDecoder,
    HttpRequest,
    HttpResponse,
    Origin,
    Timeouts,
    Transport,
    split_url,
)
from jackfield.redaction import remember, scrub

KEY = "sk-http-0123456789abcdef"


class Gone:
    """A body that is nowhere."""

    def release(self) -> None:
        """Nothing to give back."""


@pytest.mark.parametrize(
    ("url", "origin", "target", "text"),
    [
        ("https://api.openai.com/v1", Origin("https", "api.openai.com", 443), "/v1", "https://api.openai.com"),
        ("http://localhost:8080", Origin("http", "localhost", 8080), "/", "http://localhost:8080"),
        ("HTTPS://API.example:443/a?b=c#d", Origin("https", "api.example", 443), "/a?b=c", "https://api.example"),
        ("http://[::1]:80/x", Origin("http", "::1", 80), "/x", "http://[::1]"),
    ],
)
def test_a_url_is_an_origin_and_a_target(url: str, origin: Origin, target: str, text: str) -> None:
    """Scheme and host in lower case, the default port filled in, the fragment dropped."""
    assert split_url(url) == (origin, target)
    request = HttpRequest("GET", url)
    assert (request.origin, request.target, str(origin)) == (origin, target, text)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/v1",
        "ftp://example.com",
        "https://",
        "https:///path",
        "https://[::1",
        f"https://example.com:{KEY}/",
        f"https://user:{KEY}@example.com/",
        f"https://{KEY}@example.com/",
        "https://example.com/a b",
        "https://exam\nple.com/",
        "https://example.com/a\r\nx: y",
        "https://b\u00fccher.example/",
        "https://example.com/\u00fc",
        "\thttps://example.com",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """One error, which does not repeat what may be a key."""
    with pytest.raises(ConfigError) as caught:
        split_url(url)
    assert KEY not in caught.value.message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://example.com", True),
        ("http://example.com", False),
        ("http://localhost:1", True),
        ("http://127.0.0.1:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]", True),
        ("http://127.0.0.1.example.com", False),
        ("http://127.example.com", False),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1", False),
    ],
)
def test_a_credential_travels_in_clear_only_within_this_machine(url: str, secure: bool) -> None:
    """https, or an address of this machine; a name that only begins like one is not."""
    assert split_url(url)[0].secure is secure


@pytest.mark.parametrize("name", ["connect", "first_byte", "idle", "total"])
@pytest.mark.parametrize("value", [0, -1, True, "5", float("nan")])
def test_a_limit_is_a_number_above_zero(name: str, value: object) -> None:
    """No limit can be switched off by a strange value."""
    with pytest.raises(ValueError, match=name):
        Timeouts(**{name: value})  # type: ignore[arg-type]


def test_a_backend_has_the_usual_limits() -> None:
    """What the documentation says of limits that are not set."""
    backend = Backend("b", "p")
    assert backend.timeouts == Timeouts(5, 120, 60, 600)
    assert backend.transport == Transport(None, None, 1000, 64 * 2**20, 2**20)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}\n"},
        {"authorization": f"Bearer {KEY}\r\nx-evil: 1"},
        {"authorization": f"Bearer \u201c{KEY}\u201d"},
        {"authorization": f"{KEY}\x00"},
        {"x y": KEY},
        {"x:y": KEY},
        {"": KEY},
        {"x\n": KEY},
        {"x\u00e9": KEY},
        {"authorization": KEY.encode()},
        {7: KEY},
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(headers: Mapping[str, str]) -> None:
    """The error names the header and never holds the value."""
    with pytest.raises(ConfigError) as caught:
        check_headers(headers)
    assert KEY not in repr(caught.value)
    assert repr(next(iter(headers))) in caught.value.message
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_refused_value_is_scrubbed_from_then_on() -> None:
    """Whatever else repeats it, a key with a line end is not shown."""
    value = "Bearer sk-broken-key-42\n"
    with pytest.raises(ConfigError):
        check_headers({"authorization": value})
    assert value not in scrub(f"the server said {value}")


def test_good_headers_pass() -> None:
    """Printable ASCII under any name that is a token."""
    check_headers({"authorization": f"Bearer {KEY}", "x-a_b.c!": "", "accept": "text/event-stream, */*;q=0.1"})


@pytest.mark.parametrize("body", [b"\xc3\xa9", "\xe9", bytearray(b"\xc3\xa9"), memoryview(b"\xc3\xa9")])
def test_a_body_is_bytes_or_text(body: Any) -> None:
    """Text is sent as UTF-8; what is neither is refused where it is given."""
    assert HttpRequest("POST", "https://a.example/", {}, body).body == b"\xc3\xa9"
    with pytest.raises(TypeError, match="expected bytes or text, got dict"):
        HttpRequest("POST", "https://a.example/", {}, {"a": 1})


def test_a_request_shows_no_values() -> None:
    """The repr of a request has the names of its headers, not their values and not its body."""
    request = HttpRequest("POST", "https://e.example/v1", {"a": "1"}, b"prompt").with_headers({"authorization": KEY})
    response = HttpResponse(200, {"x": "y"}, request, Gone())
    assert repr(request) == "<HttpRequest POST https://e.example/v1 ['a', 'authorization'] 6 bytes>"
    assert repr(response) == f"<HttpResponse 200 to {request!r}>"
    assert (request.headers, request.body) == ({"a": "1", "authorization": KEY}, b"prompt")


def undone(encoding: str, body: bytes, *, limit: int = 10**6, step: int = 10**6) -> bytes:
    """A body decoded in blocks of ``step`` bytes, to its end."""
    response = HttpResponse(200, {"content-encoding": encoding} if encoding else {}, HttpRequest("GET", "u"), Gone())
    parts = [response.decode(body[i : i + step], limit) for i in range(0, len(body), step)]
    return b"".join(parts) + response.decode(b"", limit)


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    " Identity ": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": gzip.compress,
    "deflate": zlib.compress,
}


@given(body=st.binary(max_size=2000), step=st.integers(1, 100), encoding=st.sampled_from(sorted(ENCODERS)))
def test_decoding_undoes_the_encoding(body: bytes, step: int, encoding: str) -> None:
    """The body comes out as it went in, however it is cut."""
    assert undone(encoding, ENCODERS[encoding](body), step=step) == body


@given(parts=st.lists(st.binary(max_size=50), min_size=1, max_size=5), step=st.integers(1, 100))
def test_gzip_in_several_members_is_one_body(parts: list[bytes], step: int) -> None:
    """No member after the first is lost (RFC 1952, section 2.2)."""
    assert undone("gzip", b"".join(map(gzip.compress, parts)), step=step) == b"".join(parts)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_body_cut_anywhere_is_no_body(encoding: str) -> None:
    """Every cut before the end is found, so half an answer never passes for one."""
    whole = ENCODERS[encoding](b"hello, hello, hello")
    for end in range(len(whole)):
        with pytest.raises(InvalidResponseError, match="cut short"):
            undone(encoding, whole[:end])


def test_a_damaged_compressed_body_is_no_body() -> None:
    """Neither is one with something else behind it, or one that is not compressed at all."""
    for body in (b"{}", gzip.compress(b"a") + b"rest", gzip.compress(b"a" * 99)[:-8] + b"x" * 8):
        with pytest.raises(InvalidResponseError, match="damaged"):
            undone("gzip", body)


def test_a_bomb_is_stopped_at_the_limit() -> None:
    """What would be 64 MiB is never decoded beyond the limit, in one member or in many."""
    for bomb in (gzip.compress(bytes(2**26)), b"".join([gzip.compress(bytes(2**16))] * 100)):
        decoder = ContentDecoder("gzip", 100_000)
        sizes = []
        with pytest.raises(InvalidResponseError, match=r"100000 bytes \(max_response_bytes\)"):
            for start in range(0, len(bomb), 100):
                sizes.append(len(decoder.feed(bomb[start : start + 100])))  # noqa: PERF401 - kept up to the error
        assert sum(sizes) <= 100_000


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_limit_is_exact(encoding: str) -> None:
    """So many bytes pass, one more does not."""
    body = ENCODERS[encoding](b"x" * 1000)
    assert undone(encoding, body, limit=1000, step=10) == b"x" * 1000
    with pytest.raises(InvalidResponseError, match="larger than 999 bytes"):
        undone(encoding, body, limit=999, step=10)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "deflate, gzip", "x" * 1000])
def test_an_encoding_that_no_one_asked_for_is_refused(encoding: str) -> None:
    """Also one on top of another; the error repeats no more than 40 characters of it."""
    with pytest.raises(InvalidResponseError, match="content encoding") as caught:
        undone(encoding, b"x")
    assert len(caught.value.message) < 120


def test_headers_are_found_by_name() -> None:
    """``header`` gives the value or None."""
    response = HttpResponse(200, {"x": "y"}, HttpRequest("GET", "u"), Gone())
    assert (response.header("x"), response.header("z")) == ("y", None)


def test_a_request_shows_no_secret_of_its_url() -> None:
    """Some services want their key in the query."""
    remember("canary-4ac1")

    assert "canary-4ac1" not in repr(HttpRequest("GET", "https://api.example/v1?key=canary-4ac1"))
