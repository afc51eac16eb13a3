"""A service whose answers a test writes: what a small model cannot be made to say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jackfield.testing.faults import Ask, OpenAIDialect

USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
TOKENS = {
    "input_tokens": 11,
    "output_tokens": 7,
    "total_tokens": 18,
    "input_token_details": {"cache_read": 5, "audio": 1},
    "output_token_details": {"reasoning": 4},
}
"""The same in LangChain's words."""


class Scripted(OpenAIDialect):
    """Says one message after the other, then again what it was asked, whole or in chunks.

    Attributes:
        script: the messages that are left to say; their ``finish_reason`` stands among their fields, and so do
            ``response`` and ``choice``: what is besides in those; and ``together``: all pieces come in one chunk.
    """

    def __init__(self) -> None:
        self.script: list[Mapping[str, Any]] = []
        self._now: dict[str, Any] | None = None

    def ask(self, method: str, target: str, body: bytes) -> Ask | None:
        asked = super().ask(method, target, _functions_only(body))
        if asked is not None:
            self._now = dict(self.script.pop(0)) if self.script else None
        return asked

    def whole(self, ask: Ask) -> bytes:
        if self._now is None:
            return super().whole(ask)
        reason, choice, besides = self._besides()
        message = {"role": "assistant", "content": None, **self._now}
        choice = {**choice, "index": 0, "message": message, "finish_reason": reason}
        return json.dumps({**besides, **_head(ask, "chat.completion"), "choices": [choice], "usage": USAGE}).encode()

    def events(self, ask: Ask) -> list[bytes]:
        if self._now is None:
            return super().events(ask)
        reason, last, besides = self._besides()
        together = self._now.pop("together", False)
        deltas: list[dict[str, Any]] = [{"role": "assistant"}]
        for name, value in self._now.items():
            if name == "tool_calls":
                deltas += [piece for number, call in enumerate(value) for piece in _pieces(number, call)]
            elif isinstance(value, str):
                deltas += [{name: value[:3]}, {name: value[3:]}]
            else:
                deltas.append({name: value})
        head = _head(ask, "chat.completion.chunk")
        choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
        choices.append([{**last, "index": 0, "delta": {}, "finish_reason": reason}])
        chunks = [{**besides, **head, "choices": choice} for choice in choices]
        if together:
            chunks = [{**besides, **head, "choices": [one for choice in choices for one in choice]}]
        chunks.append({**head, "choices": [], "usage": USAGE})
        return [*(json.dumps(chunk).encode() for chunk in chunks), b"[DONE]"]

    def _besides(self) -> tuple[str, Any, Any]:
        said = self._now or {}
        return said.pop("finish_reason", "stop"), said.pop("choice", {}), said.pop("response", {})


def _functions_only(body: bytes) -> bytes:
    """A request without its custom tools, which the service that answers by itself does not call."""
    asked = json.loads(body or b"{}")
    return json.dumps({**asked, "tools": [one for one in asked.get("tools", ()) if "function" in one]}).encode()


def call(name: str, arguments: str, identity: str = "call_1", **others: Any) -> dict[str, Any]:
    """A tool call as a model makes it."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}, **others}


def _pieces(number: int, whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A call with its arguments one character a chunk."""
    arguments = whole["function"]["arguments"]
    first = {**whole, "index": number, "function": {**whole["function"], "arguments": ""}}
    rest = [{"index": number, "function": {"arguments": one}} for one in arguments]
    return [{"tool_calls": [piece]} for piece in (first, *rest)]


def _head(ask: Ask, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1700000000, "model": f"{ask.model}-2026"}
