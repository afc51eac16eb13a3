"""Policy: which requests are looked up, and which answers are kept. Pure functions of values."""

from __future__ import annotations

from typing import Any

from jackfield.call import Call
from jackfield.models.base import UNSET
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse

ABSENT: tuple[Any, ...] = (None, UNSET)
"""Values of a field that asks for nothing. Others need not be hashable."""
WHOLE = frozenset({"stop", "length", "tool_calls", "function_call"})
"""Finish reasons of an answer that would be the same again."""
LOCAL_TOOLS = frozenset({"function", "custom"})
"""Tools that the host runs; others are run by the service, which may find something else tomorrow."""


def cacheable(request: CreateChatCompletionRequest, call: Call, *, only_deterministic: bool) -> bool:
    """Whether the answer to a request may come from, and go into, a cache.

    Never where the service is to keep the completion, or to speak. ``extra_body`` counts as the provider sends it:
    before the request's own fields.
    """

    def asked(name: str) -> Any:
        return call.extra_body[name] if name in call.extra_body else getattr(request, name)

    modalities = asked("modalities")
    if asked("store") not in (*ABSENT, False) or asked("audio") not in ABSENT:
        return False
    if isinstance(modalities, list | tuple) and "audio" in modalities:
        return False
    return not only_deterministic or _deterministic(asked)


def _deterministic(asked: Any) -> bool:
    """Whether the model takes the likeliest token each time, and nothing comes in from elsewhere."""
    temperature, n, tools = asked("temperature"), asked("n"), asked("tools")
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or temperature != 0:
        return False
    if n not in (*ABSENT, 1) or asked("web_search_options") not in ABSENT:
        return False
    return not isinstance(tools, list | tuple) or all(_type(tool) in LOCAL_TOOLS for tool in tools)


def _type(tool: Any) -> Any:
    return tool.get("type") if isinstance(tool, dict) else getattr(tool, "type", None)


def storable(response: CreateChatCompletionResponse) -> bool:
    """Whether an answer is whole, and would be as good the next time."""
    return bool(response.choices) and all(
        choice.finish_reason in WHOLE and choice.message.audio is None for choice in response.choices
    )
