"""The form of the answer: text, JSON, or JSON by a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from jackfield.models.base import UNSET, UnsetType, WireValue, wire

__all__ = [
    "JsonSchemaFormat",
    "ResponseFormat",
    "ResponseFormatJsonObject",
    "ResponseFormatJsonSchema",
    "ResponseFormatText",
    "UnknownResponseFormat",
]


@wire(kw_only=True)
class ResponseFormatText(WireValue):
    """The answer is text. OpenAI API schema ``ResponseFormatText``."""

    type: Literal["text"] = "text"


@wire(kw_only=True)
class ResponseFormatJsonObject(WireValue):
    """The answer is a JSON object; the prompt must ask for it too. OpenAI API schema ``ResponseFormatJsonObject``."""

    type: Literal["json_object"] = "json_object"


@wire(kw_only=True)
class JsonSchemaFormat(WireValue):
    """A named JSON Schema. OpenAI API schema ``ResponseFormatJsonSchema.json_schema``.

    Attributes:
        name: letters, digits, ``_`` and ``-``, at most 64.
        description: tells the model what it is for.
        schema: the JSON Schema. OpenAI API schema ``ResponseFormatJsonSchemaSchema``.
        strict: whether the model must keep to the schema exactly.
    """

    name: str
    description: str | UnsetType = UNSET
    schema: Mapping[str, Any] | UnsetType = UNSET
    strict: bool | UnsetType | None = UNSET


@wire(kw_only=True)
class ResponseFormatJsonSchema(WireValue):
    """The answer is JSON that follows a schema. OpenAI API schema ``ResponseFormatJsonSchema``."""

    type: Literal["json_schema"] = "json_schema"
    json_schema: JsonSchemaFormat


@wire(kw_only=True)
class UnknownResponseFormat(WireValue):
    """A format of a kind that jackfield does not know; all but the type is in ``extra``."""

    type: str


ResponseFormat: TypeAlias = (
    ResponseFormatText | ResponseFormatJsonSchema | ResponseFormatJsonObject | UnknownResponseFormat
)
"""What ``response_format`` takes."""
