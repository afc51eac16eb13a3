"""What the engine is asked: a request in the engine's own dialect, after all that it cannot do was refused."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.errors import ValidationError
from jackfield.parameters import Fitting
from jackfield.wire import call_arguments, parse, spoken, to_dict
from jackfield_local.failure import bad_request
from jackfield_local.parameters import ELSEWHERE, PARAMETERS
from jackfield_local.tools import Choice, Tool, choose, instruction, schema

if TYPE_CHECKING:
    from jackfield.models.request import CreateChatCompletionRequest

NOT_ASKED = frozenset(
    {
        "max_completion_tokens",
        "messages",
        "metadata",
        "model",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
        "user",
    }
)
"""Fields that the engine is not given: they are translated here, or would have no effect."""
UNSAID = {
    "function_call": "use tool_calls",
    "name": "put the name into the text",
}
"""Fields of a message that the engine cannot be told, with what to do instead."""
LIMITS = ("max_completion_tokens", "max_tokens")
"""Fields that say how many tokens an answer may have; the first that is there stands."""
ROLES = frozenset({"assistant", "system", "tool", "user"})
TOLD = frozenset(
    {"content", "reasoning", "reasoning_content", "refusal", "role", "tool_call_id", "tool_calls", *UNSAID},
)
"""Fields of a message that the engine is told, or that are refused."""


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


def question(
    request: CreateChatCompletionRequest, extra_body: Mapping[str, Any], fitting: Fitting, defaults: Defaults
) -> Question:
    """Put a request to the engine.

    Args:
        request: fields that OpenAI's API does not have are passed on: the engine's own (``top_k``, ``min_p``,
            ``repeat_penalty``, ``grammar``, ...) among them.
        extra_body: the same, from the host.
        fitting: tells what becomes of that which the engine cannot do.
        defaults: for what the request leaves open.

    Raises:
        UnsupportedParameterError: it asks for what the engine cannot do, and that is not dropped.
        BadRequestError: it is no request; ``param`` tells where.
    """
    fields = _fields(request, extra_body, fitting)
    choice = choose(fields)
    if fields.get("logprobs") and (choice.offered or choice.demanded):
        fitting.lacks("logprobs", "leave it or the tools out")
        fields["logprobs"] = fields["top_logprobs"] = None
    body = {key: value for key, value in fields.items() if value is not None and key not in NOT_ASKED}
    limit = _limit(fields, defaults.max_tokens)
    if limit is not None:
        body["max_tokens"] = limit
    if defaults.temperature is not None:
        body.setdefault("temperature", defaults.temperature)
    if fields.get("seed") is not None:
        body.setdefault("cache_prompt", False)  # else rounding depends on what was asked before
    body["messages"] = _messages(fields.get("messages") or (), fitting)
    _add_tools(body, choice, defaults)
    body |= {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
    options = fields.get("stream_options") or {}
    return Question(_encode(body), choice.demanded, bool(options.get("include_usage")))


def _fields(request: CreateChatCompletionRequest, extra_body: Mapping[str, Any], fitting: Fitting) -> dict[str, Any]:
    """What of a request the engine can do, as plain JSON."""
    asked = attrs.evolve(request, **{key: value for key, value in extra_body.items() if _is_refused(key)})
    unsaid = fitting.unsaid(asked, PARAMETERS)
    fields = {key: value for key, value in {**to_dict(request), **extra_body}.items() if key not in unsaid}
    tools = fields.get("tools") or ()
    for index, tool in enumerate(tools):
        if tool.get("type") != "function":
            fitting.lacks(f"tools[{index}]", "offer a function")
    return {**fields, "tools": [tool for tool in tools if tool.get("type") == "function"]}


def _limit(fields: Mapping[str, Any], default: int | None) -> int | None:
    """Most tokens of the answer; less than one is refused, which the engine would take for one, or for no limit."""
    name = next((name for name in LIMITS if fields.get(name) is not None), None)
    if name is None:
        return default
    limit: int = fields[name]
    if isinstance(limit, int) and limit < 1:  # ``extra_body`` may hold anything, which the engine judges
        raise bad_request(f"expected at least 1 token, got {limit}", name)
    return limit


def _is_refused(key: str) -> bool:
    return key in PARAMETERS and PARAMETERS[key].taken == "no"


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise bad_request("expected text, got half of a surrogate pair", "messages") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise bad_request(f"the request cannot be written as JSON: {error}") from None


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


def _messages(messages: Any, fitting: Fitting) -> list[dict[str, Any]]:
    if not messages:
        raise bad_request("expected at least one message", "messages")
    told = (_message(message, f"messages[{index}]", fitting) for index, message in enumerate(messages))
    return [message for message in told if message is not None]


def _message(message: Mapping[str, Any], path: str, fitting: Fitting) -> dict[str, Any] | None:
    role = message.get("role")
    role = "system" if role == "developer" else role
    if role == "function":
        fitting.lacks(path, "use the role tool")
        return None
    if role not in ROLES:
        raise bad_request(f"the local engine has no role {role!r}", f"{path}.role")
    for name, remedy in UNSAID.items():
        if message.get(name) is not None:
            fitting.lacks(f"{path}.{name}", remedy)
    text = _text(message.get("content"), f"{path}.content", fitting)
    refusal = message.get("refusal")
    if text and refusal:
        fitting.leave_out(f"{path}.refusal")
    result = {"role": role, "content": text or refusal or spoken(message.get("audio") or {})}
    calls = _calls(message.get("tool_calls") or (), f"{path}.tool_calls", fitting)
    if calls:
        result["tool_calls"] = calls
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    if thoughts is not None:
        result["reasoning_content"] = thoughts
    if message.get("tool_call_id") is not None:
        result["tool_call_id"] = message["tool_call_id"]
    _leave_out(message, TOLD, path, fitting)
    return result


def _leave_out(told: Mapping[str, Any], known: Container[str], path: str, fitting: Fitting) -> None:
    """Enter what is left out and never refused, for the host did not ask for it: another backend answered with it."""
    for lost in fitting.others(told, known, path):
        fitting.leave_out(lost)


def _calls(calls: Any, path: str, fitting: Fitting) -> list[Any]:
    made = (_call(call, f"{path}[{index}]", fitting) for index, call in enumerate(calls))
    return [call for call in made if call is not None]


def _call(call: Mapping[str, Any], path: str, fitting: Fitting) -> dict[str, Any] | None:
    """A call of a function; one of a custom tool becomes that of a function with one text."""
    kind = call.get("type", "function")
    if kind == "custom":
        custom = call["custom"]
        function = {"name": custom["name"], "arguments": json.dumps({"input": custom["input"]}, ensure_ascii=False)}
        _leave_out(custom, ("name", "input"), f"{path}.custom", fitting)
    elif kind == "function":
        function = _function(call["function"])
    else:
        fitting.lacks(path, "send calls of functions")
        return None
    _leave_out(call, ("id", "type", kind), path, fitting)
    return {"id": call.get("id", ""), "type": "function", "function": function}


def _function(called: Mapping[str, Any]) -> dict[str, Any]:
    """A function that was called, with arguments that are JSON: of any other text the engine says that it failed."""
    arguments = called.get("arguments") or ""
    if not isinstance(arguments, str):
        return dict(called)  # from ``extra_body``, where the engine takes an object too
    try:
        parse(arguments)
    except ValidationError:
        arguments = json.dumps(call_arguments(arguments), ensure_ascii=False)
    return {**called, "arguments": arguments}


def _text(content: Any, path: str, fitting: Fitting) -> str:
    """The text of a message; its parts, if it has any, one a line."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for index, part in enumerate(content):
        kind = part.get("type")
        if kind in {"text", "refusal"}:
            texts.append(part.get(kind) or "")
            _leave_out(part, ("type", kind), f"{path}[{index}]", fitting)
        else:
            fitting.lacks(f"{path}[{index}]", f"say it in text, or {ELSEWHERE}")
    return "\n".join(texts)
