"""Shapes: schemas of values and tools, as programs have them, for the converter of langchain-core."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel


def function_of(schema: Any, strict: bool | None = None) -> dict[str, Any]:
    """A schema of any kind as the ``function`` of a tool: its name, and what else it has.

    Raises:
        ValueError: it is no schema, or has no name.
    """
    return dict(convert_to_openai_tool(plain(schema), strict=strict)["function"])


def missed(value: Any, shape: Mapping[str, Any]) -> str | None:
    """Why a value has not the shape of a JSON Schema, as its outermost level tells; None where it may have it."""
    if shape.get("type", "object" if "properties" in shape else None) != "object":
        return None
    if not isinstance(value, dict):
        return "it is no JSON object"
    absent = [name for name in shape.get("required", ()) if name not in value]
    return f"it has no {', '.join(absent)}" if absent else None


def plain(schema: Any) -> Any:
    """The same as a function, where the converter would lose the schema: wrapped for OpenAI's API, or recursive."""
    if isinstance(schema, dict):
        return _unwrapped(schema)
    shape = schema.tool_call_schema if isinstance(schema, BaseTool) else schema
    if not (isinstance(shape, type) and issubclass(shape, BaseModel)):
        return schema
    parameters = shape.model_json_schema()
    if not _is_recursive(parameters):
        return schema
    root = str(parameters.pop("$ref", "")).removeprefix("#/$defs/")
    parameters = {**parameters["$defs"].get(root, {}), **parameters}
    title, told = parameters.pop("title", shape.__name__), parameters.pop("description", "")
    if isinstance(schema, BaseTool):
        title, told = schema.name, schema.description
    return {"name": title, "description": told, "parameters": parameters}


def _unwrapped(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type") == "json_schema" and isinstance(schema.get("json_schema"), dict):
        schema = schema["json_schema"]
    if "name" not in schema or not isinstance(schema.get("schema"), dict):
        return schema
    return {**{name: value for name, value in schema.items() if name != "schema"}, "parameters": schema["schema"]}


def _is_recursive(schema: dict[str, Any]) -> bool:
    """Whether a definition refers to itself, by however many others."""
    known = schema.get("$defs", {})
    refers = {name: {other for other in known if f'"#/$defs/{other}"' in json.dumps(known[name])} for name in known}
    for _ in known:
        for name, others in refers.items():
            refers[name] = others.union(*(refers[other] for other in others))
    return any(name in others for name, others in refers.items())
