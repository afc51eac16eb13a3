"""Request: LangChain's messages to those of OpenAI's API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from jackfield_langchain.content import Part, content_of

PROVIDER = "jackfield"
"""``model_provider`` of our answers, and the key of what only we understand in their ``additional_kwargs``."""
CUSTOM_ARGUMENT = "__arg1"
"""The argument in which LangChain has the text of a call of a custom tool."""
UNREPAIRABLE = '[}"[}'
"""What the arguments of a call end in, in a stream, where LangChain would make an object of what is none.

It closes what was not opened, in a string and outside of one, after a backslash too, and no parser repairs that.
"""
THOUGHTS = ("reasoning_content", "reasoning")
"""Where backends have the model's thoughts: fields of a message, and of ``additional_kwargs`` under the same names."""


def wire_message(message: BaseMessage) -> dict[str, Any]:
    """A message as the wire has it.

    Raises:
        TypeError: a kind of message that is none of a conversation.
        ValueError: a block of its content cannot be said.
    """
    if isinstance(message, AIMessage):
        fields = _assistant(message)
    elif isinstance(message, ToolMessage):  # it has no name there
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": content_of(message.content)}
    elif isinstance(message, FunctionMessage):
        return {"role": "function", "name": message.name, "content": content_of(message.content)}
    else:
        fields = {"role": _role(message), "content": content_of(message.content)}
    return fields if message.name is None else {**fields, "name": message.name}


def _role(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, SystemMessage):
        return str(message.additional_kwargs.get("__openai_role__", "system"))
    if isinstance(message, ChatMessage):
        return message.role
    raise TypeError(f"messages: {type(message).__name__} is none that can be sent")


def _assistant(message: AIMessage) -> dict[str, Any]:
    told = message.additional_kwargs
    kept = _mapping(told.get(PROVIDER))
    identity = _mapping(told.get("audio")).get("id")
    parts = content_of(_unsaid(message.content) if identity else message.content)
    fields: dict[str, Any] = {**_mapping(kept.get("extra")), "role": "assistant"}
    if isinstance(told.get("refusal"), str):
        fields["refusal"] = told["refusal"]
        if isinstance(parts, list):
            parts = [part for part in parts if part["type"] != "refusal"]
    if isinstance(parts, list):
        # What the model said goes by its id; citations of a stream may stand at an empty text.
        parts = [part for part in parts if part["type"] != "input_audio" and part.get("text") != ""]
    if identity:
        fields["audio"] = {"id": identity}
    fields |= _thoughts(message)
    calls = _calls(message, _mapping(kept.get("calls")))
    if calls:
        fields["tool_calls"] = calls
    elif told.get("function_call"):
        fields["function_call"] = told["function_call"]
    elif not parts and not fields.get("refusal") and not fields.get("audio"):
        parts = ""  # a message has to have something
    return {**fields, "content": None if parts in ([], "") and len(fields) > 1 else parts}


def _unsaid(content: str | list[str | dict[str, Any]]) -> str | list[str | dict[str, Any]]:
    """Content without sound, which goes by its id and may be of no format that could be sent."""
    if isinstance(content, str):
        return content
    return [block for block in content if not (isinstance(block, dict) and block.get("type") == "audio")]


def _thoughts(message: AIMessage) -> dict[str, str]:
    """The model's thoughts, under the name that they came by; those of other adapters are only theirs."""
    told = {name: text for name in THOUGHTS if isinstance(text := message.additional_kwargs.get(name), str)}
    if told or message.response_metadata.get("model_provider") != PROVIDER or isinstance(message.content, str):
        return told
    blocks = [block for block in message.content if isinstance(block, dict) and block.get("type") == "reasoning"]
    text = "".join(str(block.get("reasoning", "")) for block in blocks)
    return {THOUGHTS[0]: text} if text else {}


def _calls(message: AIMessage, kept: Mapping[str, Any]) -> list[Part]:
    """All calls: what cannot be read as JSON goes back as the model wrote it."""
    if not message.tool_calls and not message.invalid_tool_calls:
        return list(message.additional_kwargs.get("tool_calls") or ())
    calls = []
    for call in message.tool_calls:
        own = _mapping(kept.get(str(call["id"])))
        if own.get("type") == "custom":
            calls.append(_custom(call["id"], call["name"], str(call["args"].get(CUSTOM_ARGUMENT, ""))))
        else:
            arguments = json.dumps(call["args"], ensure_ascii=False)
            calls.append({**_mapping(own.get("extra")), **_function(call["id"], call["name"], arguments)})
    return calls + [
        _function(bad["id"], bad["name"] or "", (bad["args"] or "").removesuffix(UNREPAIRABLE))
        for bad in message.invalid_tool_calls
    ]


def _function(identity: str | None, name: str, arguments: str) -> Part:
    return {"type": "function", "id": identity or "", "function": {"name": name, "arguments": arguments}}


def _custom(identity: str | None, name: str, text: str) -> Part:
    return {"type": "custom", "id": identity or "", "custom": {"name": name, "input": text}}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
