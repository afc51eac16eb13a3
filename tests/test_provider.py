"""HttpProvider: one exchange an attempt, over real sockets, through the engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from jackfield import errors
from jackfield.call import Call
from jackfield.drivers.live import Live
from jackfield.engine import Engine
from jackfield.event import decode_chunk
from jackfield.http import Backend, HttpRequest, Origin, Transport
from jackfield.models import CreateChatCompletionRequest, CreateChatCompletionResponse, Model, ModelList
from jackfield.plan import Layer, Plan, Route
from jackfield.provider import HttpProvider
from jackfield.reader import StreamReader
from jackfield.wire import build_request, decode_response, encode, from_json
from rig import Rig
from server import CLOSE, HANG, RESET, STREAM_HEAD, Script, Serve, answer, chunked, events, head, stream

REPLY = {
    "id": "r",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop", "logprobs": None}
    ],
}


def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    """A chunk with one choice."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


@attrs.define(eq=False)
class Dialect(HttpProvider):
    """OpenAI's dialect, as small as it can be."""

    def encode(self, request: CreateChatCompletionRequest, call: Call) -> HttpRequest:
        return HttpRequest("POST", f"{self.base_url}/chat", {"content-type": "application/json"}, encode(request))

    def decode(self, body: bytes) -> CreateChatCompletionResponse:
        return decode_response(body)

    def reader(self, request: CreateChatCompletionRequest, max_line_bytes: int) -> StreamReader:
        return StreamReader(decode_chunk, max_line_bytes=max_line_bytes)

    def encode_models(self, call: Call) -> HttpRequest:
        return HttpRequest("GET", f"{self.base_url}/models")

    def decode_models(self, body: bytes) -> list[Model]:
        return list(from_json(body, ModelList).data)


class Bench:
    """A provider behind a server."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.texts: list[str | None] = []

    def chat(self, url: str, *, stream: bool = False, timeout: float = 20.0) -> tuple[Any, Call]:
        """The outcome of a chat completion, and its call; what a stream delivers is in ``texts``."""
        return self._call(url, stream=stream, timeout=timeout)

    def models(self, url: str) -> Any:
        """The outcome of the list of models."""
        return self._call(url, stream=False, timeout=20.0, models=True)[0]

    def _call(self, url: str, *, stream: bool, timeout: float, models: bool = False) -> tuple[Any, Call]:
        provider = Dialect(base_url=url)
        hooks: dict[str, Any] = {
            "create_chat_completion": provider.create_chat_completion,
            "list_models": provider.list_models,
        }
        backend = Backend("b", "p", provider.origin, transport=Transport(proxy="", max_line_bytes=10_000))
        route = Route(backend, Layer("p#0", provider, "tests 1", hooks))
        plan = Plan(chat=(), chunk=(), route=lambda name: (route, name))
        call = Call(clock=time.monotonic, model="m", stream=stream, timeout=timeout)
        engine = Engine(plan, call)
        live = Live(engine)
        self.texts = []
        self.rig.driver.watchdog.add(live)
        try:
            request = build_request({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": stream})
            effect = engine.begin_models(route) if models else engine.begin_chat(request)
            while (deliver := self.rig.driver.advance(live, effect)) is not None:
                self.texts += [choice.delta.content for found in deliver.chunks for choice in found.choices]
                effect = engine.step(None)
        finally:
            self.rig.driver.watchdog.discard(live)
        try:
            return engine.result(), call
        except errors.JackfieldError as error:
            return error, call


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A provider, over the sync driver."""
    bench = Bench()
    yield bench
    bench.rig.close()


def test_a_provider_has_the_origin_of_its_base_url() -> None:
    """That is where its credentials may go."""
    assert Dialect(base_url="https://api.example/v1").origin == Origin("https", "api.example", 443)


def test_a_dialect_must_say_how() -> None:
    """Each part that is missing names itself."""
    bare: Any = HttpProvider("https://api.example")
    for name, count in (("encode", 2), ("decode", 1), ("reader", 2), ("encode_models", 1), ("decode_models", 1)):
        with pytest.raises(errors.PluginError, match=f"HttpProvider does not implement {name}$"):
            getattr(bare, name)(*[None] * count)


@pytest.mark.parametrize("stream", [False, True])
def test_a_part_of_an_answer_is_no_success(bench: Bench, serve: Serve, *, stream: bool) -> None:
    """HTTP 206 tells that there is more, whatever its body looks like."""
    server = serve([answer(json.dumps(REPLY).encode(), "206 Partial Content")])
    error, _ = bench.chat(server.url, stream=stream)
    assert isinstance(error, errors.APIStatusError)
    assert error.status_code == 206


def test_an_answer_comes_with_what_its_head_tells(bench: Bench, serve: Serve) -> None:
    """Request id, rate limits, processing time are in the ledger."""
    headers = {"x_request_id": "q1", "X_RateLimit_Remaining_Requests": "7", "openai_processing_ms": "12.5"}
    server = serve(
        [answer(json.dumps(REPLY).encode(), **headers)],
        [answer(json.dumps(REPLY).encode(), openai_processing_ms="soon")],
    )
    response, call = bench.chat(server.url)
    attempt = call.attempts[0]
    assert response.choices[0].message.content == "hello"
    assert (attempt.request_id, attempt.rate_limit, attempt.processing_ms) == ("q1", {"remaining-requests": "7"}, 12.5)
    assert attempt.status_code == 200
    assert bench.chat(server.url)[1].attempts[0].processing_ms is None


def test_models_are_listed(bench: Bench, serve: Serve) -> None:
    """And what is no list of models is told."""
    model = {"id": "m", "object": "model", "created": 1, "owned_by": "t"}
    server = serve([answer(json.dumps({"object": "list", "data": [model]}).encode())], [answer(b"[]")])
    assert [found.id for found in bench.models(server.url)] == ["m"]
    assert type(bench.models(server.url)) is errors.InvalidResponseError


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", errors.InvalidResponseError),
        (b"<html>", errors.InvalidResponseError),
        (b"[]", errors.InvalidResponseError),
        (b"\xff", errors.InvalidResponseError),
        (b"[" * 100_000, errors.InvalidResponseError),
        (b'{"error": ' + b"[" * 100_000, errors.InvalidResponseError),
        (json.dumps({**REPLY, "choices": []}).encode(), errors.InvalidResponseError),
        (json.dumps(REPLY).encode()[:-1], errors.InvalidResponseError),
        (json.dumps({"error": {"message": "m", "code": "insufficient_quota"}}).encode(), errors.RateLimitError),
        (json.dumps(REPLY).replace('"stop"', '"error"').encode(), errors.APIError),
    ],
)
def test_a_success_without_an_answer_is_an_error(bench: Bench, serve: Serve, body: bytes, kind: type) -> None:
    """HTTP 200 with anything but a chat completion."""
    error, _ = bench.chat(serve([answer(body)]).url)
    assert type(error) is kind


def test_an_answer_may_speak_of_errors(bench: Bench, serve: Serve) -> None:
    """A member ``error`` that is null is none."""
    response, _ = bench.chat(serve([answer(json.dumps({**REPLY, "error": None}).encode())]).url)
    assert response.id == "r"


@pytest.mark.parametrize("asked", [False, True])
def test_a_failure_has_the_class_of_its_status(bench: Bench, serve: Serve, asked: bool) -> None:
    """With the server's words, also for a stream; and the connection is used again."""
    server = serve([answer(b'{"error": {"message": "slow down"}}', "429 No", retry_after="7")])
    for _ in range(3):
        error, _ = bench.chat(server.url, stream=asked)
        assert (type(error), error.message, error.retry_after) == (errors.RateLimitError, "HTTP 429: slow down", 7)
        assert error.backend == "b"
    assert server.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        [head("503 No", {"content-length": "100"}), b"overloaded", CLOSE],
        [head("503 No", {"content-length": "100"}), b"overloaded", HANG],
        [head("503 No", {"content-length": "9000000"}), b"overloaded" * 200_000, HANG],
    ],
)
def test_a_failure_is_told_though_its_body_is_not_whole(
    bench: Bench, serve: Serve, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut, stalled or endless: the status and what came of the body are enough."""
    monkeypatch.setattr("jackfield.provider.GRACE", 0.2)
    error, _ = bench.chat(serve(script).url)
    assert type(error) is errors.InternalServerError
    assert error.message.startswith("HTTP 503: overloaded")


def test_a_stream_is_delivered_and_its_connection_used_again(bench: Bench, serve: Serve) -> None:
    """Chunk by chunk, then the response assembled from them."""
    server = serve(stream(*events(chunk("hel"), chunk("lo", "stop"))))
    for _ in range(3):
        response, call = bench.chat(server.url, stream=True)
        assert bench.texts == ["hel", "lo"]
        assert response.choices[0].message.content == "hello"
        assert call.committed
    assert server.connections == 1


@pytest.mark.parametrize("kind", ["application/json", "text/html; charset=utf-8"])
def test_a_body_where_a_stream_was_asked_for_is_an_error(bench: Bench, serve: Serve, kind: str) -> None:
    """With the class of the error that it holds, if it holds one."""
    server = serve(
        [answer(b'{"error": {"message": "m", "code": 429}}', content_type=kind)], [answer(b"{}", content_type=kind)]
    )
    assert type(bench.chat(server.url, stream=True)[0]) is errors.RateLimitError
    error, _ = bench.chat(server.url, stream=True)
    assert type(error) is errors.InvalidResponseError
    assert error.body_excerpt == "{}"


@pytest.mark.parametrize("end", [RESET, CLOSE, None])
def test_a_stream_that_breaks_is_interrupted(bench: Bench, serve: Serve, end: str | None) -> None:
    """What had arrived is in the error; before the first chunk it is the failure of an exchange."""
    last = [b"0\r\n\r\n"] if end is None else [0.1, end]
    server = serve([STREAM_HEAD, *chunked(*events(chunk("hel"), done=False), end=False), *last])
    error, call = bench.chat(server.url, stream=True)
    assert (type(error), error.stage) == (errors.StreamInterruptedError, "ambiguous")
    assert error.partial.choices[0].message.content == "hel"
    assert call.committed
    server = serve([STREAM_HEAD, *last])
    error, call = bench.chat(server.url, stream=True)
    assert type(error) is (errors.StreamInterruptedError if end is None else errors.APIConnectionError)
    assert not call.committed


def test_an_error_behind_chunks_comes_after_them(bench: Bench, serve: Serve) -> None:
    """Also where all of it came in one block."""
    server = serve(stream(b"".join(events(chunk("hel"), {"error": {"message": "m", "code": 500}}))))
    error, call = bench.chat(server.url, stream=True)
    assert (type(error), bench.texts, call.committed) == (errors.InternalServerError, ["hel"], True)


@pytest.mark.parametrize("timeout", [20.0, 0.5])
def test_a_whole_answer_does_not_fail_for_its_end(
    bench: Bench, serve: Serve, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the finish reason the server says nothing, or breaks: the answer is there, before the deadline."""
    monkeypatch.setattr("jackfield.provider.GRACE", 0.2 if timeout > 1 else 5.0)
    for end in (HANG, RESET, CLOSE):
        server = serve([STREAM_HEAD, *chunked(*events(chunk("hello", "stop"), done=False), end=False), 0.02, end])
        response, _ = bench.chat(server.url, stream=True, timeout=timeout)
        assert response.choices[0].message.content == "hello"


def test_a_server_that_keeps_the_stream_open_loses_its_connection(bench: Bench, serve: Serve) -> None:
    """After ``[DONE]`` nothing is waited for but a moment."""
    server = serve([STREAM_HEAD, *chunked(*events(chunk("a", "stop")), end=False), HANG])
    response, _ = bench.chat(server.url, stream=True)
    assert response.choices[0].message.content == "a"
    assert server.gone.wait(5)


def test_the_deadline_ends_a_stream(bench: Bench, serve: Serve) -> None:
    """One that is not whole is no answer."""
    server = serve([STREAM_HEAD, *chunked(*events(chunk("a"), done=False), end=False), HANG])
    error, _ = bench.chat(server.url, stream=True, timeout=0.4)
    assert type(error) is errors.DeadlineExceededError
    assert bench.texts == ["a"]
