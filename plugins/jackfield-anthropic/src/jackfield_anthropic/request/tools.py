"""Tools: what the model may call, and which of it it must.

Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jackfield_anthropic.request.schema import fitted

if TYPE_CHECKING:
    from jackfield.parameters import Fitting

Tool = Mapping[str, Any]
_MODES = {"auto": {"type": "auto"}, "required": {"type": "any"}, "none": {"type": "none"}}
_CUSTOM = "use a function with one text as its parameter"


def tool_fields(asked: Mapping[str, Any], fitting: Fitting) -> dict[str, Any]:
    """``tools`` and ``tool_choice`` of a request, where it has any.

    Raises:
        UnsupportedParameterError: a tool or a choice cannot be said.
    """
    tools = [tool for pair in enumerate(asked.get("tools", ())) if (tool := _tool(*pair, fitting)) is not None]
    choice, names = _choice(asked.get("tool_choice"), fitting)
    if names is not None:
        tools = [tool for tool in tools if tool.get("name") in names]
    if tools and asked.get("parallel_tool_calls") is False:
        choice = _one_at_a_time(choice)
    if not tools and choice in (_MODES["auto"], _MODES["none"]):
        choice = None  # which the service would refuse without tools, and which says nothing without them
    return {**({"tools": tools} if tools else {}), **({} if choice is None else {"tool_choice": choice})}


def _tool(number: int, tool: Tool, fitting: Fitting) -> dict[str, Any] | None:
    """A tool; one of a kind that OpenAI does not have is the service's own, and stays as it is."""
    kind, path = tool.get("type"), f"tools[{number}]"
    if kind == "custom" and "custom" in tool:
        fitting.lacks(path, _CUSTOM)
        return None
    if kind != "function":
        return dict(tool)
    function = {name: value for name, value in tool["function"].items() if value is not None}
    schema = {"type": "object", "properties": {}, **(function.pop("parameters", None) or {})}
    if function.get("strict"):
        schema = fitted(schema, f"{path}.function.parameters", fitting)
    besides = {name: value for name, value in tool.items() if name not in ("type", "function")}
    return {**function, "input_schema": schema, **besides}


def _choice(choice: Any, fitting: Fitting) -> tuple[dict[str, Any] | None, Sequence[str] | None]:
    """What the model is to call, and the names of the tools where only some of them are allowed."""
    if choice is None:
        return None, None
    if isinstance(choice, str):
        return _mode(choice, fitting), None
    kind = choice["type"]
    if kind == "function":
        besides = {name: value for name, value in choice.items() if name not in ("type", "function")}
        return {"type": "tool", "name": choice["function"]["name"], **besides}, None
    if kind == "allowed_tools":
        allowed = choice["allowed_tools"]
        return _mode(allowed["mode"], fitting), [_name(tool) for tool in allowed["tools"]]
    if kind == "custom":
        fitting.lacks("tool_choice", _CUSTOM)
        return None, None
    return dict(choice), None


def _mode(mode: str, fitting: Fitting) -> dict[str, Any] | None:
    if mode not in _MODES:
        fitting.lacks("tool_choice", "give `auto`, `required`, `none` or a tool")
    return _MODES.get(mode)


def _name(tool: Tool) -> str:
    function = tool.get("function")
    name: str = (function if isinstance(function, dict) else tool).get("name", "")
    return name


def _one_at_a_time(choice: dict[str, Any] | None) -> dict[str, Any]:
    choice = choice or _MODES["auto"]
    return choice if choice["type"] == "none" else {**choice, "disable_parallel_tool_use": True}
