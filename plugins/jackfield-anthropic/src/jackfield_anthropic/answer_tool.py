"""AnswerTool: JSON answers by a tool that the model must call, for what knows no ``output_config``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from jackfield.wire import to_json

if TYPE_CHECKING:
    from jackfield.parameters import Fitting
    from jackfield_anthropic.request.block import Block

JsonBy = Literal["format", "tool"]
"""How the model is held to a form: by ``output_config``, or by a tool whose arguments are the answer."""
NAME = "jackfield_answer"
"""The tool's name."""
_DESCRIPTION = "Give your answer to the user by calling this tool: its arguments are the whole answer."
_ROOTS = ("anyOf", "oneOf", "allOf", "$ref")


def with_answer_tool(tools: Mapping[str, Any], asked: Mapping[str, Any], fitting: Fitting) -> dict[str, Any]:
    """``tools`` and ``tool_choice``, with the tool by which the model has to answer where JSON is asked for.

    Args:
        tools: those of the request, in the service's words.
        asked: the request.
        fitting: takes what cannot be said.

    Raises:
        UnsupportedParameterError: the answer is to be no object: the arguments of a tool are one.
    """
    form = asked.get("response_format", {"type": "text"})
    if form["type"] == "text":
        return dict(tools)
    schema = _schema(form)
    if schema is None:
        fitting.lacks("response_format", "give a `json_schema` of an object, or `json_object`")
        return dict(tools)
    tool = {
        "name": NAME,
        "description": form.get("json_schema", {}).get("description", _DESCRIPTION),
        "input_schema": schema,
    }
    return {**tools, "tools": [*tools.get("tools", ()), tool], "tool_choice": _choice(tools)}


def _schema(form: Mapping[str, Any]) -> dict[str, Any] | None:
    if form["type"] == "json_object":
        return {"type": "object"}
    schema = form.get("json_schema", {}).get("schema")
    if schema is None or schema.get("type", "object") != "object" or any(name in schema for name in _ROOTS):
        return None
    return {"type": "object", **schema}


def _choice(tools: Mapping[str, Any]) -> dict[str, Any]:
    """The model answers by the tool, or calls another one where there are any that it may call."""
    choice = tools.get("tool_choice", {"type": "auto"})
    if choice["type"] == "tool":
        return dict(choice)
    if tools.get("tools") and choice["type"] != "none":
        return {**choice, "type": "any"}
    return {"type": "tool", "name": NAME, "disable_parallel_tool_use": True}


def is_answer(block: Mapping[str, Any]) -> bool:
    """Whether a block is a call of that tool."""
    return block.get("type") == "tool_use" and block.get("name") == NAME


def as_text(block: Block) -> Block:
    """The answer in such a call as text; any other block as it is."""
    return {"type": "text", "text": to_json(block["input"])} if is_answer(block) else block
