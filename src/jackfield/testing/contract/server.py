"""ServerContract: the tests that a server of OpenAI's format has to pass, made without any of jackfield's clients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import attrs
import pytest

from jackfield.testing.contract.verdict import fail
from jackfield.testing.contract.wire import RawReply, fetch

QUESTION = {"role": "user", "content": "What is the weather in Rome? Answer in one short sentence."}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")
"""What OpenAI's definition has for ``finish_reason``."""
EVENT_ENDS = "an empty line ends each event"


@attrs.frozen
class Endpoint:
    """Where a server is.

    Attributes:
        url: the base URL, as ``http://127.0.0.1:8080/v1``.
        model: a model name that it knows.
        key: its key, or None where it asks for none.
        timeout: seconds that a wait for it may take.
    """

    url: str
    model: str
    key: str | None = attrs.field(default=None, repr=False)
    timeout: float = 60.0

    def ask(self, body: Any, key: str | None = None) -> RawReply:
        """Its answer to a chat completion; ``body`` is sent as it is where it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        key = self.key if key is None else key
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        return fetch(f"{self.url}/chat/completions", data, headers, self.timeout)


class ServerContract:
    """Tests of a server: subclass it in a module of tests, with a fixture ``endpoint`` that returns an ``Endpoint``.

    What is found names the server, in one line.

    Attributes:
        knows_models: whether it refuses a model name that it does not know.
        tools: whether its model can be made to call a function.
        max_tokens: of each answer.
    """

    knows_models: bool = True
    tools: bool = True
    max_tokens: int = 48

    @pytest.fixture
    def endpoint(self) -> Endpoint:
        """Where the server is: to be written by the subclass."""
        pytest.fail(f"{type(self).__name__}: write the fixture `endpoint`, which returns an Endpoint", pytrace=False)

    def test_answer(self, endpoint: Endpoint) -> None:
        """A whole answer is a ``chat.completion`` with a choice, a finish reason and its usage."""
        answer = _json(endpoint, self._ask(endpoint), "a whole answer")
        _shape(endpoint, answer, "chat.completion", "a whole answer")
        message = answer["choices"][0].get("message")
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            _fail(endpoint, f"gave the message {message!r}", "a whole answer", "a message has text in `content`")
        _finished(endpoint, answer["choices"][0], "a whole answer")
        _usage(endpoint, answer.get("usage"), "a whole answer")

    def test_stream(self, endpoint: Endpoint) -> None:
        """A stream is of events, each a ``chat.completion.chunk``, and ends with a terminal signal."""
        chunks, done = self._stream(endpoint, self._ask(endpoint, stream=True))
        choices = [choice for chunk in chunks for choice in chunk.get("choices") or ()]
        if not choices:
            _fail(endpoint, "sent no choice", "a stream", "chunks have choices")
        reasons = [choice.get("finish_reason") for choice in choices]
        if not done and not any(reasons):
            _fail(
                endpoint,
                f"ended its stream after {len(chunks)} chunks without a terminal signal",
                "a stream",
                "`[DONE]` or a finish_reason tells that nothing is missing",
            )

    def test_done(self, endpoint: Endpoint) -> None:
        """The last event of a stream is ``[DONE]``, after a finish reason."""
        chunks, done = self._stream(endpoint, self._ask(endpoint, stream=True))
        if not done:
            _fail(endpoint, "sent no `[DONE]`", "a stream", "it is the last event")
        choices = [choice for chunk in chunks for choice in chunk.get("choices") or ()]
        if not any(choice.get("finish_reason") for choice in choices):
            _fail(endpoint, "gave no finish_reason", "a stream", "the last chunk of a choice tells why it ended")

    def test_usage_of_a_stream(self, endpoint: Endpoint) -> None:
        """A stream that is asked for its usage tells it."""
        reply = self._ask(endpoint, stream=True, stream_options={"include_usage": True})
        chunks, _ = self._stream(endpoint, reply)
        told = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
        _usage(endpoint, told[-1] if told else None, "a stream with include_usage")

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_tool(self, endpoint: Endpoint, stream: bool) -> None:
        """A call of a function has an id, the function's name and arguments that are JSON, each call at its index."""
        if not self.tools:
            pytest.skip("the server's model calls no functions")
        reply = self._ask(endpoint, stream=stream, tools=[TOOL], tool_choice="required")
        if stream:
            calls = _joined(endpoint, self._stream(endpoint, reply)[0])
        else:
            message = _json(endpoint, reply, "tools")["choices"][0]["message"]
            calls = [{"id": call.get("id"), **call["function"]} for call in message.get("tool_calls") or ()]
        if not calls:
            _fail(endpoint, "called no function", "tools", "tool_choice is `required`")
        for call in calls:
            if not call["id"] or call["name"] != "weather" or not _is_object(call["arguments"]):
                _fail(endpoint, f"called {call}", "tools", "an id, the function's name, and a JSON object of arguments")

    @pytest.mark.parametrize(
        "body",
        [b"{", b"", b"[]", {"model": "m"}, {"model": "m", "messages": "hello"}, {"messages": [{"role": "nobody"}]}],
        ids=["half", "empty", "list", "no-messages", "text-messages", "no-content"],
    )
    def test_request_that_is_none(self, endpoint: Endpoint, body: Any) -> None:
        """What is no request is refused, with a status of the 400s and an error object."""
        place = "a request that is none"
        reply = endpoint.ask(body)
        if not 400 <= reply.status < 500:
            _fail(endpoint, f"answered {reply.told}", place, "a status of the 400s")
        _error(endpoint, reply, place)

    def test_unknown_model(self, endpoint: Endpoint) -> None:
        """A model that it does not know is refused."""
        if not self.knows_models:
            pytest.skip("the server answers for every model name")
        reply = self._ask(endpoint, model="no-such-model-at-all")
        if reply.status not in {400, 404}:
            _fail(endpoint, f"answered {reply.told}", "an unknown model", "status 404, or 400")
        _error(endpoint, reply, "an unknown model")

    def test_wrong_key(self, endpoint: Endpoint) -> None:
        """A wrong key is refused with 401, and not repeated."""
        if endpoint.key is None:
            pytest.skip("the server asks for no key")
        wrong = f"sk-wrong-{'0123456789abcdef' * 2}"
        reply = endpoint.ask({"model": endpoint.model, "messages": [QUESTION]}, wrong)
        if reply.status != 401:
            _fail(endpoint, f"answered {reply.told}", "a wrong key", "status 401")
        _error(endpoint, reply, "a wrong key")
        if wrong.encode() in reply.body:
            _fail(endpoint, "repeated the key", "a wrong key", "an error does not repeat a key")

    # -- helpers -------------------------------------------------------------------------------------------------

    def _ask(self, endpoint: Endpoint, **fields: Any) -> RawReply:
        body = {"model": endpoint.model, "messages": [QUESTION], "max_tokens": self.max_tokens, **fields}
        return endpoint.ask(body)

    def _stream(self, endpoint: Endpoint, reply: RawReply) -> tuple[list[dict[str, Any]], bool]:
        """The chunks of a stream, and whether ``[DONE]`` ended it."""
        _arrived(endpoint, reply, "a stream", "text/event-stream")
        chunks: list[dict[str, Any]] = []
        for number, data in enumerate(reply.events, start=1):
            if data.strip() == b"[DONE]":
                return chunks, True
            chunk = _parsed(data)
            if not isinstance(chunk, dict):
                _ended(endpoint, data, number)
                _fail(endpoint, f"sent {data[:60]!r} as event {number}", "a stream", "each event is JSON, in UTF-8")
            if chunk.get("error"):
                _fail(endpoint, f"told of an error in event {number}: {chunk['error']!r}"[:200], "a stream", "none")
            if chunk.get("object") != "chat.completion.chunk":
                _fail(endpoint, f"sent {data[:60]!r} as event {number}", "a stream", "it is a chat.completion.chunk")
            for choice in chunk.get("choices") or ():
                if choice.get("finish_reason"):
                    _finished(endpoint, choice, "a stream")
            chunks.append(chunk)
        if reply.unended:
            _fail(endpoint, f"sent no empty line after event {len(chunks) + 1}", "a stream", EVENT_ENDS)
        return chunks, False


def _fail(endpoint: Endpoint, did: str, place: str, wants: str) -> NoReturn:
    fail(endpoint.url, did, place, wants, rule="the protocol")


def _arrived(endpoint: Endpoint, reply: RawReply, place: str, kind: str) -> None:
    if reply.failure is not None:
        _fail(endpoint, f"broke off: {reply.failure}", place, "an answer is framed as HTTP says, and comes whole")
    if reply.status != 200:
        _fail(endpoint, f"answered {reply.told}", place, "status 200")
    if reply.kind != kind:
        _fail(endpoint, f"gave the content type {reply.kind!r}", place, kind)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def _json(endpoint: Endpoint, reply: RawReply, place: str) -> dict[str, Any]:
    _arrived(endpoint, reply, place, "application/json")
    answer = _parsed(reply.body)
    if not isinstance(answer, dict):
        _fail(endpoint, f"answered {reply.body[:60]!r}", place, "a JSON object, in UTF-8")
    return answer


def _shape(endpoint: Endpoint, answer: Mapping[str, Any], kind: str, place: str) -> None:
    if answer.get("error"):
        _fail(endpoint, f"told of an error: {answer['error']!r}"[:200], place, "an error has a status that says so")
    if answer.get("object") != kind or not answer.get("id") or not answer.get("choices"):
        _fail(endpoint, f"answered {json.dumps(answer)[:100]}", place, f"a {kind} with an id and choices")


def _ended(endpoint: Endpoint, data: bytes, number: int) -> None:
    """Fail the test where data are those of several events."""
    if any(line.strip() == b"[DONE]" or isinstance(_parsed(line), dict) for line in data.splitlines()[1:]):
        _fail(endpoint, f"sent no empty line after event {number}", "a stream", EVENT_ENDS)


def _finished(endpoint: Endpoint, choice: Mapping[str, Any], place: str) -> None:
    reason = choice.get("finish_reason")
    if reason not in REASONS:
        _fail(endpoint, f"gave finish_reason {reason!r}", place, f"it tells why it ended: {', '.join(REASONS)}")


def _usage(endpoint: Endpoint, usage: Any, place: str) -> None:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    counts = [usage[name] for name in names if isinstance(usage.get(name), int)] if isinstance(usage, dict) else []
    if len(counts) != 3 or counts[0] + counts[1] != counts[2]:
        _fail(endpoint, f"told the usage {usage!r}", place, "prompt and completion tokens, and their total")


def _error(endpoint: Endpoint, reply: RawReply, place: str) -> None:
    body = _parsed(reply.body)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        _fail(endpoint, f"answered {reply.body[:80]!r}", place, "an `error` object with a `message`")


def _joined(endpoint: Endpoint, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The calls of functions in a stream, their pieces joined by index."""
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for choice in chunk.get("choices") or ():
            for piece in (choice.get("delta") or {}).get("tool_calls") or ():
                function, index = piece.get("function") or {}, piece.get("index")
                if not isinstance(index, int):
                    _fail(endpoint, f"gave a piece of a call the index {index!r}", "tools", "each piece has its call's")
                call = calls.setdefault(index, {"id": None, "name": None, "arguments": ""})
                if piece.get("id") and call["id"] not in {None, piece["id"]}:
                    _fail(endpoint, f"gave two calls the index {index}", "tools", "each has its own")
                call["id"] = call["id"] or piece.get("id")
                call["name"] = call["name"] or function.get("name")
                call["arguments"] += function.get("arguments") or ""
    return list(calls.values())


def _is_object(text: str) -> bool:
    return isinstance(_parsed(text.encode()), dict)
