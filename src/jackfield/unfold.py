"""A response to the chunks of a stream that tells it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from jackfield.models.chunks import (
    AudioDelta,
    ChatCompletionChunkChoice,
    ChatCompletionMessageToolCallChunk,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
    CustomCallDelta,
    FunctionCallDelta,
)
from jackfield.models.response import ChatCompletionChoice, ChatCompletionResponseMessage, CreateChatCompletionResponse
from jackfield.models.toolcalls import AnyToolCall, ChatCompletionMessageCustomToolCall, ChatCompletionMessageToolCall

__all__ = ["unfold"]


def unfold(response: CreateChatCompletionResponse) -> list[CreateChatCompletionStreamResponse]:
    """Chunks that tell the response, at least one: for each choice what it says, its tool calls, its end; then usage.

    ``fold(unfold(response))`` equals the response, but for ``object``.
    """
    head = CreateChatCompletionStreamResponse(
        id=response.id,
        created=response.created,
        model=response.model,
        service_tier=response.service_tier,
        system_fingerprint=response.system_fingerprint,
    )
    chunks = [attrs.evolve(head, choices=[piece]) for choice in response.choices for piece in _pieces(choice)]
    if response.usage is not None or not chunks:
        chunks.append(attrs.evolve(head, usage=response.usage))
    chunks[0] = attrs.evolve(
        chunks[0], metadata=response.metadata, moderation=response.moderation, extra=response.extra
    )
    return chunks


def _pieces(choice: ChatCompletionChoice) -> Iterable[ChatCompletionChunkChoice]:
    message = choice.message
    yield ChatCompletionChunkChoice(
        index=choice.index, delta=_first_delta(message), logprobs=choice.logprobs, extra=choice.extra
    )
    if message.tool_calls is not None:
        calls = [_tool_call(index, call) for index, call in enumerate(message.tool_calls)]
        yield ChatCompletionChunkChoice(index=choice.index, delta=ChatCompletionStreamResponseDelta(tool_calls=calls))
    yield ChatCompletionChunkChoice(index=choice.index, finish_reason=choice.finish_reason)


def _first_delta(message: ChatCompletionResponseMessage) -> ChatCompletionStreamResponseDelta:
    call, audio = message.function_call, message.audio
    return ChatCompletionStreamResponseDelta(
        role=message.role,
        content=message.content,
        refusal=message.refusal,
        function_call=None
        if call is None
        else FunctionCallDelta(name=call.name, arguments=call.arguments, extra=call.extra),
        audio=None
        if audio is None
        else AudioDelta(
            id=audio.id, data=audio.data, transcript=audio.transcript, expires_at=audio.expires_at, extra=audio.extra
        ),
        annotations=message.annotations,
        reasoning_content=message.reasoning_content,
        reasoning=message.reasoning,
        extra=message.extra,
    )


def _tool_call(index: int, call: AnyToolCall) -> ChatCompletionMessageToolCallChunk:
    piece = ChatCompletionMessageToolCallChunk(index=index, type=call.type, extra=call.extra)
    if isinstance(call, ChatCompletionMessageToolCall):
        function = call.function
        delta = FunctionCallDelta(name=function.name, arguments=function.arguments, extra=function.extra)
        return attrs.evolve(piece, id=call.id, function=delta)
    if isinstance(call, ChatCompletionMessageCustomToolCall):
        custom = call.custom
        return attrs.evolve(
            piece, id=call.id, custom=CustomCallDelta(name=custom.name, input=custom.input, extra=custom.extra)
        )
    return piece
