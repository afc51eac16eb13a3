"""Fit: a request as a service takes it that departs from OpenAI's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.models import CreateChatCompletionRequest
from jackfield.parameters import Fitting
from jackfield.wire import to_dict
from jackfield_openai.preset import Preset

THOUGHTS = ("reasoning_content", "reasoning")
"""Fields of a message that hold the text of its reasoning."""
NAMED = frozenset({"function", "tool"})
"""Roles of messages whose name is that of a function, and has its place."""


def fit(request: CreateChatCompletionRequest, preset: Preset, fitting: Fitting) -> dict[str, Any]:
    """The fields of a request, as plain JSON, by the names and in the shapes that the service takes.

    Args:
        request: as the host made it.
        preset: the service.
        fitting: tells what becomes of that which the service has no way to say.

    Raises:
        UnsupportedParameterError: there is such a thing, and it is not dropped.
    """
    unsaid = fitting.unsaid(request, preset.parameters)
    fields = {**preset.defaults, **to_dict(request)}
    for name in unsaid:
        fields.pop(name, None)
    if not preset.stream_options:
        fields.pop("stream_options", None)
    if not fields.get("tools", True):
        del fields["tools"]  # an empty array says nothing, and some services refuse it
    for name, own in preset.renamed.items():
        value = fields.pop(name, None)
        if value is not None:
            fields[own] = value
    for name in preset.arrays:
        if isinstance(fields.get(name), str):
            fields[name] = [fields[name]]
    fields["messages"] = [
        _message(message, f"messages[{index}]", preset, fitting) for index, message in enumerate(fields["messages"])
    ]
    return fields


def _message(message: Mapping[str, Any], path: str, preset: Preset, fitting: Fitting) -> dict[str, Any]:
    role = message["role"]
    fields = {**message, "role": preset.roles.get(role, role)}
    for name, remedy in preset.unsaid.items():
        if name in fields and role not in NAMED:
            del fields[name]
            fitting.lacks(f"{path}.{name}", remedy)
    if preset.thoughts is not None:
        _put_thoughts(fields, preset.thoughts)
        if preset.demands_thoughts and fields.get("tool_calls"):
            fields.setdefault(preset.thoughts, "")
    return fields


def _put_thoughts(fields: dict[str, Any], place: str) -> None:
    """Put the reasoning of a message where the service has it, wherever the one that thought it had it."""
    texts = [fields.pop(name, None) for name in THOUGHTS]
    text = next(filter(None, texts), None)
    if text is None:
        return
    if place != "content":
        fields[place] = text
        return
    content = fields.get("content") or []
    said = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    fields["content"] = [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}, *said]
