"""What the engine is asked: a request in the engine's own dialect, after all that it cannot do was refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from jackfield_local.failure import bad_request
from jackfield_local.tools import Choice, Tool, choose, instruction, schema

NOT_ASKED = frozenset(
    {
        "max_completion_tokens",
        "messages",
        "metadata",
        "modalities",
        "model",
        "n",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
        "user",
        "verbosity",
    }
)
"""Fields that the engine is not given: they are translated here, or do not change what is answered."""
REFUSED = {
    "audio": "the local engine gives no audio",
    "function_call": "the local engine does not know this deprecated field; use tool_choice",
    "functions": "the local engine does not know this deprecated field; use tools",
    "moderation": "the local engine does not moderate; use a middleware, or another backend",
    "web_search_options": "the local engine cannot search the web; use another backend",
}
ROLES = frozenset({"assistant", "system", "tool", "user"})


@attrs.frozen
class Defaults:
    """What is said to the engine where the caller does not say it.

    Attributes:
        system_prompt: for requests without a system or developer message and without tools; empty for none.
        temperature: None leaves it to the engine.
        max_tokens: most tokens of an answer; None leaves it to the context.
    """

    system_prompt: str = ""
    temperature: float | None = None
    max_tokens: int | None = None


@attrs.frozen
class Question:
    """One request to the engine.

    Attributes:
        body: as JSON.
        demanded: the functions of which the answer has to call one; it is text then, see ``tools.Caller``.
        usage_chunk: the caller of the stream wants usage in a chunk of its own.
    """

    body: bytes
    demanded: tuple[Tool, ...]
    usage_chunk: bool


def question(fields: Mapping[str, Any], extra_body: Mapping[str, Any], defaults: Defaults) -> Question:
    """Put a request to the engine.

    Args:
        fields: the request as plain JSON types. Fields that OpenAI's API does not have are passed on: the engine's own
            (``top_k``, ``min_p``, ``repeat_penalty``, ``grammar``, ...) among them.
        extra_body: the same, from the host.
        defaults: for what the request leaves open.

    Raises:
        BadRequestError: it asks for what the engine cannot do; ``param`` tells where.
    """
    fields = {**fields, **extra_body}
    _refuse(fields)
    choice = choose(fields)
    body = {key: value for key, value in fields.items() if value is not None and key not in NOT_ASKED}
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens") or defaults.max_tokens
    if limit is not None:
        body["max_tokens"] = limit
    if defaults.temperature is not None:
        body.setdefault("temperature", defaults.temperature)
    if fields.get("seed") is not None:
        body.setdefault("cache_prompt", False)  # else rounding depends on what was asked before
    body["messages"] = _messages(fields.get("messages") or ())
    _add_tools(body, choice, defaults)
    body |= {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
    options = fields.get("stream_options") or {}
    return Question(_encode(body), choice.demanded, bool(options.get("include_usage")))


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise bad_request("expected text, got half of a surrogate pair", "messages") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise bad_request(f"the request cannot be written as JSON: {error}") from None


def _refuse(fields: Mapping[str, Any]) -> None:
    for key, reason in REFUSED.items():
        if fields.get(key) is not None:
            raise bad_request(reason, key)
    if fields.get("n") not in {None, 1}:
        raise bad_request("the local engine gives one answer to a request; send the request n times", "n")
    if set(fields.get("modalities") or ()) - {"text"}:
        raise bad_request("the local engine gives text only", "modalities")
    if fields.get("logprobs") and fields.get("tools") and fields.get("tool_choice") != "none":
        raise bad_request("the local engine gives no logprobs together with tools; leave one of them out", "logprobs")


def _add_tools(body: dict[str, Any], choice: Choice, defaults: Defaults) -> None:
    messages = body["messages"]
    if choice.demanded:
        _tell(messages, instruction(choice.demanded))
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "call", "schema": schema(choice.demanded)},
        }
    elif choice.offered:
        # The usual system prompt asks for a short sentence, and that is then what a small model gives: no call.
        body["tools"] = list(choice.offered)
    elif defaults.system_prompt and not any(message["role"] == "system" for message in messages):
        _tell(messages, defaults.system_prompt)


def _tell(messages: list[dict[str, Any]], text: str) -> None:
    """Add to the system message, which is made where there is none."""
    if messages and messages[0]["role"] == "system":
        messages[0] = {**messages[0], "content": f"{messages[0]['content']}\n\n{text}"}
    else:
        messages.insert(0, {"role": "system", "content": text})


# -- messages ------------------------------------------------------------------------------------------------------


def _messages(messages: Any) -> list[dict[str, Any]]:
    if not messages:
        raise bad_request("expected at least one message", "messages")
    return [_message(message, f"messages[{index}]") for index, message in enumerate(messages)]


def _message(message: Mapping[str, Any], path: str) -> dict[str, Any]:
    role = message.get("role")
    role = "system" if role == "developer" else role
    if role not in ROLES:
        remedy = "; use the role tool" if role == "function" else ""
        raise bad_request(f"the local engine has no role {role!r}{remedy}", f"{path}.role")
    if message.get("audio") is not None or message.get("function_call") is not None:
        raise bad_request("the local engine knows neither audio nor function_call in a message", path)
    result = {"role": role, "content": _text(message.get("content"), path) or message.get("refusal") or ""}
    calls = message.get("tool_calls")
    if calls:
        for index, call in enumerate(calls):
            if call.get("type", "function") != "function":
                raise bad_request("the local engine only knows calls of functions", f"{path}.tool_calls[{index}].type")
        result["tool_calls"] = calls
    if "tool_call_id" in message:
        result["tool_call_id"] = message["tool_call_id"]
    return result


def _text(content: Any, path: str) -> str:
    """The text of a message; its parts, if it has any, one a line."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for index, part in enumerate(content):
        kind = part.get("type")
        if kind not in {"text", "refusal"}:
            raise bad_request(
                f"the local engine only reads text, not {kind}; use another backend", f"{path}.content[{index}]"
            )
        texts.append(part.get(kind) or "")
    return "\n".join(texts)
