"""What each service takes in the messages of a request, as its documentation says; anything else is an AssertionError.

OpenAI and Azure answer 400 to fields and ids that they do not know; Mistral (the client's ``assistantmessage.py`` and
``toolcall.py``) and Groq (the client's ``chat_completion_assistant_message_param.py``) refuse them too; DeepSeek demands
``reasoning_content`` in messages with calls (https://api-docs.deepseek.com/guides/thinking_mode); the others pass over
what they do not know. The blocks of Anthropic are those of https://platform.claude.com/docs/en/api/messages/create, the
parts of Gemini those of https://ai.google.dev/api/caching#Part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jackfield.models import messages as roles

NAME = r"[a-zA-Z0-9_-]{1,64}"
NOT_OPENAIS = {"reasoning_content", "reasoning"}
FIELDS = {
    "user": set(roles.ChatCompletionRequestUserMessage.__wire_fields__),
    "assistant": set(roles.ChatCompletionRequestAssistantMessage.__wire_fields__) - NOT_OPENAIS,
    "tool": set(roles.ChatCompletionRequestToolMessage.__wire_fields__),
}
CALL = {"id", "type", "function"}


def openai(body: Any) -> None:
    """OpenAI's own service."""
    _chat(body, FIELDS, {*CALL, "custom"}, r".{1,40}", {"text", "refusal"})


def azure(body: Any) -> None:
    """What it found in the host's data comes back in ``context``."""
    fields = {**FIELDS, "assistant": FIELDS["assistant"] | {"context"}}
    _chat(body, fields, {*CALL, "custom"}, r".{1,40}", {"text", "refusal"})


def mistral(body: Any) -> None:
    """Ids of nine letters and digits, thoughts in the content."""
    fields = {
        "user": {"role", "content"},
        "assistant": {"role", "content", "tool_calls", "prefix"},
        "tool": {"role", "content", "tool_call_id", "name"},
    }
    _chat(body, fields, {*CALL, "index"}, r"[a-zA-Z0-9]{9}", {"text", "thinking"})


def groq(body: Any) -> None:
    """Its ``reasoning``; models that do not think refuse it, and had none to give."""
    fields = {
        "user": {"role", "content"},
        "assistant": {"role", "content", "tool_calls", "function_call", "reasoning"},
        "tool": {"role", "content", "tool_call_id", "name"},
    }
    _chat(body, fields, CALL, r".+", {"text"})


def deepseek(body: Any) -> None:
    """Thoughts in every message that calls tools, and nothing that has another name for them."""
    anything(body)
    for message in body["messages"]:
        assert not message.get("tool_calls") or isinstance(message.get("reasoning_content"), str)
        assert "reasoning" not in message


def anything(body: Any) -> None:
    """Calls and their results."""
    _paired(body["messages"])


def local(body: Any) -> None:
    """What the engine's template may ask for."""
    fields = {"user": {"role", "content"}, "tool": {"role", "content", "tool_call_id"}}
    fields["assistant"] = {"role", "content", "tool_calls", "reasoning_content"}
    _chat(body, fields, CALL, r".+", set())


def _chat(body: Any, fields: Mapping[str, set[str]], call: set[str], ids: str, parts: set[str]) -> None:
    for message in body["messages"]:
        assert message.keys() <= fields[message["role"]]
        for part in message["content"] if isinstance(message.get("content"), list) else ():
            assert part["type"] in parts
        for each in message.get("tool_calls", ()):
            assert each.keys() <= call
            assert re.fullmatch(ids, each["id"])
            function = each["function" if each["type"] == "function" else "custom"]
            assert function.keys() == {"name", "arguments" if each["type"] == "function" else "input"}
            assert re.fullmatch(NAME, function["name"])
            assert all(isinstance(text, str) for text in function.values())
    _paired(body["messages"])


def _paired(messages: Sequence[Any]) -> None:
    """Every call has its one result, before anyone else speaks."""
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            open_calls.remove(message["tool_call_id"])
            continue
        assert not open_calls
        open_calls = [call["id"] for call in message.get("tool_calls") or ()]
        assert len(set(open_calls)) == len(open_calls)
    assert not open_calls


# -- Anthropic -------------------------------------------------------------------------------------------------------

_BLOCKS: Mapping[str, tuple[set[str], set[str]]] = {
    "text": ({"text"}, {"citations", "cache_control"}),
    "thinking": ({"thinking", "signature"}, set()),
    "redacted_thinking": ({"data"}, set()),
    "tool_use": ({"id", "name", "input"}, {"cache_control", "caller"}),
    "tool_result": ({"tool_use_id"}, {"content", "is_error", "cache_control"}),
}
"""The members that a block has to have, and those that it may have, besides its type."""


def anthropic(body: Any) -> None:
    """Turns of blocks; thoughts are signed, and first; results stand first in the very next turn."""
    owed: list[str] = []
    before = None
    for turn in body["messages"]:
        assert turn.keys() == {"role", "content"}
        assert turn["role"] in {"user", "assistant"}
        assert turn["role"] != before
        before = turn["role"]
        content = turn["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        assert blocks
        for block in blocks:
            needed, others = _BLOCKS[block["type"]]
            assert needed <= block.keys() - {"type"} <= needed | others
            _block(block)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert results == owed
        assert all(block["type"] == "tool_result" for block in blocks[: len(results)])
        owed = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert not owed


def _block(block: Mapping[str, Any]) -> None:
    if block["type"] == "text":
        assert block["text"].strip()
    elif block["type"] == "thinking":
        assert block["signature"]
    elif block["type"] == "tool_use":
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"])
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", block["name"])
        assert isinstance(block["input"], dict)


# -- Gemini ----------------------------------------------------------------------------------------------------------

_FLAGS = {"thought", "thoughtSignature", "partMetadata"}
_SAYS: Mapping[str, tuple[set[str], set[str]]] = {
    "functionCall": ({"name", "args"}, {"id"}),
    "functionResponse": ({"name", "response"}, {"id"}),
}


def gemini(body: Any) -> None:
    """Turns of parts; the first call of each turn is signed, and its results are the next turn, in order."""
    owed: list[tuple[Any, Any]] = []
    for content in body["contents"]:
        assert content.keys() == {"role", "parts"}
        assert content["role"] in {"user", "model"}
        assert content["parts"]
        results = [_identity(part["functionResponse"]) for part in content["parts"] if "functionResponse" in part]
        assert results == owed
        assert not results or len(content["parts"]) == len(results)
        calls = [part for part in content["parts"] if "functionCall" in part]
        assert not calls or calls[0]["thoughtSignature"]
        owed = [_identity(call["functionCall"]) for call in calls]
        for part in content["parts"]:
            _part(part)
    assert not owed


def _identity(said: Mapping[str, Any]) -> tuple[Any, Any]:
    return said.get("id"), said["name"]


def _part(part: Mapping[str, Any]) -> None:
    (kind,) = part.keys() - _FLAGS
    if kind == "text":
        assert part["text"] or "thoughtSignature" in part
        return
    needed, others = _SAYS[kind]
    assert needed <= part[kind].keys() <= needed | others
    assert all(isinstance(part[kind][name], dict) for name in needed - {"name"})
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}", part[kind]["name"])
