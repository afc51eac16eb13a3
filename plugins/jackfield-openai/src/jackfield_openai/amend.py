"""Amend: replies that say what OpenAI's say in another shape. They are looked at only where they cannot be decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jackfield.errors import ValidationError
from jackfield.wire import encode, parse

T = TypeVar("T")


def amending(decode: Callable[[bytes], T], data: bytes) -> T:
    """What ``decode`` makes of the data or, where it refuses them, of the same in OpenAI's shape.

    - Content that is an array, as Mistral's models that reason send it: its text becomes the content, its reasoning
      ``reasoning_content``; with parts of another kind the array is kept too, as ``content_parts``.
    - Arguments of a tool call that are an object become its JSON text.
    - Log probabilities that are a number, as Together sends them, become ``logprob``.
    - A list of models that is a bare array, or null for none.

    Raises:
        ValidationError: that of the data as they came, where they are none of these.
    """
    try:
        return decode(data)
    except ValidationError as fault:
        try:
            amended = _amended(parse(data))
        except (AttributeError, KeyError, TypeError, ValueError, ValidationError):
            raise fault from None
        if amended is None:
            raise
        return decode(encode(amended))


def _amended(data: Any) -> Any:
    """The same in OpenAI's shape; None where there is nothing to change."""
    if isinstance(data, list):
        return {"object": "list", "data": data}
    if "data" in data and data["data"] is None:
        return {**data, "data": []}
    choices = [_choice(choice) for choice in data["choices"]]
    return None if choices == data["choices"] else {**data, "choices": choices}


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    amended = dict(choice)
    for name in ("message", "delta"):
        if isinstance(amended.get(name), dict):
            amended[name] = _message(amended[name])
    logprobs = amended.get("logprobs")
    if isinstance(logprobs, int | float):
        amended |= {"logprobs": None, "logprob": logprobs}
    return amended


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    amended = dict(message)
    content = amended.get("content")
    if isinstance(content, list):
        amended |= _taken_apart(content)
    calls = amended.get("tool_calls")
    if calls:
        amended["tool_calls"] = [_call(call) for call in calls]
    return amended


def _taken_apart(content: list[Any]) -> dict[str, Any]:
    texts, thoughts, others = [], [], False
    for part in content:
        kind = part["type"]
        if kind == "text":
            texts.append(part["text"])
        elif kind == "thinking":
            thoughts += [piece["text"] for piece in part["thinking"] if piece["type"] == "text"]
        else:
            others = True
    fields: dict[str, Any] = {"content": "".join(texts) if texts else None}
    if thoughts:
        fields["reasoning_content"] = "".join(thoughts)
    return {**fields, "content_parts": content} if others else fields


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), dict):
        return dict(call)
    return {**call, "function": {**function, "arguments": encode(function["arguments"]).decode()}}
