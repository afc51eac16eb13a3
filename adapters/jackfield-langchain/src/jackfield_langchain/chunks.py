"""Chunks: the pieces of an answer as LangChain's, and a last one that tells what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.utils.json import parse_partial_json

from jackfield.wire import to_dict
from jackfield_langchain.answer import arguments_of, custom_calls, metadata, rest, unknown
from jackfield_langchain.request import PROVIDER, THOUGHTS, UNREPAIRABLE
from jackfield_langchain.usage import usage_metadata

if TYPE_CHECKING:
    from jackfield.models.chunks import ChatCompletionStreamResponseDelta, CreateChatCompletionStreamResponse
    from jackfield.models.response import CreateChatCompletionResponse


class Chunks:
    """Makes LangChain's chunks of one stream.

    LangChain joins what has one name by adding it up, so each thing that is told once comes in the last chunk only.
    """

    def __init__(self) -> None:
        self._calls: dict[tuple[int, str], int] = {}
        self._latest: dict[int, tuple[int, str | None]] = {}
        self._written: dict[int, list[str]] = {}
        self._count = 0

    def next(self, chunk: CreateChatCompletionStreamResponse) -> Iterator[ChatGenerationChunk]:
        """What a chunk adds to the answer, which may be nothing; some services tell a choice twice in one."""
        for choice in chunk.choices:
            if choice.index != 0:
                continue
            delta = choice.delta
            told = {name: text for name in ("refusal", *THOUGHTS) if (text := getattr(delta, name))}
            calls = self._tool_calls(delta)
            info = None if choice.logprobs is None else {"logprobs": to_dict(choice.logprobs)}
            if not (delta.content or told or calls or info):
                continue
            message = AIMessageChunk(
                content=delta.content or "",
                additional_kwargs=told,
                tool_call_chunks=calls,
                response_metadata={"model_provider": PROVIDER},
            )
            yield ChatGenerationChunk(message=message, generation_info=info)

    def end(self, response: CreateChatCompletionResponse) -> Iterator[ChatGenerationChunk]:
        """What comes after the last chunk of a stream that ended well; at the very end ``last``."""
        if broken := [number for number, pieces in self._written.items() if _is_repaired("".join(pieces))]:
            # Not in the last one, where LangChain takes the pieces of calls for whole ones.
            message = AIMessageChunk(
                content="",
                tool_call_chunks=[
                    tool_call_chunk(name=None, args=UNREPAIRABLE, id=None, index=number) for number in broken
                ],
                response_metadata={"model_provider": PROVIDER},
            )
            yield ChatGenerationChunk(message=message)
        yield self.last(response)

    def last(self, response: CreateChatCompletionResponse) -> ChatGenerationChunk:
        """Usage, why the stream ended, and what does not come in pieces."""
        choice = next((choice for choice in response.choices if choice.index == 0), None)
        info = metadata(response, response.call)
        told: dict[str, Any] = {}
        calls: list[ToolCallChunk] = []
        if choice is not None:
            info |= {"finish_reason": choice.finish_reason, **unknown(response, choice)}
            told = rest(choice.message)
            for identity, name, arguments in custom_calls(choice.message):
                calls.append(tool_call_chunk(name=name, args=arguments, id=identity, index=self._count))
                self._count += 1
        del info["model_provider"]  # it stands in the message
        message = AIMessageChunk(
            content="",
            additional_kwargs=told,
            tool_call_chunks=calls,
            usage_metadata=usage_metadata(response.usage),
            response_metadata={"model_provider": PROVIDER},
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message, generation_info=info)

    def _tool_calls(self, delta: ChatCompletionStreamResponseDelta) -> list[ToolCallChunk]:
        return [
            self._piece(self._number(piece.index, piece.id), piece.id, piece.function)
            for piece in delta.tool_calls or ()
            if piece.function is not None
        ]

    def _piece(self, number: int, identity: str | None, function: Any) -> ToolCallChunk:
        self._written.setdefault(number, []).append(function.arguments or "")
        return tool_call_chunk(name=function.name, args=function.arguments, id=identity, index=number)

    def _number(self, index: int, identity: str | None) -> int:
        """Which call a piece belongs to: by its index, and by its id, since some servers send all with index 0."""
        number, known = self._latest.get(index, (None, None))
        if identity and (number is None or known):
            number = self._calls.get((index, identity))
        if number is None:
            number, self._count = self._count, self._count + 1
        self._latest[index] = (number, identity or known)
        if identity:
            self._calls[index, identity] = number
        return number


def _is_repaired(written: str) -> bool:
    """Whether LangChain would call a tool with an object that the model did not write."""
    if not written or arguments_of(written) is not None:
        return False
    try:
        return isinstance(parse_partial_json(written), dict)
    except ValueError:
        return False
