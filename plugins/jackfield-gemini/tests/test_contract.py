"""Gemini's provider keeps the contract of providers, against a server that speaks generateContent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import pytest

from jackfield.testing.contract.bench import MakeBackend
from jackfield.testing.contract.provider import ProviderContract
from jackfield.testing.faults.dialect import TEXT, Ask, tool_call

CALL = re.compile(r"/models/([^/?]+):(generateContent|streamGenerateContent\?alt=sse)")
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
            429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}  # fmt: skip
USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 8}
ROLES = {"user": "user", "model": "assistant"}


class GeminiDialect:
    """generateContent: what the service says when all goes well, and how it words a failure."""

    own_fields: Mapping[str, Any] = {"x_own": [1, {"a": None}]}

    def ask(self, method: str, target: str, body: bytes) -> Ask | None:
        """What is asked for by ``POST …:generateContent``; the model's name stands in the path."""
        found = CALL.search(target)
        if method != "POST" or found is None:
            return None
        request = json.loads(body)
        if not request.get("contents"):
            raise ValueError("contents are required")
        said = [_text(content) for content in request["contents"] if content["role"] == "user"]
        config = request.get("generationConfig", {})
        return Ask(
            model=unquote(found[1]),
            stream=found[2].startswith("stream"),
            text=(said[-1] if said else "") or TEXT,
            tools=_functions(request),
            choices=config.get("candidateCount", 1),
        )

    def told(self, body: bytes) -> Mapping[str, Any]:
        """What a request says, by OpenAI's names."""
        request = json.loads(body)
        config = request.get("generationConfig", {})
        system = [("system", _text(request["systemInstruction"]))] if "systemInstruction" in request else []
        return {
            "messages": [*system, *((ROLES[one["role"]], _text(one)) for one in request["contents"])],
            "tools": _functions(request),
            "temperature": config.get("temperature"),
            "max_completion_tokens": config.get("maxOutputTokens"),
            "stop": config.get("stopSequences"),
            "n": config.get("candidateCount"),
        }

    def other(self, method: str, target: str) -> bytes:
        """The list of models."""
        del method, target
        return _json({"models": [{"name": "models/ok", "supportedGenerationMethods": ["generateContent"]}]})

    def whole(self, ask: Ask) -> bytes:
        """An answer with its candidates."""
        parts = _calls(ask) or [{"text": ask.text}]
        content = {"parts": parts, "role": "model"}
        candidates = [{"content": content, "finishReason": "STOP", "index": n} for n in range(ask.choices)]
        return _json({"candidates": candidates, "usageMetadata": USAGE, **_head(ask), **self.own_fields})

    def events(self, ask: Ask) -> list[bytes]:
        """The text in pieces (or the calls), and an empty text with the reason why it ended."""
        return [*_said(ask), _event(ask, [{"text": ""}], finish="STOP")]

    def named(self, data: bytes) -> str:
        """None of them has a name."""
        del data
        return ""

    def needed(self, events: Sequence[bytes]) -> int:
        """All up to the one with the reason."""
        return 1 + next(n for n, data in enumerate(events) if b'"finishReason"' in data)

    def error(self, status: int, message: str) -> bytes:
        """An error object."""
        return _json({"error": _error(status, message)})

    def stream_errors(self) -> Mapping[str, Sequence[tuple[str, bytes]]]:
        """As the service sends it, wrapped into a list as its other endpoints do, and from proxies before it."""
        error = {"error": _error(503, "The model is overloaded. Please try again later.")}
        return {
            "object": [("", _json(error))],
            "list": [("", _json([error]))],
            "named": [("error", _json(error))],
            "text": [("error", b"the model went away")],
        }

    def variants(self, ask: Ask) -> Mapping[str, Sequence[bytes]]:
        """Each says ``ask.text``, or calls ``ask.tools``."""
        said, end = _said(ask), _event(ask, [{"text": ""}], finish="STOP")
        last = json.loads(said[-1])
        last["candidates"][0]["finishReason"] = "STOP"
        signed = [{"text": "", "thoughtSignature": "c2lnbmVk"}]
        bare = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": USAGE}
        thought = _event(ask, [{"text": "**Thinking**", "thought": True}])
        return {
            "end-with-last": [*said[:-1], _json(last)],
            "signed-end": [*said, _event(ask, signed, finish="STOP")],
            "no-content-end": [*said, _json({**_head(ask), **bare})],
            "no-parts-end": [
                *said,
                _json({"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}], "usageMetadata": USAGE}),
            ],
            "thoughts-first": [thought, thought, *said, end],
            "usage-apart": [*said, end, _json({"usageMetadata": USAGE, **_head(ask)})],
            "no-index": [data.replace(b', "index": 0', b"") for data in [*said, end]],
            "together": [_event(ask, _calls(ask) or [{"text": ask.text}]), end],
            "feedback-first": [_json({"promptFeedback": {"safetyRatings": []}, **_head(ask)}), *said, end],
            "stop-before-more": [*said[:-1], _event(ask, [], finish="STOP"), said[-1], end],
            "unknown-fields": [
                data.replace(b'"candidates"', b'"x_own": [1, {"a": null}], "candidates"') for data in [*said, end]
            ],
        }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _text(content: Mapping[str, Any]) -> str:
    return "".join(part.get("text", "") for part in content["parts"])


def _functions(request: Mapping[str, Any]) -> list[str]:
    return [one["name"] for tool in request.get("tools", ()) for one in tool.get("functionDeclarations", ())]


def _head(ask: Ask) -> dict[str, Any]:
    return {"modelVersion": ask.model, "responseId": "fault"}


def _calls(ask: Ask) -> list[dict[str, Any]]:
    calls = (tool_call(number, name) for number, name in enumerate(ask.tools))
    return [
        {"functionCall": {"name": name, "args": json.loads(args), "id": identity}} for identity, name, args in calls
    ]


def _said(ask: Ask) -> list[bytes]:
    pieces = [ask.text[at : at + 4] for at in range(0, len(ask.text), 4)]
    return [_event(ask, [part]) for part in _calls(ask) or [{"text": piece} for piece in pieces]]


def _event(ask: Ask, parts: list[dict[str, Any]], finish: str | None = None) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish is not None:
        candidate = {"content": candidate["content"], "finishReason": finish, "index": 0}
    return _json({"candidates": [candidate], "usageMetadata": USAGE, **_head(ask)})


def _error(status: int, message: str) -> dict[str, Any]:
    return {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}


@pytest.mark.long
class TestGemini(ProviderContract):
    """Against a server that speaks Gemini's format."""

    dialect = GeminiDialect()
    credential = ("x-goog-api-key", "")

    @pytest.fixture
    def backend(self) -> MakeBackend:
        return lambda url: {"provider": "gemini", "base_url": url}
