"""Chat completions through the gateway: over real sockets, in front of a service that fails on demand."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

import attrs
import pytest

from jackfield import hookimpl
from jackfield.flow import Deliver
from jackfield.models import (
    ChatCompletionChoice,
    ChatCompletionResponseMessage,
    CompletionUsage,
    CreateChatCompletionResponse,
)
from jackfield.testing.echo import Echo
from jackfield_gateway.chat import CHOOSING, STEERING, events
from jackfield_gateway.key import KeyLimits
from jackfield_gateway.settings import GatewaySettings, Limits


def opened(asker, body: bytes, *, read: bytes = b"") -> socket.socket:
    """A connection on which a chat completion was asked for, read up to these bytes."""
    host, _, port = urlsplit(asker.url).netloc.partition(":")
    client = socket.create_connection((host, int(port)), timeout=60)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    seen = b""
    while read not in seen:
        seen += client.recv(4096)
    return client


def asked(model: str, **fields: object) -> bytes:
    """The body of a request."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}).encode()


def test_a_completion_comes_as_the_service_gave_it(gateway, service):
    """With its id, its usage, and an id of the request."""
    told = gateway().chat("fast")
    assert (told.status, told.json["object"]) == (200, "chat.completion")
    assert told.json["usage"]["total_tokens"] > 0
    assert told.headers["x-request-id"].startswith("req_")
    assert service.ledger.requests[-1].model == "ok"


def test_a_stream_comes_as_events_and_is_done(gateway):
    """Chunks, then the word that it is whole."""
    told = gateway().chat("fast", stream=True)
    *chunks, done = told.events
    assert told.headers["content-type"].startswith("text/event-stream")
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert done == "[DONE]"


def test_a_chunk_of_usage_comes_only_to_who_asked_for_it(gateway):
    """Jackfield asks the service for it in any case; a chunk without choices would break clients that never asked."""
    ask = gateway()
    plain = ask.chat("fast", stream=True).events[:-1]
    counted = ask.chat("fast", stream=True, stream_options={"include_usage": True}).events[:-1]
    assert all(chunk["choices"] for chunk in plain)
    assert counted[-1]["usage"]["total_tokens"] > 0


def test_bytes_that_nobody_changed_go_on_as_they_came():
    """An event that came in several lines, too."""
    from jackfield.wire import decode_chunk

    raw = b'{"id":"1","object":"chat.completion.chunk","created":1,"model":"m",\n"choices":[], "x" : 1.50}'
    sent = events([decode_chunk(raw)])
    assert (
        sent
        == b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m",\ndata: "choices":[], "x" : 1.50}\n\n'
    )


@pytest.mark.parametrize("fault", ["cut", "break", "error"])
def test_a_stream_that_breaks_is_told_and_never_done(gateway, fault):
    """Clients take an event with an error for a failure, and the end without one for an answer."""
    told = gateway().chat(f"b/{fault}", stream=True)
    *chunks, last = told.events
    assert chunks
    assert last.keys() == {"error"}
    assert last["error"].keys() == {"message", "type", "param", "code"}
    assert "[DONE]" not in told.events


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("status?code=400", 400),
        ("status?code=404", 404),
        ("status?code=429", 429),
        ("status?code=500", 500),
        ("cut", 200),
    ],
)
def test_statuses_of_the_service_are_told(gateway, fault, status):
    """With an error of OpenAI's shape, before a stream as well as without one."""
    ask = gateway()
    told = ask.chat(f"b/{fault}")
    assert told.status == status
    if status != 200:
        assert told.error.keys() == {"message", "type", "param", "code"}
        assert ask.chat(f"b/{fault}", stream=True).status == status


def test_the_key_of_the_backend_is_never_told(gateway, service, monkeypatch):
    """Not where the service gives it back, and not to a client that thinks it is its own that is wrong."""
    secret = "sk-" + "Zk3" * 12
    monkeypatch.setenv("BACKEND_KEY", secret)
    backend = {
        "provider": "openai",
        "base_url": f"{service.url}/v1",
        "middleware": [{"use": "bearer", "token": "env:BACKEND_KEY"}],
    }
    told = gateway(backends={"b": backend}).chat("b/echo-key")
    assert service.ledger.requests[-1].keys == (f"Bearer {secret}",)
    assert (told.status, told.error["code"]) == (502, "backend_authentication")
    assert secret.encode() not in told.body


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"", 400), (b"[]", 400), (b'{"model": "fast"}', 400), (b'{"messages": []}', 400)],
)
def test_what_is_no_request_is_a_bad_one(gateway, body, status):
    """And nothing is sent."""
    told = gateway()("/v1/chat/completions", body)
    assert told.status == status
    assert told.error["type"] == "invalid_request_error"


@pytest.mark.parametrize("name", sorted(STEERING))
def test_no_field_steers_the_gateway(gateway, service, name):
    """Nor the one behind it, which may be of another make."""
    told = gateway().chat("fast", **{name: "http://evil.example"})
    assert (told.status, told.error["param"]) == (400, name)
    assert not service.ledger.requests


@pytest.mark.parametrize("name", sorted(CHOOSING))
def test_no_field_takes_another_model_where_names_are_restricted(gateway, keys, service, name):
    """Not by the key, and not by the settings; elsewhere it passes, for it is the service's own."""
    restricted = GatewaySettings(keys="never", store="sqlite::memory:", models=("fast",))
    assert gateway(restricted).chat("fast", **{name: ["b/dear"]}).error["param"] == name
    ask = gateway(keys.settings)
    for models, status in [(("fast",), 400), ((), 200)]:
        headers = {"authorization": f"Bearer {keys.make(models=models)}"}
        told = ask("/v1/chat/completions", asked("fast", **{name: ["b/dear"]}), headers=headers)
        assert told.status == status
    (received,) = service.ledger.requests
    assert json.loads(received.body)[name] == ["b/dear"]


def test_other_unknown_fields_pass(gateway, service):
    """Services have parameters of their own."""
    assert gateway().chat("fast", top_k=3).status == 200
    assert json.loads(service.ledger.requests[-1].body)["top_k"] == 3


@pytest.mark.parametrize("model", ["b/secret", "zoo/parrot", "", "b/"])
def test_a_model_that_is_not_offered_is_told_like_one_that_is_not_there(gateway, model):
    """Nobody learns the names of the rest."""
    told = gateway(GatewaySettings(keys="never", store="sqlite::memory:", models=("fast",))).chat(model)
    assert (told.status, told.error["code"], told.error["param"]) == (404, "model_not_found", "model")
    assert "fast" not in told.error["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_closes_the_connection_to_the_service(gateway, service, stream):
    """Whether anything came back or not; how soon is looked at with the limits."""
    ask = gateway()
    fault = "b/pings" if stream else "b/stall?at=1"
    client = opened(ask, asked(fault, stream=stream), read=b"data:" if stream else b"")
    until = time.monotonic() + 60
    while not service.ledger.requests and time.monotonic() < until:
        time.sleep(0.01)
    (received,) = service.ledger.requests
    assert not received.left.is_set()
    client.close()
    assert received.left.wait(60)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_does_not_read_is_cut_off(gateway, stream):
    """It holds neither a place nor the connection to the service."""
    limits = Limits(reader_stall=0.3, drain=0)
    settings = GatewaySettings(keys="never", store="sqlite::memory:", limits=limits)
    ask = gateway(settings, backends={"echo": {"provider": "echo"}}, models={})
    words = f"{'w' * 99} " * 132_000  # few chunks, of many bytes
    # With the head read the call runs for certain; without, who looks too early would find nothing that is to be cut.
    client = opened(
        ask, asked("echo/echo", stream=stream, messages=[{"role": "user", "content": words}]), read=b"\r\n\r\n"
    )
    with client:
        until = time.monotonic() + 120
        while (active := ask("/inspector/about").json["active"]) != 1 and time.monotonic() < until:
            time.sleep(0.1)
        assert active == 1  # the question itself
        seen, cut = 0, False
        try:
            while piece := client.recv(1 << 20):
                seen += len(piece)
        except ConnectionResetError:
            cut = True
    assert cut or seen < len(words)


@attrs.define(eq=False)
class Exact(Echo):
    """Tells the usage of a stream where it is asked for, or where it is left to it."""

    @hookimpl
    def create_chat_completion(self, request, call):
        """One word."""
        options = request.stream_options
        told = not options or options.include_usage is True
        usage = CompletionUsage(prompt_tokens=90, completion_tokens=10, total_tokens=100) if told else None
        for chunk in self._chunks("hello", "stop", {"id": "x", "created": 1, "model": request.model}):
            last = bool(chunk.choices[0].finish_reason)
            yield Deliver([attrs.evolve(chunk, usage=usage) if last else chunk], last=last)


@pytest.mark.parametrize("options", [None, {}, {"include_usage": True}, {"include_usage": False}])
@pytest.mark.parametrize("limit", ["tokens_per_minute", "tokens_per_day"])
def test_a_stream_costs_its_prompt_whatever_the_client_asks_for(gateway, keys, limit, options):
    """Else who does not want to know the usage would not be counted it."""
    if (left := 60 - time.time() % 60) < 5:  # counts of the minute begin anew with it
        time.sleep(left + 0.1)
    token = keys.make(limits=KeyLimits(**{limit: 100}))
    ask = gateway(
        keys.settings, backends={"e": {"provider": "exact"}}, models={"fast": "e/a"}, plugins={"exact": Exact}
    )
    body, head = asked("fast", stream=True, stream_options=options), {"authorization": f"Bearer {token}"}
    told = [ask("/v1/chat/completions", body, headers=head) for _ in range(2)]
    assert told[0].events[-1] == "[DONE]"
    assert told[1].status == 429


@attrs.define(eq=False)
class Terse:
    """Gives its answers no id, and tells no sum of what they took."""

    @hookimpl
    def create_chat_completion(self, request, call):
        """One answer."""
        usage = CompletionUsage(prompt_tokens=90, completion_tokens=10)
        choice = ChatCompletionChoice(message=ChatCompletionResponseMessage(content="hello"), finish_reason="stop")
        return CreateChatCompletionResponse(model=request.model, choices=[choice], usage=usage)


TERSE = {"backends": {"t": {"provider": "terse"}}, "models": {"fast": "t/a"}, "plugins": {"terse": Terse}}


def test_an_answer_costs_its_parts_where_the_service_tells_no_sum(gateway, keys):
    """Some servers leave it out."""
    token, ask = keys.make(limits=KeyLimits(tokens_per_day=100)), gateway(keys.settings, **TERSE)
    told = [
        ask("/v1/chat/completions", asked("fast"), headers={"authorization": f"Bearer {token}"}).status
        for _ in range(2)
    ]
    assert told == [200, 429]


def test_what_is_stored_without_an_id_gets_one(gateway):
    """Else nobody could ask for it, and the next would take its place."""
    ask = gateway(**TERSE)
    ids = [ask.chat("fast", store=True).json["id"] for _ in range(2)]
    assert [ask(f"/v1/chat/completions/{id_}").json["id"] for id_ in ids] == ids
    assert ask.chat("fast", store=True, stream=True).events[-1] == "[DONE]"
    assert len({one["id"] for one in ask("/v1/chat/completions").json["data"]}) == 3
