"""Answers: the forms that questions and answers have, besides the usual one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from jackfield.models.chunks import (
    ChatCompletionChunkChoice,
    ChatCompletionMessageToolCallChunk,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
    FunctionCallDelta,
)
from jackfield.models.messages import (
    ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestToolMessage,
    ChatCompletionRequestUserMessage,
)
from jackfield.models.parts import (
    ChatCompletionRequestMessageContentPartImage,
    ChatCompletionRequestMessageContentPartText,
    ImageURL,
)
from jackfield.models.response import CompletionUsage
from jackfield.models.toolcalls import ChatCompletionMessageToolCall, FunctionCall

Chunk = CreateChatCompletionStreamResponse


def answer_chunks(text: str, model: str, size: int) -> list[Chunk]:
    """A stream: a role, text in pieces of ``size`` characters, a tool call, unknown fields, an end, usage."""
    head = Chunk(id="answer", created=1700000000, model=model)

    def of(extra: dict[str, Any] | None = None, finish: str | None = None, **delta: Any) -> Chunk:
        choice = ChatCompletionChunkChoice(
            delta=ChatCompletionStreamResponseDelta(**delta), finish_reason=finish, extra=extra or {}
        )
        return attrs.evolve(head, choices=[choice])

    def call(**fields: Any) -> list[ChatCompletionMessageToolCallChunk]:
        return [ChatCompletionMessageToolCallChunk(index=0, **fields)]

    first = attrs.evolve(of(role="assistant", content=""), extra={"x_answer": {"kept": [1, 2]}})
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    name = FunctionCallDelta(name="weather", arguments='{"city":')
    return [
        first,
        *(of(content=piece) for piece in pieces),
        of(tool_calls=call(id="call_1", type="function", function=name)),
        of(tool_calls=call(function=FunctionCallDelta(arguments='"Rome"}'))),
        of(extra={"x_choice": "kept"}, finish="tool_calls"),
        attrs.evolve(head, usage=CompletionUsage(prompt_tokens=3, completion_tokens=5, total_tokens=8)),
    ]


def _without_text(chunks: list[Chunk]) -> list[Chunk]:
    def silent(choice: ChatCompletionChunkChoice) -> ChatCompletionChunkChoice:
        return attrs.evolve(choice, delta=attrs.evolve(choice.delta, content=None))

    kept = [chunk for chunk in chunks if not any(choice.delta.content for choice in chunk.choices)]
    return [attrs.evolve(chunk, choices=[silent(choice) for choice in chunk.choices]) for chunk in kept]


def _without_usage(chunks: list[Chunk]) -> list[Chunk]:
    return [chunk for chunk in chunks if chunk.usage is None]


def _two_choices(chunks: list[Chunk]) -> list[Chunk]:
    both: list[Chunk] = []
    for chunk in chunks:
        both.append(chunk)
        if chunk.choices:
            second = [attrs.evolve(choice, index=1) for choice in chunk.choices]
            both.append(attrs.evolve(chunk, choices=second))
    return both


def _equal_chunks(chunks: list[Chunk]) -> list[Chunk]:
    return [*chunks[:2], *chunks[1:]]


USUAL = "usual"
FORMS: Mapping[str, Callable[[list[Chunk]], list[Chunk]]] = {
    USUAL: list,
    "with tool calls and content None": _without_text,
    "without usage": _without_usage,
    "with two choices": _two_choices,
    "with two equal chunks in a row": _equal_chunks,
}
"""What is made of the chunks of the usual answer, by name."""
ASKED: Mapping[str, dict[str, Any]] = {"with two choices": {"n": 2}}
"""By what fields of its request an answer of that form is asked for."""


def _parts() -> ChatCompletionRequestUserMessage:
    image = ImageURL(url="data:image/png;base64,iVBORw0KGgo=")
    return ChatCompletionRequestUserMessage(
        content=[
            ChatCompletionRequestMessageContentPartText(text="why?"),
            ChatCompletionRequestMessageContentPartImage(image_url=image),
        ]
    )


def _results() -> list[Any]:
    call = ChatCompletionMessageToolCall(id="call_0", function=FunctionCall(name="weather", arguments="{}"))
    return [
        ChatCompletionRequestAssistantMessage(content=None, tool_calls=[call]),
        ChatCompletionRequestToolMessage(content="rain", tool_call_id="call_0"),
    ]


QUESTIONS: Mapping[str, Callable[[], list[Any]]] = {
    "with content parts": lambda: [_parts()],
    "with the result of a tool": lambda: [_parts(), *_results()],
    "after a message with content None": lambda: [_parts(), *_results()[:1]],
}
"""What makes the messages of a request, by name."""
