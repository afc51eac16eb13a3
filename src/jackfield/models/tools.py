"""Tools that the model may call, and the deprecated functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from jackfield.models.base import UNSET, UnsetType, WireValue, wire
from jackfield.models.enums import GrammarSyntax

__all__ = [
    "AnyTool",
    "ChatCompletionFunctions",
    "ChatCompletionTool",
    "CustomToolChatCompletions",
    "CustomToolFormat",
    "CustomToolGrammar",
    "CustomToolGrammarFormat",
    "CustomToolProperties",
    "CustomToolTextFormat",
    "FunctionObject",
    "UnknownCustomToolFormat",
    "UnknownTool",
]


@wire(kw_only=True)
class FunctionObject(WireValue):
    """A function and its parameters. OpenAI API schema ``FunctionObject``.

    Attributes:
        name: letters, digits, ``_`` and ``-``, at most 64.
        description: tells the model when and how to call it.
        parameters: JSON Schema of an object; left out means no parameters. OpenAI API schema ``FunctionParameters``.
        strict: whether the model must keep to the schema exactly.
    """

    name: str
    description: str | UnsetType = UNSET
    parameters: Mapping[str, Any] | UnsetType = UNSET
    strict: bool | UnsetType | None = UNSET


@wire(kw_only=True)
class ChatCompletionTool(WireValue):
    """A function tool. OpenAI API schema ``ChatCompletionTool``."""

    type: Literal["function"] = "function"
    function: FunctionObject


@wire(kw_only=True)
class CustomToolTextFormat(WireValue):
    """The input is free text. OpenAI API schema ``CustomToolChatCompletions.custom.format``, text."""

    type: Literal["text"] = "text"


@wire(kw_only=True)
class CustomToolGrammar(WireValue):
    """A grammar. OpenAI API schema ``CustomToolChatCompletions.custom.format.grammar``.

    Attributes:
        definition: the grammar's text.
        syntax: what it is written in.
    """

    definition: str
    syntax: GrammarSyntax


@wire(kw_only=True)
class CustomToolGrammarFormat(WireValue):
    """The input follows a grammar. OpenAI API schema ``CustomToolChatCompletions.custom.format``, grammar."""

    type: Literal["grammar"] = "grammar"
    grammar: CustomToolGrammar


@wire(kw_only=True)
class UnknownCustomToolFormat(WireValue):
    """A format of a kind that jackfield does not know; all but the type is in ``extra``."""

    type: str


CustomToolFormat: TypeAlias = CustomToolTextFormat | CustomToolGrammarFormat | UnknownCustomToolFormat
"""What the input of a custom tool looks like."""


@wire(kw_only=True)
class CustomToolProperties(WireValue):
    """A custom tool's name and format. OpenAI API schema ``CustomToolChatCompletions.custom``.

    Attributes:
        name: as the model names it in calls.
        description: tells the model when and how to call it.
        format: of the input; left out means free text.
    """

    name: str
    description: str | UnsetType = UNSET
    format: CustomToolFormat | UnsetType = UNSET


@wire(kw_only=True)
class CustomToolChatCompletions(WireValue):
    """A tool that takes text in a format of its own. OpenAI API schema ``CustomToolChatCompletions``."""

    type: Literal["custom"] = "custom"
    custom: CustomToolProperties


@wire(kw_only=True)
class UnknownTool(WireValue):
    """A tool of a kind that jackfield does not know; all but the type is in ``extra``."""

    type: str


AnyTool: TypeAlias = ChatCompletionTool | CustomToolChatCompletions | UnknownTool
"""An item of ``tools``."""


@wire(kw_only=True)
class ChatCompletionFunctions(WireValue):
    """Deprecated: a function, see ``ChatCompletionTool``. OpenAI API schema ``ChatCompletionFunctions``.

    Attributes:
        name: letters, digits, ``_`` and ``-``, at most 64.
        description: tells the model when and how to call it.
        parameters: JSON Schema of an object; left out means no parameters.
    """

    name: str
    description: str | UnsetType = UNSET
    parameters: Mapping[str, Any] | UnsetType = UNSET
