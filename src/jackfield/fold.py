"""Chunks to the response that they tell."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from jackfield.event import decode_chunk
from jackfield.models.base import EMPTY, unread_extra
from jackfield.models.chunks import (
    ChatCompletionChunkChoice,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
)
from jackfield.models.response import (
    ChatCompletionAnnotation,
    ChatCompletionChoice,
    ChatCompletionResponseMessage,
    CompletionUsage,
    CreateChatCompletionResponse,
)
from jackfield.pieces import AudioPieces, FunctionPieces, LogprobPieces, ToolCallPieces, joined
from jackfield.unread import Unread, grown

__all__ = ["Folder", "fold"]


def fold(chunks: Sequence[CreateChatCompletionStreamResponse]) -> CreateChatCompletionResponse:
    """The response that the chunks of one attempt tell, as far as they go.

    Texts, arguments, log probabilities, sound and annotations are joined; of everything else the last that was told
    stands, of ``id``, ``created`` and ``model`` the first. Pieces of a tool call belong together by their index, and
    under one index by their id, since some servers send every call with index 0. Unknown fields of chunks, choices,
    deltas and tool calls are kept, of one name the last, but lists of deltas grow (``unread.grown``); they are looked
    for when ``extra`` is asked for, and until then the response holds the events' bytes.

    Args:
        chunks: in the order in which they came.
    """
    response = _Response()
    for chunk in chunks:
        response.add(chunk)
    return response.whole()


_LAST = ("usage", "service_tier", "system_fingerprint", "metadata", "moderation")
"""Fields of a chunk of which the last that was told stands."""
_told_by = attrgetter(*_LAST)
_RARE = ("role", "refusal", "reasoning_content", "reasoning", "tool_calls", "function_call", "audio", "annotations")
"""Fields of a delta that most deltas leave out."""
_rare_in = attrgetter(*_RARE)
_NOTHING = (None,) * len(_RARE)


class _Response:
    """A response while its chunks come."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._id, self._created, self._model = "", 0, ""
        self._headless = True
        self._told: tuple[Any, ...] = ()
        self._last: dict[str, Any] = {}
        self._unread = Unread(CreateChatCompletionStreamResponse)

    def add(self, chunk: CreateChatCompletionStreamResponse) -> None:
        """Take the next chunk."""
        if self._headless:
            self._behead(chunk)
        self._unread.add(chunk)
        for piece in chunk.choices:
            choice = self._choices.get(piece.index)
            if choice is None:
                choice = self._choices[piece.index] = _Choice()
            choice.add(piece)
        told = _told_by(chunk)
        if told != self._told:  # mostly the same again
            self._told = told
            self._last.update((name, value) for name, value in zip(_LAST, told, strict=True) if value is not None)

    def whole(self) -> CreateChatCompletionResponse:
        """What the chunks so far tell."""
        return CreateChatCompletionResponse(
            id=self._id,
            created=self._created,
            model=self._model,
            choices=[self._choices[index].whole(index) for index in sorted(self._choices)],
            extra=self._unread.whole(),
            **self._last,
        )

    def _behead(self, chunk: CreateChatCompletionStreamResponse) -> None:
        """Take what is the same in all chunks; some servers leave it empty in the first ones."""
        self._id = self._id or chunk.id
        self._created = self._created or chunk.created
        self._model = self._model or chunk.model
        self._headless = not (self._id and self._created and self._model)


class _Choice:
    """One answer while its pieces come."""

    def __init__(self) -> None:
        self.role: str | None = None
        self.content: list[str] = []
        self.texts: dict[str, list[str]] = {"refusal": [], "reasoning_content": [], "reasoning": []}
        self.calls: ToolCallPieces | None = None
        self.function_call: FunctionPieces | None = None
        self.audio: AudioPieces | None = None
        self.annotations: list[ChatCompletionAnnotation] | None = None
        self.logprobs: LogprobPieces | None = None
        self.finish_reason: str | None = None
        self.unread = Unread(ChatCompletionChunkChoice)
        self.unread_delta = Unread(ChatCompletionStreamResponseDelta, grown)

    def add(self, piece: ChatCompletionChunkChoice) -> None:
        delta = piece.delta
        if (text := delta.content) is not None:
            self.content.append(text)
        if piece.logprobs is not None:
            self.logprobs = self.logprobs or LogprobPieces()
            self.logprobs.add(piece.logprobs)
        if piece.finish_reason or self.finish_reason is None:
            self.finish_reason = piece.finish_reason
        if (extra := unread_extra(piece)) is not EMPTY:
            self.unread.keep(extra)
        if (extra := unread_extra(delta)) is not EMPTY:
            self.unread_delta.keep(extra)
        if _rare_in(delta) != _NOTHING:
            self._add_rare(delta)

    def _add_rare(self, delta: ChatCompletionStreamResponseDelta) -> None:
        if delta.role is not None:
            self.role = delta.role
        for name, pieces in self.texts.items():
            if (text := getattr(delta, name)) is not None:
                pieces.append(text)
        if delta.tool_calls is not None:
            self.calls = self.calls or ToolCallPieces()
            self.calls.add(delta.tool_calls)
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
                tool_calls=None if self.calls is None else self.calls.whole(),
                annotations=self.annotations,
                audio=None if self.audio is None else self.audio.whole(),
                function_call=None if self.function_call is None else self.function_call.whole(),
                **{name: joined(pieces) for name, pieces in self.texts.items()},
                extra=self.unread_delta.whole(),
            ),
            logprobs=None if self.logprobs is None else self.logprobs.whole(),
            finish_reason=self.finish_reason,
            extra=self.unread.whole(),
        )


class Folder:
    """Keeps what came of a stream, mostly as the events' bytes; folds it only when the response is looked into.

    Most layers and hosts never do: they have seen the chunks. So a stream costs a list of bytes, which the garbage
    collector does not look at, and a second decoding only where it is wanted.
    """

    def __init__(self) -> None:
        self._kept: list[bytes | Chunk] = []
        self._usage: CompletionUsage | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing has come."""
        return not self._kept

    def extend(self, chunks: Sequence[Chunk]) -> None:
        """Take the next chunks."""
        raw: list[Any] = list(map(unread_extra, chunks))
        if set(map(type, raw)) <= _BYTES:
            self._kept += raw
        else:  # chunks that a layer made or changed
            self._kept += [chunk.raw or chunk for chunk in chunks]
        for chunk in chunks:
            if chunk.usage is not None:
                self._usage = chunk.usage

    def whole(self) -> CreateChatCompletionResponse:
        """The response that the chunks so far tell; folded when a field of it is first read."""
        kept = tuple(self._kept)
        response = object.__new__(_Unread)
        response.__dict__.update(_kept=kept, _call=None, usage=self._usage)
        return response


class _Unread(CreateChatCompletionResponse):
    """A response whose chunks have not been folded; it becomes an ordinary one when it is looked into."""

    def __getattribute__(self, name: str) -> Any:
        if name in _READY:
            return object.__getattribute__(self, name)
        if name == "__class__":  # asked by every isinstance
            return CreateChatCompletionResponse
        kept = self.__dict__.get("_kept")
        if kept is not None:  # else another thread was faster; two at once would fold the same
            folded = fold([decode_chunk(one) if isinstance(one, bytes) else one for one in kept])
            self.__dict__.update(folded.__dict__ | {"_call": self._call})
            object.__setattr__(self, "__class__", CreateChatCompletionResponse)
            self.__dict__.pop("_kept", None)
        return object.__getattribute__(self, name)


_READY = frozenset({"__dict__", "_call", "call", "usage"})
"""What can be told of an answer that was not folded."""
_BYTES = frozenset({bytes})
Chunk = CreateChatCompletionStreamResponse
