"""Anthropic's provider keeps the contract of providers, against a server that speaks the Messages API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from jackfield.testing.contract.bench import MakeBackend
from jackfield.testing.contract.provider import ProviderContract
from jackfield.testing.faults.dialect import TEXT, Ask, tool_call

USAGE = {"input_tokens": 3, "output_tokens": 5}
KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
         413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error"}  # fmt: skip
OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}


class MessagesDialect:
    """The Messages API: what the service says when all goes well, and how it words a failure."""

    def ask(self, method: str, target: str, body: bytes) -> Ask | None:
        """What is asked for by ``POST …/messages``."""
        if method != "POST" or not target.partition("?")[0].endswith("/messages"):
            return None
        request = json.loads(body)
        if not request.get("messages") or "max_tokens" not in request:
            raise ValueError("messages: at least one message is required")
        said = [_text(message["content"]) for message in request["messages"] if message["role"] == "user"]
        return Ask(
            model=request["model"],
            stream=bool(request.get("stream")),
            text=(said[-1] if said else "") or TEXT,
            tools=[tool["name"] for tool in request.get("tools", ())],
        )

    def told(self, body: bytes) -> Mapping[str, Any]:
        """What a request says, by OpenAI's names."""
        request = json.loads(body)
        system = [("system", _text(request["system"]))] if "system" in request else []
        return {
            "messages": [*system, *((one["role"], _text(one["content"])) for one in request["messages"])],
            "tools": [tool["name"] for tool in request.get("tools", ())],
            "temperature": request.get("temperature"),
            "max_completion_tokens": request["max_tokens"],
            "stop": request.get("stop_sequences"),
        }

    def other(self, method: str, target: str) -> bytes:
        """The list of models."""
        del method, target
        model = {"id": "ok", "type": "model", "display_name": "OK", "created_at": "2026-01-01T00:00:00Z"}
        return _json({"data": [model], "first_id": "ok", "last_id": "ok", "has_more": False})

    def whole(self, ask: Ask) -> bytes:
        """A message."""
        content: list[dict[str, Any]] = [{"type": "text", "text": ask.text}]
        if ask.tools:
            content = [{**_used(*pair), "input": json.loads(tool_call(*pair)[2])} for pair in enumerate(ask.tools)]
        return _json({**_message(ask), "content": content, "stop_reason": _reason(ask), "usage": USAGE})

    def events(self, ask: Ask) -> list[bytes]:
        """The message's start, its blocks, its end."""
        return [_start(ask), *_blocks(ask), _end(ask), _json({"type": "message_stop"})]

    def named(self, data: bytes) -> str:
        """Each has its type as its name."""
        name: str = json.loads(data)["type"]
        return name

    def needed(self, events: Sequence[bytes]) -> int:
        """All up to the one with the stop reason."""
        return 1 + next(n for n, data in enumerate(events) if b'"message_delta"' in data)

    def error(self, status: int, message: str) -> bytes:
        """An error object."""
        kind = KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return _json({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})

    def stream_errors(self) -> Mapping[str, Sequence[tuple[str, bytes]]]:
        """As the service, llama.cpp and gateways send it."""
        whole = _json({"type": "error", "error": OVERLOADED})
        return {
            "event": [("error", whole)],
            "padded": [("error", whole[:-1] + b"       }")],
            "request-id": [("error", _json({"type": "error", "error": OVERLOADED, "request_id": "req_1"}))],
            "unnamed": [("", whole)],
            "bare": [("error", _json({"code": 500, "message": "the model went away", "type": "server_error"}))],
            "text": [("error", b"upstream connect error")],
            "then-stop": [("error", whole), ("message_stop", _json({"type": "message_stop"}))],
        }

    def variants(self, ask: Ask) -> Mapping[str, Sequence[bytes]]:
        """Each says ``ask.text`` or calls ``ask.tools``."""
        start, end, stop = _start(ask), _end(ask), _json({"type": "message_stop"})
        blocks = _blocks(ask)
        begun = [data for data in blocks if b'"content_block_stop"' not in data]
        stops = [data for data in blocks if b'"content_block_stop"' in data]
        ping, new = _json({"type": "ping"}), _json({"type": "something_new", "value": [1]})
        early = _json(json.loads(end) | {"usage": None})
        bare = [data.replace(b', "input": {}', b"").replace(b', "citations": null', b"") for data in begun]
        thought = {"type": "thinking", "thinking": "", "signature": ""}
        thinking = [
            _json({"type": "content_block_start", "index": 99, "content_block": thought}),
            _delta(99, {"type": "thinking_delta", "thinking": "Well."}),
            _delta(99, {"type": "signature_delta", "signature": "EqQB"}),
            _json({"type": "content_block_stop", "index": 99}),
        ]
        return {
            "pings": [start, *(each for data in blocks for each in (ping, data)), ping, end, stop],
            "no-stop": [start, *blocks, end],
            "late-stops": [start, *bare, *stops, end, stop],
            "no-block-stops": [start, *begun, end, stop],
            "unknown-events": [start, new, *blocks, new, end, stop],
            "unknown-fields": [data.replace(b'{"type"', b'{"x_own": [1, {"a": null}], "type"') for data in self.events(ask)],
            "two-ends": [start, *blocks, early, end, stop],
            "whole-calls": [start, *_whole_blocks(ask), end, stop],
            "thinking-first": [start, *thinking, *blocks, end, stop],
            "after-stop": [start, *blocks, end, stop, ping],
            "done": [start, *blocks, end, stop],
        }  # fmt: skip


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def _message(ask: Ask) -> dict[str, Any]:
    head = {"id": "msg_fault", "type": "message", "role": "assistant", "model": ask.model}
    return {**head, "content": [], "stop_reason": None, "stop_sequence": None}


def _reason(ask: Ask) -> str:
    return "tool_use" if ask.tools else "end_turn"


def _start(ask: Ask) -> bytes:
    usage = {"input_tokens": 3, "cache_read_input_tokens": 0, "output_tokens": 1}
    return _json({"type": "message_start", "message": {**_message(ask), "usage": usage}})


def _end(ask: Ask) -> bytes:
    delta = {"stop_reason": _reason(ask), "stop_sequence": None}
    return _json({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}})


def _used(number: int, name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": tool_call(number, name)[0], "name": name, "input": {}}


def _delta(index: int, delta: Mapping[str, Any]) -> bytes:
    return _json({"type": "content_block_delta", "index": index, "delta": delta})


def _block(index: int, begun: Mapping[str, Any], deltas: Sequence[Mapping[str, Any]]) -> list[bytes]:
    return [
        _json({"type": "content_block_start", "index": index, "content_block": begun}),
        *(_delta(index, delta) for delta in deltas),
        _json({"type": "content_block_stop", "index": index}),
    ]


def _blocks(ask: Ask) -> list[bytes]:
    """The text in pieces, or the calls, their arguments in pieces of which the first is empty."""
    if not ask.tools:
        pieces = [ask.text[at : at + 4] for at in range(0, len(ask.text), 4)]
        begun = {"type": "text", "text": "", "citations": None}
        return _block(0, begun, [{"type": "text_delta", "text": piece} for piece in pieces])
    events: list[bytes] = []
    for number, name in enumerate(ask.tools):
        arguments = tool_call(number, name)[2]
        pieces = ["", arguments[:5], arguments[5:]]
        events += _block(
            number, _used(number, name), [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        )
    return events


def _whole_blocks(ask: Ask) -> list[bytes]:
    """Each call, or the text, whole at the beginning of its block, as some gateways do."""
    if not ask.tools:
        return _block(0, {"type": "text", "text": ask.text}, [])
    calls = [{**_used(*pair), "input": json.loads(tool_call(*pair)[2])} for pair in enumerate(ask.tools)]
    return [data for number, call in enumerate(calls) for data in _block(number, call, [])]


@pytest.mark.long
class TestAnthropic(ProviderContract):
    """Against a server that speaks the Messages API; what it cannot be told (several choices) is dropped."""

    dialect = MessagesDialect()
    credential = ("x-api-key", "")

    @pytest.fixture
    def backend(self) -> MakeBackend:
        return lambda url: {"provider": "anthropic", "base_url": url, "on_unsupported": "drop"}
