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
    return [_wire_tool(tool, strict) for tool in tools]


def _wire_tool(tool: Tool, strict: bool | None) -> dict[str, Any]:
    is_custom = isinstance(tool, dict) and tool.get("type") == "custom"
    wired: dict[str, Any] = tool if is_custom else convert_to_openai_tool(plain(tool), strict=strict)  # type: ignore[assignment]  # it is a dict
    return _custom(wired) if wired.get("type") == "custom" else wired


def _custom(tool: dict[str, Any]) -> dict[str, Any]:
    """A custom tool with its fields, and those of its grammar, in a place of their own: LangChain's have them flat."""
    if isinstance(tool.get("custom"), Mapping):
        return tool
    own = {name: value for name, value in tool.items() if name != "type" and value is not None}
    form = own.get("format")
    if isinstance(form, Mapping) and form.get("type") == "grammar" and "grammar" not in form:
        grammar = {name: value for name, value in form.items() if name != "type"}
        own["format"] = {"type": "grammar", "grammar": grammar}
    return {"type": "custom", "custom": own}


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
