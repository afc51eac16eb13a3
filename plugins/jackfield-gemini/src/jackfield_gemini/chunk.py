"""Chunk: what an event adds to the choices, and what the last chunks tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from jackfield.models.chunks import (
    AudioDelta,
    ChatCompletionChunkChoice,
    ChatCompletionMessageToolCallChunk,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
    FunctionCallDelta,
)
from jackfield.pieces import joined_base64
from jackfield_gemini.answer import Answer
from jackfield_gemini.choice import Added, Call, Choice
from jackfield_gemini.logprobs import logprobs
from jackfield_gemini.usage import usage


def piece(choice: Choice, added: Added, candidate: Mapping[str, Any], *, first: bool) -> ChatCompletionChunkChoice:
    """What an event adds to a choice.

    Args:
        choice: which one.
        added: the texts and the calls.
        candidate: as it came.
        first: nothing was told of the choice before, so its role is.
    """
    delta = ChatCompletionStreamResponseDelta(
        role="assistant" if first else None,
        content=added.text or None,
        reasoning_content=added.thoughts or None,
        audio=AudioDelta(data=joined_base64(added.audio), extra=added.sound) if added.audio else None,
        tool_calls=[_call(call) for call in added.calls] or None,
    )
    return ChatCompletionChunkChoice(
        index=choice.index, delta=delta, logprobs=logprobs(candidate.get("logprobsResult"))
    )


def ending(choice: Choice, *, first: bool) -> ChatCompletionChunkChoice:
    """How a choice ended, and what its message tells besides: all at once, since of each name the last one stands."""
    delta = ChatCompletionStreamResponseDelta(role="assistant" if first else None, extra=choice.told)
    return ChatCompletionChunkChoice(
        index=choice.index, delta=delta, finish_reason=choice.ending.finish_reason, extra=choice.extra
    )


def chunk(
    head: Answer, choices: Sequence[ChatCompletionChunkChoice], extra: Mapping[str, Any]
) -> CreateChatCompletionStreamResponse:
    """A chunk without usage.

    Args:
        head: what the stream told so far of the answer.
        choices: what is added to them.
        extra: what the service tells besides.
    """
    return CreateChatCompletionStreamResponse(
        id=head.id, created=head.created, model=head.model, choices=choices, extra=extra
    )


def counted(
    head: Answer, choices: Sequence[ChatCompletionChunkChoice], extra: Mapping[str, Any]
) -> CreateChatCompletionStreamResponse:
    """A chunk with the usage, which is of the whole stream; see ``chunk``."""
    return attrs.evolve(
        chunk(head, choices, extra), usage=usage(head.usage), service_tier=head.usage.get("serviceTier")
    )


def _call(call: Call) -> ChatCompletionMessageToolCallChunk:
    function = FunctionCallDelta(name=call.name, arguments=call.arguments)
    return ChatCompletionMessageToolCallChunk(
        index=call.number, id=call.id, type="function", function=function, extra=call.extra
    )
