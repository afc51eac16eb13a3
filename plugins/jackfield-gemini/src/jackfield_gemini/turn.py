"""Turn: a message of the model, as it stood in an answer, as the parts that it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.models import UNSET
from jackfield.models.messages import AssistantAudio, ChatCompletionRequestAssistantMessage
from jackfield.models.toolcalls import (
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    FunctionCall,
)
from jackfield.wire import call_arguments, spoken
from jackfield_gemini.content import ContentWriter, Part
from jackfield_gemini.identity import given
from jackfield_gemini.layout import SIGNATURE, parts_of


@attrs.frozen
class Called:
    """A call of a function in the history.

    Attributes:
        id: by which the message of the tool names it; empty for the deprecated ``function_call``.
        name: of the function.
        part: that says it.
    """

    id: str
    name: str
    part: Part


def calls_of(message: ChatCompletionRequestAssistantMessage, place: str, writer: ContentWriter) -> list[Called]:
    """The calls of functions in a message.

    Raises:
        UnsupportedParameterError: one is of a kind of tool that is not known.
    """
    calls = []
    if isinstance(message.function_call, FunctionCall):
        called = message.function_call
        calls.append(_called("", called.name, call_arguments(called.arguments), {}))
    for number, call in enumerate(() if message.tool_calls is UNSET else message.tool_calls or ()):
        where = f"{place}.tool_calls[{number}]"
        if isinstance(call, ChatCompletionMessageToolCall):
            calls.append(_called(call.id, call.function.name, call_arguments(call.function.arguments), call.extra))
        elif isinstance(call, ChatCompletionMessageCustomToolCall):  # another model's: this one calls functions only
            calls.append(_called(call.id, call.custom.name, {"input": call.custom.input}, call.extra))
        else:
            writer.fitting.lacks(where, "call functions only")
    return calls


def _called(identity: str, name: str, args: Mapping[str, Any], extra: Mapping[str, Any]) -> Called:
    call: Part = {"name": name, "args": args}
    if (known := given(identity)) is not None:
        call["id"] = known
    signature = google(extra).get("thought_signature")
    signed = {SIGNATURE: signature} if isinstance(signature, str) else {}
    return Called(identity, name, {"functionCall": call, **signed})


def turn(
    message: ChatCompletionRequestAssistantMessage, calls: list[Called], place: str, writer: ContentWriter
) -> list[Part]:
    """The parts of a message of the model.

    Args:
        message: of the history.
        calls: those of its calls that can be said.
        place: of the message.
        writer: of its content.

    Raises:
        UnsupportedParameterError: something in it cannot be said.
    """
    words = ""
    if isinstance(message.audio, AssistantAudio):
        writer.fitting.leave_out(f"{place}.audio")
        words = spoken(message.audio.extra)
    thoughts = _text(message.reasoning_content) or _text(message.reasoning)
    text = writer.text(message.content, place) + _text(message.refusal) + words
    return parts_of(thoughts, text, [call.part for call in calls], google(message.extra))


def google(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Google's services tell besides OpenAI's fields: ``extra_content.google``."""
    content = extra.get("extra_content")
    told = content.get("google") if isinstance(content, Mapping) else None
    return told if isinstance(told, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
