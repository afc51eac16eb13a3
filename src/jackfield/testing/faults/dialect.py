"""Dialect: what a service says when all goes well, and how it words a failure; a fault server speaks one.

The author of a provider for another wire format writes a dialect of it, and gets every fault for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import attrs

TEXT = "Grüße, 世界 👋: a plain answer."
"""What is answered where nothing was said: characters of one, two, three and four bytes."""
MOST = 128
"""Choices that an answer has at most."""
CREATED = 1700000000
USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


@attrs.frozen
class Ask:
    """What a request asks for.

    Attributes:
        model: the model name, which selects the fault.
        stream: whether a stream is asked for.
        text: what the last message of the user says.
        tools: names of the functions that the model may call.
        choices: how many are asked for.
    """

    model: str
    stream: bool = False
    text: str = TEXT
    tools: Sequence[str] = ()
    choices: int = 1


class Dialect(Protocol):
    """A wire format, as far as a fault server speaks it. All bytes are bodies, without HTTP.

    A dialect may have more, without which the checks that need it are skipped: a method ``told``, see
    ``TellsRequests``, and an attribute ``own_fields``, see ``GivesChoices``.
    """

    def ask(self, method: str, target: str, body: bytes) -> Ask | None:
        """What a request asks for; None where it asks for no chat completion.

        Raises:
            ValueError: it is none that the service would take.
        """

    def other(self, method: str, target: str) -> bytes:
        """The answer to a request that asks for no chat completion: the list of models."""

    def whole(self, ask: Ask) -> bytes:
        """The body of a good answer: it says ``ask.text``, or calls each of ``ask.tools`` once, see ``tool_call``."""

    def events(self, ask: Ask) -> list[bytes]:
        """The data of each event of a good stream, without ``data:`` and line ends."""

    def named(self, data: bytes) -> str:
        """The ``event:`` field of an event, ``""`` for none."""

    def needed(self, events: Sequence[bytes]) -> int:
        """How many of a good stream's events must have come for its answer to be whole."""

    def error(self, status: int, message: str) -> bytes:
        """The body of a failure."""

    def stream_errors(self) -> Mapping[str, Sequence[tuple[str, bytes]]]:
        """The known forms of a failure inside a stream: by name, the ``event:`` field and the data of each event."""

    def variants(self, ask: Ask) -> Mapping[str, Sequence[bytes]]:
        """Good streams that servers really send and clients stumble over, by name."""


@runtime_checkable
class TellsRequests(Protocol):
    """A dialect that can say what stands in a request."""

    def told(self, body: bytes) -> Mapping[str, Any]:
        """What a request says, by OpenAI's names.

        Returns:
            ``messages``: the role and the text of each; ``tools``: the names of the functions; ``temperature``;
            ``max_completion_tokens``, however the service names it; ``stop``: a list of texts; ``n``. What the service
            cannot be told is left out.
        """


@runtime_checkable
class GivesChoices(Protocol):
    """A dialect whose whole answer has as many choices as were asked for, each with the same text.

    Attributes:
        own_fields: fields of a whole answer that the API's definition does not have, by name.
    """

    own_fields: Mapping[str, Any]


class OpenAIDialect:
    """The chat completions of OpenAI, and of everything that speaks like it."""

    own_fields: Mapping[str, Any] = {"x_own": [1, {"a": None}]}

    def ask(self, method: str, target: str, body: bytes) -> Ask | None:
        """What is asked for by ``POST …/chat/completions``."""
        if method != "POST" or not target.partition("?")[0].endswith("/chat/completions"):
            return None
        request = json.loads(body)
        messages = request.get("messages") if isinstance(request, dict) else None
        if not messages or not all(map(_is_message, messages)):
            raise ValueError("messages: expected a list of messages")
        return Ask(
            model=request.get("model", ""),
            stream=bool(request.get("stream")),
            text=_said(messages) or TEXT,
            tools=_functions(request),
            choices=_count(request.get("n")),
        )

    def told(self, body: bytes) -> Mapping[str, Any]:
        """The messages and the parameters of a request."""
        request = json.loads(body)
        return {
            "messages": [(message.get("role"), _text(message.get("content"))) for message in request["messages"]],
            "tools": _functions(request),
            "temperature": request.get("temperature"),
            "max_completion_tokens": request.get("max_completion_tokens", request.get("max_tokens")),
            "stop": request.get("stop"),
            "n": request.get("n"),
        }

    def other(self, method: str, target: str) -> bytes:
        """The list of models."""
        del method, target
        return _json({"object": "list", "data": [{"id": "ok", "object": "model", "created": 1, "owned_by": "faults"}]})

    def whole(self, ask: Ask) -> bytes:
        """A ``chat.completion``."""
        message: dict[str, Any] = {"role": "assistant", "content": ask.text, "refusal": None}
        if ask.tools:
            message |= {"content": None, "tool_calls": [_tool_call(n, name) for n, name in enumerate(ask.tools)]}
        choice = {"message": message, "finish_reason": _finish(ask), "logprobs": None}
        choices = [{"index": number, **choice} for number in range(ask.choices)]
        head = {"id": "chatcmpl-fault", "object": "chat.completion", "created": CREATED, "model": ask.model}
        return _json({**head, "choices": choices, "usage": USAGE, **self.own_fields})

    def events(self, ask: Ask) -> list[bytes]:
        """Its chunks: the role, the text in pieces (or the tool calls), the end, the usage, ``[DONE]``."""
        return [*self._said(ask), _chunk(ask, {}, _finish(ask)), _usage(ask), b"[DONE]"]

    def named(self, data: bytes) -> str:
        """None of them has a name."""
        del data
        return ""

    def needed(self, events: Sequence[bytes]) -> int:
        """All up to the one with the ``finish_reason``."""
        return 1 + next(n for n, data in enumerate(events) if b'"finish_reason": "' in data)

    def error(self, status: int, message: str) -> bytes:
        """An error object."""
        return _json({"error": _error(status, message)})

    def stream_errors(self) -> Mapping[str, Sequence[tuple[str, bytes]]]:
        """As OpenAI, OpenRouter, vLLM, llama.cpp and proxies before them send it."""
        error = _error(500, "the model went away")
        return {
            "object": [("", _json({"error": error}))],
            "event": [("error", _json({"error": error}))],
            "bare": [("error", _json(error))],
            "text": [("error", b"the model went away")],
            "string": [("", _json({"error": "the model went away"}))],
            "nested": [("", _json({"error": {"message": "overloaded", "code": 503, "type": "overloaded_error"}}))],
            "choices": [("", _json({"id": "x", "choices": [], "error": {"code": 502, "message": "provider failed"}}))],
            "then-done": [("", _json({"error": error})), ("", b"[DONE]")],
        }

    def variants(self, ask: Ask) -> Mapping[str, Sequence[bytes]]:
        """Each says ``ask.text``; the last two call ``ask.tools``."""
        said, usage = self._said(ask), _usage(ask)
        end = _chunk(ask, {}, _finish(ask))
        both = json.loads(end) | {"usage": USAGE}
        return {
            "no-done": [*said, end, usage],
            "no-usage": [*said, end, b"[DONE]"],
            "no-finish": [*said, usage, b"[DONE]"],
            "usage-with-end": [*said, _json(both), b"[DONE]"],
            "empty-first": [_json({**json.loads(usage), "usage": None}), *said, end, usage, b"[DONE]"],
            "empty-finish": [*(data.replace(b"null}", b'""}') for data in said), end, usage, b"[DONE]"],
            "no-role": [*said[1:], end, usage, b"[DONE]"],
            "null-content": [_chunk(ask, {"role": "assistant", "content": None}), *said[1:], end, usage, b"[DONE]"],
            "unknown-fields": [data.replace(b'"id"', b'"x_own": [1, {"a": null}], "id"') for data in self.events(ask)],
            "after-done": [*said, end, usage, b"[DONE]", b"the end"],
            "duplicate-index": [*self._said(ask, index=0), end, usage, b"[DONE]"],
            "whole-calls": [said[0], *_whole_calls(ask), end, usage, b"[DONE]"],
        }

    def _said(self, ask: Ask, *, index: int | None = None) -> list[bytes]:
        """The chunks before the end; all tool calls at one ``index`` where that is given, as some servers do."""
        if not ask.tools:
            return [
                _chunk(ask, {"role": "assistant", "content": ""}),
                *(_chunk(ask, {"content": p}) for p in _pieces(ask.text)),
            ]
        chunks = [_chunk(ask, {"role": "assistant", "content": None})]
        for number, name in enumerate(ask.tools):
            at = number if index is None else index
            call = _tool_call(number, name)
            arguments = call["function"]["arguments"]
            first = {**call, "index": at, "function": {"name": name, "arguments": ""}}
            chunks.append(_chunk(ask, {"tool_calls": [first]}))
            chunks += [
                _chunk(ask, {"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
                for piece in (arguments[:5], arguments[5:])
            ]
        return chunks


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _is_message(message: Any) -> bool:
    roles = {"developer", "system", "user", "assistant", "tool", "function"}
    return isinstance(message, dict) and message.get("role") in roles


def _said(messages: Sequence[Mapping[str, Any]]) -> str:
    contents = [message.get("content") for message in messages if message.get("role") == "user"]
    return _text(contents[-1]) if contents else ""


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or ())


def _functions(request: Mapping[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in request.get("tools") or ()]


def _count(n: Any) -> int:
    return n if isinstance(n, int) and 1 <= n <= MOST else 1


def _pieces(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def _finish(ask: Ask) -> str:
    return "tool_calls" if ask.tools else "stop"


def tool_call(number: int, name: str) -> tuple[str, str, str]:
    """Id, name and arguments (as JSON) of the nth call in a good answer: what the kit looks for."""
    return f"call_{number}", name, json.dumps({"city": "Zürich", "n": number}, ensure_ascii=False)


def _tool_call(number: int, name: str) -> dict[str, Any]:
    identity, name, arguments = tool_call(number, name)
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def _whole_calls(ask: Ask) -> list[bytes]:
    """Each call in one chunk; with no tools to call, the text in one."""
    if not ask.tools:
        return [_chunk(ask, {"content": ask.text})]
    return [
        _chunk(ask, {"tool_calls": [{"index": number, **_tool_call(number, name)}]})
        for number, name in enumerate(ask.tools)
    ]


def _chunk(ask: Ask, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    head = {"id": "chatcmpl-fault", "object": "chat.completion.chunk", "created": CREATED, "model": ask.model}
    return _json({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _usage(ask: Ask) -> bytes:
    head = {"id": "chatcmpl-fault", "object": "chat.completion.chunk", "created": CREATED, "model": ask.model}
    return _json({**head, "choices": [], "usage": USAGE})


def _error(status: int, message: str) -> dict[str, Any]:
    kinds = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"message": message, "type": kind, "param": None, "code": None}
