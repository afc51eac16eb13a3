"""Which tools the model may, must or must not call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from jackfield.models.base import Array, WireValue, wire
from jackfield.models.enums import ToolChoiceMode

__all__ = [
    "ChatCompletionAllowedTools",
    "ChatCompletionAllowedToolsChoice",
    "ChatCompletionFunctionCallOption",
    "ChatCompletionNamedToolChoice",
    "ChatCompletionNamedToolChoiceCustom",
    "ChatCompletionToolChoiceOption",
    "ToolName",
    "UnknownToolChoice",
]


@wire(kw_only=True)
class ToolName(WireValue):
    """The name of a tool. OpenAI API schemas ``ChatCompletionNamedToolChoice.function`` and ``…Custom.custom``."""

    name: str


@wire(kw_only=True)
class ChatCompletionNamedToolChoice(WireValue):
    """The model must call this function. OpenAI API schema ``ChatCompletionNamedToolChoice``."""

    type: Literal["function"] = "function"
    function: ToolName


@wire(kw_only=True)
class ChatCompletionNamedToolChoiceCustom(WireValue):
    """The model must call this custom tool. OpenAI API schema ``ChatCompletionNamedToolChoiceCustom``."""

    type: Literal["custom"] = "custom"
    custom: ToolName


@wire(kw_only=True)
class ChatCompletionAllowedTools(WireValue):
    """Some of the tools. OpenAI API schema ``ChatCompletionAllowedTools``.

    Attributes:
        mode: ``auto``: may call one of them; ``required``: must.
        tools: objects that name tools of the request, as in ``tool_choice``.
    """

    mode: ToolChoiceMode
    tools: Array[Mapping[str, Any]]


@wire(kw_only=True)
class ChatCompletionAllowedToolsChoice(WireValue):
    """The model is confined to some of the tools. OpenAI API schema ``ChatCompletionAllowedToolsChoice``."""

    type: Literal["allowed_tools"] = "allowed_tools"
    allowed_tools: ChatCompletionAllowedTools


@wire(kw_only=True)
class UnknownToolChoice(WireValue):
    """A choice of a kind that jackfield does not know; all but the type is in ``extra``."""

    type: str


ChatCompletionToolChoiceOption: TypeAlias = (
    ToolChoiceMode
    | ChatCompletionNamedToolChoice
    | ChatCompletionNamedToolChoiceCustom
    | ChatCompletionAllowedToolsChoice
    | UnknownToolChoice
)
"""OpenAI API schema ``ChatCompletionToolChoiceOption``: ``none``, ``auto``, ``required`` or an object."""


@wire(kw_only=True)
class ChatCompletionFunctionCallOption(WireValue):
    """Deprecated: the model must call this function. OpenAI API schema ``ChatCompletionFunctionCallOption``."""

    name: str
