"""Tools: what a model may call, as the wire has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from jackfield_langchain.shapes import plain

Tool = dict[str, Any] | type | Callable[..., Any] | BaseTool
ToolChoice = str | Mapping[str, Any] | bool | None


def wire_tools(tools: Sequence[Tool], strict: bool | None) -> list[dict[str, Any]]:
    """Tools of any kind that LangChain knows, as those of OpenAI's API."""
    return [convert_to_openai_tool(plain(tool), strict=strict) for tool in tools]


def wire_choice(choice: ToolChoice, tools: Sequence[Mapping[str, Any]]) -> str | dict[str, Any] | None:
    """Whether tools are to be called, and which; None where nothing was asked for.

    ``any``, ``required`` and True: at least one. The name of a tool: that one. ``auto``, ``none`` and a mapping as the
    wire has them.

    Raises:
        ValueError: no tool has that name.
    """
    if choice is None or choice is False:
        return None
    if choice is True or choice in ("any", "required"):
        return "required"
    if not isinstance(choice, str):
        return dict(choice)
    if choice in ("auto", "none"):
        return choice
    for tool in tools:
        kind = str(tool.get("type", "function"))
        if isinstance(tool.get(kind), Mapping) and tool[kind].get("name") == choice:
            return {"type": kind, kind: {"name": choice}}
    raise ValueError(f"tool_choice: expected any, auto, none or the name of a tool that is bound, got {choice!r}")
