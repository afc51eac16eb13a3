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
    "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
}


class Scripted(OpenAIDialect):
    """Says one message after the other, then again what it was asked, whole or in chunks.

    Attributes:
        script: the messages that are left to say; ``finish_reason`` of one is the choice's.
    """

    def __init__(self) -> None:
        self.script: list[Mapping[str, Any]] = []
        self._now: dict[str, Any] | None = None
        self._reason = "stop"

    def ask(self, method: str, target: str, body: bytes) -> Ask | None:
        asked = super().ask(method, target, body)
        if asked is not None:
            self._now = dict(self.script.pop(0)) if self.script else None
            self._reason = "stop" if self._now is None else self._now.pop("finish_reason", "stop")
        return asked

    def whole(self, ask: Ask) -> bytes:
        if self._now is None:
            return super().whole(ask)
        choice = {"index": 0, "message": {"role": "assistant", **self._now}, "finish_reason": self._reason}
        return json.dumps({**_head(ask, "chat.completion"), "choices": [choice], "usage": USAGE}).encode()

    def events(self, ask: Ask) -> list[bytes]:
        if self._now is None:
            return super().events(ask)
        deltas: list[dict[str, Any]] = []
        for name, value in self._now.items():
            if name == "tool_calls":
                deltas += [{"tool_calls": [{"index": number, **call}]} for number, call in enumerate(value)]
            elif isinstance(value, str):
                deltas += [{name: value[:3]}, {name: value[3:]}]
            else:
                deltas.append({name: value})
        head = _head(ask, "chat.completion.chunk")
        choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
        choices.append([{"index": 0, "delta": {}, "finish_reason": self._reason}])
        chunks = [{**head, "choices": choice} for choice in choices] + [{**head, "choices": [], "usage": USAGE}]
        return [*(json.dumps(chunk).encode() for chunk in chunks), b"[DONE]"]


def _head(ask: Ask, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1700000000, "model": f"{ask.model}-2026"}


def call(name: str, arguments: str, identity: str = "call_1", **others: Any) -> dict[str, Any]:
    """A tool call as a model makes it."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}, **others}
