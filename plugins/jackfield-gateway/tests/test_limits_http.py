"""Limits over HTTP: bodies, heads and readers that take too much or too long, quotas of keys, the queue, and who leaves."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest

from jackfield.hookspecs import hookimpl
from jackfield.models import CreateChatCompletionResponse
from jackfield.wire import from_dict
from jackfield_gateway import guard, server
from jackfield_gateway.key import KeyLimits
from jackfield_gateway.settings import GatewaySettings, Limits

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hello"}]
BODY = {"model": "fast", "messages": MESSAGES}
SHAPE = {"message", "type", "param", "code"}


def limited(**limits: Any) -> GatewaySettings:
    """Settings of a gateway without keys."""
    return GatewaySettings(keys="never", store="sqlite::memory:", limits=Limits(**{"drain": 0, **limits}))


def connected(url: str, sent: bytes) -> socket.socket:
    """A connection on which that was sent."""
    host, _, port = urlsplit(url).netloc.partition(":")
    client = socket.create_connection((host, int(port)), timeout=20)
    client.sendall(sent)
    return client


def answered(url: str, sent: bytes) -> bytes:
    """All that is answered until the gateway closes the connection, or the client's side of it is closed."""
    told = b""
    with connected(url, sent) as client, contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            told += piece
    return told


def head(*lines: str, target: str = f"POST {CHAT}") -> bytes:
    """The head of a request for JSON."""
    return "\r\n".join(
        [f"{target} HTTP/1.1", "host: localhost", "content-type: application/json", *lines, "", ""]
    ).encode()


def sized(size: int) -> bytes:
    """A good request of so many bytes."""
    bare = json.dumps({**BODY, "user": ""}).encode()
    return bare[:-2] + b"x" * (size - len(bare)) + bare[-2:]


def chunked(body: bytes) -> bytes:
    """A body in chunks."""
    pieces = [body[at : at + 4000] for at in range(0, len(body), 4000)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_the_limits_are_those_that_are_promised():
    """Where an operator sets none."""
    limits = Limits()
    assert (limits.body_bytes, limits.body_stall, limits.reader_stall, limits.drain) == (20 * 2**20, 60, 30, 30)
    assert (guard.HEADER_BYTES, server.HEADER_TIMEOUT) == (64 * 2**10, 10)


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("form", ["length", "chunked"])
def test_a_body_has_a_limit(gateway, service, form, extra):
    """However its length is told; the connection of one that is too large does not go on."""
    url = gateway(limited(body_bytes=8192)).url
    body = sized(8192 + extra)
    framing, sent = (
        (f"content-length: {len(body)}", body) if form == "length" else ("transfer-encoding: chunked", chunked(body))
    )
    told = answered(url, head(framing, *([] if extra else ["connection: close"])) + sent)
    assert told.split()[1] == (b"413" if extra else b"200")
    assert len(service.ledger.requests) == 1 - extra
    if extra:
        assert json.loads(told.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_too_large"


def test_a_body_of_20_mib_passes_and_more_is_refused_unread(gateway, service):
    """Of one that says its length nothing is waited for."""
    url = gateway(limited()).url
    most = 20 * 2**20
    assert answered(url, head(f"content-length: {most}", "connection: close") + sized(most)).split()[1] == b"200"
    assert len(service.ledger.requests[-1].body) > most - 1000
    assert answered(url, head(f"content-length: {most + 1}")).split()[1] == b"413"


@pytest.mark.parametrize("told", ["9" * 30, "18446744073709551616", "18446744073709551615"])
def test_lengths_beyond_all_numbers_are_refused(gateway, told):
    """They do not become small ones."""
    assert answered(gateway(limited()).url, head(f"content-length: {told}")).split()[1] in {b"400", b"413", b"431"}


@pytest.mark.parametrize("form", ["content-length: 100", "transfer-encoding: chunked"])
@pytest.mark.parametrize("sent", [b"", b'5\r\n{"mod'])
def test_a_body_that_stalls_is_not_waited_for(gateway, form, sent):
    """The client is told, and the connection ends."""
    told = answered(gateway(limited(body_stall=0.3)).url, head(form) + sent)
    assert told.split()[1] == b"408"
    assert json.loads(told.partition(b"\r\n\r\n")[2])["error"].keys() == SHAPE


SMUGGLED = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
GOOD = json.dumps(BODY).encode()


def length(size: object) -> str:
    """The header with a length."""
    return f"content-length: {size}"


CHUNKS = "transfer-encoding: chunked"
SHAPES: dict[str, bytes] = {
    "a length and chunks": head(length(len(chunked(GOOD)) + len(SMUGGLED)), CHUNKS) + chunked(GOOD) + SMUGGLED,
    "chunks and a short length": head(CHUNKS, length(4)) + chunked(GOOD) + SMUGGLED,
    "two lengths": head(length(len(GOOD)), length(len(GOOD + SMUGGLED))) + GOOD + SMUGGLED,
    "two lengths in one": head(length(f"{len(GOOD)}, {len(GOOD) + 9}")) + GOOD + SMUGGLED,
    "a length with a sign": head(length(f"+{len(GOOD)}")) + GOOD + SMUGGLED,
    "a length below zero": head(length(-1)) + GOOD + SMUGGLED,
    "a length that is no number": head(length("0x10")) + GOOD + SMUGGLED,
    "an unknown coding": head("transfer-encoding: xchunked") + chunked(GOOD) + SMUGGLED,
    "chunks before another coding": head("transfer-encoding: chunked, identity") + chunked(GOOD) + SMUGGLED,
    "a chunk whose size is no number": head(CHUNKS) + b"zz\r\n" + GOOD + b"\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk with a sign": head(CHUNKS) + b"+5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk that is longer than all": head(CHUNKS) + b"f" * 17 + b"\r\n" + GOOD + SMUGGLED,
    "a chunk that does not end": head(CHUNKS) + b"5\r\nhelloXX0\r\n\r\n" + SMUGGLED,
    "a blank before the colon": head(f"content-length : {len(GOOD)}") + GOOD + SMUGGLED,
    "a folded line": head("x: y", " folded: z", length(len(GOOD))) + GOOD + SMUGGLED,
    "a null": head("x: a\0b", length(len(GOOD))) + GOOD + SMUGGLED,
    "a carriage return": head("x: a\rb: c", length(len(GOOD))) + GOOD + SMUGGLED,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_of_two_meanings_has_nothing_behind_it(gateway, service, shape):
    """A proxy in between may read it otherwise: what comes after it on its connection is not answered."""
    told = answered(gateway(limited(body_stall=0.5)).url, SHAPES[shape])
    assert told.count(b"HTTP/1.1 ") <= 1
    assert b'{"status":"ok"}' not in told
    if told.split()[1:2] == [b"200"]:  # only the body that its chunks made was taken
        assert len(service.ledger.requests) == 1


def test_clients_that_drip_keep_nobody_out(gateway):
    """Each holds a connection, and no more."""
    ask = gateway(limited())
    dripping = [connected(ask.url, b"POST / HTTP/1.1\r\nhost: ") for _ in range(100)]
    dripping += [connected(ask.url, head("content-length: 100") + b"{") for _ in range(100)]
    try:
        for _ in range(20):
            for client in dripping[:100]:
                client.sendall(b"l")
            assert ask("/healthz").status == 200
        assert ask(CHAT, BODY).status == 200
    finally:
        for client in dripping:
            client.close()


@attrs.frozen
class Keyed:
    """Asks chat completions with a key."""

    ask: Any
    token: str

    def __call__(self, model: str = "fast", **more: Any) -> Any:
        """What is answered."""
        return self.ask(CHAT, {**BODY, "model": model, **more}, headers={"authorization": f"Bearer {self.token}"})

    def opened(self, model: str) -> socket.socket:
        """A connection on which it was asked."""
        return asking(self.ask.url, f"authorization: Bearer {self.token}", model=model)


@pytest.fixture
def keyed(gateway, keys) -> Callable[..., Keyed]:
    """Asks with a key of these limits: ``keyed(**limits)(model)``."""
    return lambda **limits: Keyed(gateway(keys.settings), keys.make(limits=KeyLimits(**limits)))


def is_over(told: Any, most: int) -> bool:
    """Whether the key had its share, and the wait is told in whole seconds."""
    assert told.error.keys() == SHAPE
    assert told.error["type"] == "rate_limit_error"
    wait = int(told.headers["retry-after"])
    return (told.status, told.error["code"]) == (429, "key_limit_exceeded") and 1 <= wait <= most + 1


def within_a_minute() -> None:
    """Wait for the next minute where this one ends soon: counts begin anew with it."""
    if (left := 60 - time.time() % 60) < 5:
        time.sleep(left + 0.1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("limits", "most"),
    [({"requests_per_minute": 2}, 60), ({"tokens_per_minute": 40}, 60), ({"tokens_per_day": 40}, 86_400)],
)
def test_a_key_that_had_its_share_is_told_to_come_again(keyed, service, limits, most, stream):
    """After so many requests, or from the request on that took it beyond its tokens."""
    within_a_minute()
    ask = keyed(**limits)
    first = ask()
    assert first.status == 200
    used, left = first.json["usage"]["total_tokens"], 10
    while (told := ask(stream=stream)).status == 200:
        left -= 1
        assert left
        assert not stream or told.events[-1] == "[DONE]"
    assert is_over(told, most)
    calls = len(service.ledger.requests)
    limit = next(iter(limits.values()))
    assert calls == (limit if "requests_per_minute" in limits else -(-limit // used))


@pytest.mark.parametrize("limit", ["tokens_per_minute", "tokens_per_day"])
@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 3, "completion_tokens": 3},
        {"total_tokens": 6},
        {"prompt_tokens": 6, "completion_tokens": -6, "total_tokens": -100},
        {"prompt_tokens": 10**400, "completion_tokens": 1, "total_tokens": 10**400},
    ],
)
def test_tokens_count_however_the_backend_tells_them(gateway, keys, limit, usage):
    """Without their sum too; none are given back for a number below zero, and the store takes the largest."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    told = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}

    @attrs.define(eq=False)
    class Own:
        @hookimpl
        def create_chat_completion(self):
            return from_dict(told, CreateChatCompletionResponse)

    within_a_minute()
    key = {"authorization": f"Bearer {keys.make(limits=KeyLimits(**{limit: 5}))}"}
    ask = gateway(keys.settings, backends={"o": {"provider": "own"}}, models={}, plugins={"own": Own})
    body = {"model": "o/m", "messages": [{"role": "user", "content": "hi"}]}
    assert [ask("/v1/chat/completions", body, headers=key).status for _ in range(2)] == [200, 429]


def test_a_stream_that_is_broken_off_costs_what_was_read_of_it(keyed, service):
    """Else nobody would read one to its end, where the tokens are told."""
    within_a_minute()
    ask = keyed(tokens_per_minute=3)
    assert ask("b/cut?events=4", stream=True).events[-1].keys() == {"error"}
    assert is_over(ask(), 60)


def event(condition: Callable[[], Any]) -> Any:
    """Wait until it holds, and return what it came to."""
    end = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return value


def asking(url: str, *lines: str, **fields: Any) -> socket.socket:
    """A connection on which a chat completion was asked for."""
    body = json.dumps({**BODY, **fields}).encode()
    return connected(url, head(length(len(body)), *lines) + body)


def test_a_key_runs_no_more_at_once_than_it_may(keyed, service):
    """The next may run as soon as one has ended, also by its client's end."""
    ask = keyed(concurrency=1)
    running = ask.opened("b/stall?at=0")
    (received,) = event(lambda: service.ledger.of("stall?at=0"))
    assert is_over(ask(), 60)
    running.close()
    assert received.left.wait(60)
    event(lambda: ask().status == 200)


def test_a_full_queue_is_told(gateway, service):
    """One runs, one waits, the third is told to come again; who leaves makes room, whether it ran or waited."""
    ask = gateway(limited(concurrency=1, queue=1, queue_wait=60))
    running = asking(ask.url, model="b/stall?at=0")
    (received,) = event(lambda: service.ledger.of("stall?at=0"))
    waiting = asking(ask.url, model="b/waits")
    full = event(lambda: (told := ask(CHAT, BODY)).status == 429 and told)
    assert (full.error["code"], full.headers["retry-after"]) == ("queue_full", "1")
    waiting.close()
    second = asking(ask.url)
    running.close()
    assert received.left.wait(60)
    with second:
        assert b"HTTP/1.1 200" in second.recv(65_536)
    assert not service.ledger.of("waits")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["stall?at=0", "stall?at=1", "stall?at=300"])
def test_a_client_that_leaves_takes_the_call_with_it(gateway, service, stream, fault):
    """Before the service said anything, within its head, and within its body: the service sees it within a second."""
    ask = gateway(limited())
    late: list[float] = []
    for number in range(5):  # the machine may be busy for a second, but hardly each time
        client = asking(ask.url, model=f"b/{fault}", stream=stream)
        (received,) = event(lambda: service.ledger.of(fault)[number:])  # noqa: B023 - it is called at once
        assert not received.left.is_set()
        time.sleep(0.1)
        left = time.monotonic()
        client.close()
        assert received.left.wait(60)
        late.append(time.monotonic() - left)
        if late[-1] < 1:
            break
    assert min(late) < 1
    assert event(lambda: ask("/inspector/calls").json["calls"][0]["state"] == "cancelled")
