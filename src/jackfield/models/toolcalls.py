"""Calls of tools by the model, as they stand in a reply and in the history of a request."""

from __future__ import annotations

from typing import Literal, TypeAlias

from jackfield.models.base import WireValue, wire

__all__ = [
    "AnyToolCall",
    "ChatCompletionMessageCustomToolCall",
    "ChatCompletionMessageToolCall",
    "CustomCall",
    "FunctionCall",
    "UnknownToolCall",
]


@wire(kw_only=True)
class FunctionCall(WireValue):
    """A function and what to call it with. OpenAI API schema ``ChatCompletionMessageToolCall.function``.

    Also the deprecated ``function_call`` of a message.

    Attributes:
        name: of the function.
        arguments: JSON text as the model wrote it; it may be invalid, and may name parameters that do not exist.
    """

    name: str
    arguments: str = ""


@wire(kw_only=True)
class ChatCompletionMessageToolCall(WireValue):
    """A call of a function tool. OpenAI API schema ``ChatCompletionMessageToolCall``."""

    type: Literal["function"] = "function"
    id: str = ""
    function: FunctionCall


@wire(kw_only=True)
class CustomCall(WireValue):
    """A custom tool and its input. OpenAI API schema ``ChatCompletionMessageCustomToolCall.custom``.

    Attributes:
        name: of the tool.
        input: text as the model wrote it.
    """

    name: str
    input: str = ""


@wire(kw_only=True)
class ChatCompletionMessageCustomToolCall(WireValue):
    """A call of a custom tool. OpenAI API schema ``ChatCompletionMessageCustomToolCall``."""

    type: Literal["custom"] = "custom"
    id: str = ""
    custom: CustomCall


@wire(kw_only=True)
class UnknownToolCall(WireValue):
    """A call of a kind of tool that jackfield does not know; all but the type is in ``extra``."""

    type: str


AnyToolCall: TypeAlias = ChatCompletionMessageToolCall | ChatCompletionMessageCustomToolCall | UnknownToolCall
"""An item of OpenAI API schema ``ChatCompletionMessageToolCalls``."""
