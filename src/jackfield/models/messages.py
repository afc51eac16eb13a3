"""Messages of a request: six roles, and those that are not known yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jackfield.models.base import UNSET, Array, UnsetType, WireValue, wire

if TYPE_CHECKING:
    from jackfield.models.parts import (
        ChatCompletionRequestAssistantMessageContentPart,
        ChatCompletionRequestDeveloperMessageContentPart,
        ChatCompletionRequestSystemMessageContentPart,
        ChatCompletionRequestToolMessageContentPart,
        ChatCompletionRequestUserMessageContentPart,
    )
    from jackfield.models.response import ChatCompletionResponseMessage
    from jackfield.models.toolcalls import AnyToolCall, FunctionCall

__all__ = [
    "AssistantAudio",
    "ChatCompletionRequestAssistantMessage",
    "ChatCompletionRequestDeveloperMessage",
    "ChatCompletionRequestFunctionMessage",
    "ChatCompletionRequestMessage",
    "ChatCompletionRequestSystemMessage",
    "ChatCompletionRequestToolMessage",
    "ChatCompletionRequestUserMessage",
    "UnknownMessage",
]


@wire(kw_only=True)
class ChatCompletionRequestDeveloperMessage(WireValue):
    """Instructions of the developer, for reasoning models. OpenAI API schema ``ChatCompletionRequestDeveloperMessage``.

    Attributes:
        content: text, or text parts.
        name: tells participants of one role apart.
    """

    role: Literal["developer"] = "developer"
    content: str | Array[ChatCompletionRequestDeveloperMessageContentPart]
    name: str | UnsetType = UNSET


@wire(kw_only=True)
class ChatCompletionRequestSystemMessage(WireValue):
    """Instructions that stand above the conversation. OpenAI API schema ``ChatCompletionRequestSystemMessage``.

    Attributes:
        content: text, or text parts.
        name: tells participants of one role apart.
    """

    role: Literal["system"] = "system"
    content: str | Array[ChatCompletionRequestSystemMessageContentPart]
    name: str | UnsetType = UNSET


@wire(kw_only=True)
class ChatCompletionRequestUserMessage(WireValue):
    """What the user says or shows. OpenAI API schema ``ChatCompletionRequestUserMessage``.

    Attributes:
        content: text, or parts: text, images, audio, files.
        name: tells participants of one role apart.
    """

    role: Literal["user"] = "user"
    content: str | Array[ChatCompletionRequestUserMessageContentPart]
    name: str | UnsetType = UNSET


@wire(kw_only=True)
class AssistantAudio(WireValue):
    """An earlier audio answer of the model. OpenAI API schema ``ChatCompletionRequestAssistantMessage.audio``."""

    id: str


@wire(kw_only=True)
class ChatCompletionRequestAssistantMessage(WireValue):
    """What the model answered before. OpenAI API schema ``ChatCompletionRequestAssistantMessage``.

    Attributes:
        content: text, or text and refusal parts; may be left out where there are tool calls.
        refusal: the text with which the model refused.
        name: tells participants of one role apart.
        audio: an earlier audio answer.
        tool_calls: tools that the model called.
        function_call: deprecated; see ``tool_calls``.
        reasoning_content, reasoning: the model's thoughts, for servers that want them back; not OpenAI's.
    """

    role: Literal["assistant"] = "assistant"
    content: str | Array[ChatCompletionRequestAssistantMessageContentPart] | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    name: str | UnsetType = UNSET
    audio: AssistantAudio | UnsetType | None = UNSET
    tool_calls: Array[AnyToolCall] | UnsetType = UNSET
    function_call: FunctionCall | UnsetType | None = UNSET
    reasoning_content: str | UnsetType | None = UNSET
    reasoning: str | UnsetType | None = UNSET


@wire(kw_only=True)
class ChatCompletionRequestToolMessage(WireValue):
    """What a tool returned. OpenAI API schema ``ChatCompletionRequestToolMessage``.

    Attributes:
        content: text, or text parts.
        tool_call_id: the call that this answers.
    """

    role: Literal["tool"] = "tool"
    content: str | Array[ChatCompletionRequestToolMessageContentPart]
    tool_call_id: str


@wire(kw_only=True)
class ChatCompletionRequestFunctionMessage(WireValue):
    """Deprecated: what a function returned. OpenAI API schema ``ChatCompletionRequestFunctionMessage``.

    Attributes:
        content: text, or null.
        name: of the function.
    """

    role: Literal["function"] = "function"
    content: str | None
    name: str


@wire(kw_only=True)
class UnknownMessage(WireValue):
    """A message of a role that jackfield does not know; all but the role is in ``extra``."""

    role: str


ChatCompletionRequestMessage: TypeAlias = (
    ChatCompletionRequestDeveloperMessage
    | ChatCompletionRequestSystemMessage
    | ChatCompletionRequestUserMessage
    | ChatCompletionRequestAssistantMessage
    | ChatCompletionRequestToolMessage
    | ChatCompletionRequestFunctionMessage
    | UnknownMessage
)
"""A message of a request. OpenAI API schema ``ChatCompletionRequestMessage``."""


def request_messages(
    messages: Iterable[ChatCompletionRequestMessage | ChatCompletionResponseMessage],
) -> Array[ChatCompletionRequestMessage]:
    """The messages as they may stand in a request: a reply's message, kept as history, becomes an assistant message."""
    return tuple([_request_message(message) for message in messages])


def _request_message(message: Any) -> Any:
    convert = getattr(message, "to_request_message", None)
    return message if convert is None else convert()
