"""Chunks to the response that they tell, and a response to chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

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
from jackfield.models.response import (
    ChatCompletionAnnotation,
    ChatCompletionChoice,
    ChatCompletionResponseMessage,
    CreateChatCompletionResponse,
)
from jackfield.models.toolcalls import AnyToolCall, ChatCompletionMessageCustomToolCall, ChatCompletionMessageToolCall
from jackfield.pieces import AudioPieces, FunctionPieces, LogprobPieces, ToolCallPieces, Unread, joined

__all__ = ["fold", "unfold"]


def fold(chunks: Sequence[CreateChatCompletionStreamResponse]) -> CreateChatCompletionResponse:
    """The response that the chunks of one attempt tell, as far as they go.

    Texts, arguments, log probabilities, sound and annotations are joined; of everything else the last that was told
    stands, of ``id``, ``created`` and ``model`` the first. Pieces of a tool call belong together by their index, and
    under one index by their id, since some servers send every call with index 0. Unknown fields of chunks, choices,
    deltas and tool calls are kept, of one name the last; they are looked for when ``extra`` is asked for, and until
    then the response holds the events' bytes.

    Args:
        chunks: in the order in which they came.
    """
    choices: dict[int, _Choice] = {}
    unread = Unread(CreateChatCompletionStreamResponse)
    for chunk in chunks:
        unread.add(chunk)
        for piece in chunk.choices:
            choice = choices.get(piece.index)
            if choice is None:
                choice = choices[piece.index] = _Choice()
            choice.add(piece)
    backward = chunks[::-1]
    return CreateChatCompletionResponse(
        id=_first(chunks, "id", ""),
        created=_first(chunks, "created", 0),
        model=_first(chunks, "model", ""),
        choices=[choices[index].whole(index) for index in sorted(choices)],
        usage=_first(backward, "usage"),
        service_tier=_first(backward, "service_tier"),
        system_fingerprint=_first(backward, "system_fingerprint"),
        metadata=_first(backward, "metadata"),
        moderation=_first(backward, "moderation"),
        extra=unread.whole(),
    )


def _first(chunks: Iterable[CreateChatCompletionStreamResponse], name: str, absent: Any = None) -> Any:
    """The first value of a field that is not ``absent``, which some servers begin with; that, if there is none."""
    read = attrgetter(name)
    return next((value for value in map(read, chunks) if value is not absent and value != absent), absent)


class _Choice:
    """One answer while its pieces come."""

    def __init__(self) -> None:
        self.role: str | None = None
        self.content: list[str] = []
        self.refusal: list[str] = []
        self.reasoning_content: list[str] = []
        self.reasoning: list[str] = []
        self.calls: ToolCallPieces | None = None
        self.function_call: FunctionPieces | None = None
        self.audio: AudioPieces | None = None
        self.annotations: list[ChatCompletionAnnotation] | None = None
        self.logprobs: LogprobPieces | None = None
        self.finish_reason: str | None = None
        self.unread = Unread(ChatCompletionChunkChoice)
        self.unread_delta = Unread(ChatCompletionStreamResponseDelta)

    def add(self, piece: ChatCompletionChunkChoice) -> None:
        delta = piece.delta
        if (text := delta.content) is not None:
            self.content.append(text)
        if (text := delta.reasoning_content) is not None:
            self.reasoning_content.append(text)
        if (text := delta.reasoning) is not None:
            self.reasoning.append(text)
        if (calls := delta.tool_calls) is not None:
            self.calls = self.calls or ToolCallPieces()
            self.calls.add(calls)
        if piece.logprobs is not None:
            self.logprobs = self.logprobs or LogprobPieces()
            self.logprobs.add(piece.logprobs)
        if piece.finish_reason is not None:
            self.finish_reason = piece.finish_reason
        self.unread.add(piece)
        self.unread_delta.add(delta)
        self._add_rest(delta)

    def _add_rest(self, delta: ChatCompletionStreamResponseDelta) -> None:
        if delta.role is not None:
            self.role = delta.role
        if delta.refusal is not None:
            self.refusal.append(delta.refusal)
        if delta.function_call is not None:
            self.function_call = self.function_call or FunctionPieces()
            self.function_call.add(delta.function_call)
        if delta.audio is not None:
            self.audio = self.audio or AudioPieces()
            self.audio.add(delta.audio)
        if delta.annotations is not None:
            self.annotations = [*(self.annotations or ()), *delta.annotations]

    def whole(self, index: int) -> ChatCompletionChoice:
        return ChatCompletionChoice(
            index=index,
            message=ChatCompletionResponseMessage(
                role="assistant" if self.role is None else self.role,
                content=joined(self.content),
                refusal=joined(self.refusal),
                tool_calls=None if self.calls is None else self.calls.whole(),
                annotations=self.annotations,
                audio=None if self.audio is None else self.audio.whole(),
                function_call=None if self.function_call is None else self.function_call.whole(),
                reasoning_content=joined(self.reasoning_content),
                reasoning=joined(self.reasoning),
                extra=self.unread_delta.whole(),
            ),
            logprobs=None if self.logprobs is None else self.logprobs.whole(),
            finish_reason=self.finish_reason,
            extra=self.unread.whole(),
        )


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
    if isinstance(call, ChatCompletionMessageToolCall):
        function = call.function
        return ChatCompletionMessageToolCallChunk(
            index=index,
            id=call.id,
            type=call.type,
            function=FunctionCallDelta(name=function.name, arguments=function.arguments, extra=function.extra),
            extra=call.extra,
        )
    if isinstance(call, ChatCompletionMessageCustomToolCall):
        custom = call.custom
        return ChatCompletionMessageToolCallChunk(
            index=index,
            id=call.id,
            type=call.type,
            custom=CustomCallDelta(name=custom.name, input=custom.input, extra=custom.extra),
            extra=call.extra,
        )
    return ChatCompletionMessageToolCallChunk(index=index, type=call.type, extra=call.extra)
