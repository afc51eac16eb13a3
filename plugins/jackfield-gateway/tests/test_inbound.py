"""Inbound: what is read of a request, and within which limits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from jackfield.models import CreateChatCompletionRequest
from jackfield_gateway.inbound import ClientLeftError, Inbound
from jackfield_gateway.refusal import Refusal
from jackfield_gateway.settings import Limits

JSON = ("content-type", "application/json")


def inbound(
    *messages: object, headers: Sequence[tuple[str, str]] = (JSON,), query: bytes = b"", **limits: float
) -> Inbound:
    """A request whose body comes in these pieces; a number is a pause in seconds, None the client's end."""
    left = list(messages)

    async def receive() -> dict[str, object]:
        while isinstance(left[0], float):
            await asyncio.sleep(left.pop(0))
        piece = left.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    async def send(_: object) -> None:
        raise AssertionError("nothing is sent")

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "POST", "headers": raw, "query_string": query}
    return Inbound(scope, receive, send, Limits(**limits))  # type: ignore[arg-type]  # floats and whole numbers


def refused(request: Inbound) -> Refusal:
    """How the body is refused."""
    with pytest.raises(Refusal) as refusal:
        asyncio.run(request.body())
    return refusal.value


@pytest.mark.parametrize("pieces", [(b"abc",), (b"a", b"bc"), (b"abc", b""), (b"", b"abc", b"")])
def test_a_body_is_its_pieces(pieces):
    """However it was cut."""
    assert asyncio.run(inbound(*pieces).body()) == b"abc"


def test_a_body_may_have_exactly_the_limit():
    """One byte more is too large, and what is left of it is not read: the connection ends."""
    assert len(asyncio.run(inbound(b"x" * 1000, b"x" * 24, body_bytes=1024).body())) == 1024
    refusal = refused(inbound(b"x" * 1000, b"x" * 25, b"never read", body_bytes=1024))
    assert (refusal.status, refusal.headers["connection"]) == (413, "close")


def test_a_body_that_says_it_is_too_large_is_not_read():
    """A client that waits for ``100 Continue`` sends none of it."""
    assert refused(inbound(headers=(("content-length", "1025"),), body_bytes=1024)).status == 413


def test_a_body_that_stalls_is_given_up():
    """After the pause, not after the whole time."""
    refusal = refused(inbound(b"a", 5.0, b"b", body_stall=0.02))
    assert (refusal.status, refusal.headers["connection"]) == (408, "close")


def test_a_body_that_drips_is_given_up():
    """Each pause is short; all together are too long."""
    assert refused(inbound(*[b"a", 0.01] * 100, b"b", body_stall=0.5, body_total=0.05)).status == 408


@pytest.mark.parametrize("messages", [(None,), (b"half", None)])
def test_a_client_that_leaves_is_not_answered(messages):
    """There is nobody to tell."""
    with pytest.raises(ClientLeftError):
        asyncio.run(inbound(*messages).body())


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; a=b"])
def test_only_json_is_taken_for_json(kind):
    """A form of a strange page, which browsers send without asking, is none."""
    request = inbound(b"{}", headers=(("content-type", kind),))
    with pytest.raises(Refusal) as refusal:
        asyncio.run(request.json(CreateChatCompletionRequest))
    assert refusal.value.status == 415


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br, identity"])
def test_a_compressed_body_is_refused_as_one(coding):
    """And not told to be broken JSON; the answer says what is taken (RFC 9110, section 15.5.16)."""
    headers = (("content-type", "application/json"), ("content-encoding", coding))
    with pytest.raises(Refusal) as refusal:
        asyncio.run(inbound(b"{}", headers=headers).json(CreateChatCompletionRequest))
    assert (refusal.value.status, refusal.value.headers["accept-encoding"]) == (415, "identity")


@pytest.mark.parametrize("coding", ["identity", " Identity ", ""])
def test_a_body_that_is_not_compressed_is_read(coding):
    """Some clients say so."""
    headers = (("content-type", "application/json"), ("content-encoding", coding))
    body = b'{"model": "m", "messages": []}'
    assert asyncio.run(inbound(body, headers=headers).json(CreateChatCompletionRequest)).model == "m"


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_becomes_a_value(kind):
    """With the fields that are unknown."""
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "top_k": 3}'
    request = asyncio.run(inbound(body, headers=(("content-type", kind),)).json(CreateChatCompletionRequest))
    assert (request.model, request.extra) == ("m", {"top_k": 3})


def test_of_a_repeated_header_the_first_counts():
    """Everywhere the same."""
    assert inbound(headers=(("a", "1"), ("a", "2"))).headers == {"a": "1"}


def test_each_request_has_an_id_of_its_own():
    """By which people find it again."""
    one, other = inbound().id, inbound().id
    assert one != other
    assert one.startswith("req_")


def test_the_query_is_read_in_its_order():
    """Blanks and repetitions included."""
    pairs = inbound(query=b"a=1&metadata%5Bx%5D=%C3%A4&a=&b").query
    assert pairs == [("a", "1"), ("metadata[x]", "ä"), ("a", ""), ("b", "")]


@pytest.mark.parametrize("query", [b"a=%ff", b"\xff=1", b"&".join([b"a=1"] * 101)])
def test_a_query_that_cannot_be_read_is_refused(query):
    """With 400."""
    with pytest.raises(Refusal) as refusal:
        _ = inbound(query=query).query
    assert refusal.value.status == 400
