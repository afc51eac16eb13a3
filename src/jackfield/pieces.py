"""What is put together while the pieces of a stream come: texts, calls, sound, log probabilities."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from jackfield.models.chunks import (
    AudioDelta,
    ChatCompletionMessageToolCallChunk,
    CustomCallDelta,
    FunctionCallDelta,
)
from jackfield.models.logprobs import ChatCompletionLogprobs, ChatCompletionTokenLogprob
from jackfield.models.response import ChatCompletionAudio
from jackfield.models.toolcalls import (
    AnyToolCall,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    CustomCall,
    FunctionCall,
    UnknownToolCall,
)
from jackfield.plain import plain
from jackfield.unread import Unread


def joined(pieces: Sequence[str]) -> str | None:
    """The text; None where no piece came."""
    return "".join(pieces) if pieces else None


class FunctionPieces:
    """A function call."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._arguments: list[str] = []
        self._unread = Unread(FunctionCallDelta)

    def add(self, piece: FunctionCallDelta) -> None:
        """Take the next piece."""
        self._name = piece.name or self._name
        if piece.arguments is not None:
            self._arguments.append(piece.arguments)
        self._unread.add(piece)

    def whole(self) -> FunctionCall:
        """What the pieces tell."""
        return FunctionCall(name=self._name or "", arguments=joined(self._arguments) or "", extra=self._unread.whole())


class CustomPieces:
    """A call of a custom tool."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._input: list[str] = []
        self._unread = Unread(CustomCallDelta)

    def add(self, piece: CustomCallDelta) -> None:
        """Take the next piece."""
        self._name = piece.name or self._name
        if piece.input is not None:
            self._input.append(piece.input)
        self._unread.add(piece)

    def whole(self) -> CustomCall:
        """What the pieces tell."""
        return CustomCall(name=self._name or "", input=joined(self._input) or "", extra=self._unread.whole())


def joined_base64(pieces: Sequence[str]) -> str:
    """The base64 of what several texts in base64 hold together: padding stands at its end only (RFC 4648, section 3.2).

    What is no base64 is put together as it came.
    """
    if not any(piece.endswith("=") for piece in pieces[:-1]):
        return "".join(pieces)
    try:
        return b64encode(b"".join(b64decode(piece, validate=True) for piece in pieces)).decode()
    except ValueError:
        return "".join(pieces)


class AudioPieces:
    """What the model says."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._expires_at: int | None = None
        self._data: list[str] = []
        self._transcript: list[str] = []
        self._unread = Unread(AudioDelta)

    def add(self, piece: AudioDelta) -> None:
        """Take the next piece."""
        self._id = piece.id or self._id
        self._expires_at = self._expires_at if piece.expires_at is None else piece.expires_at
        self._data.append(piece.data or "")
        self._transcript.append(piece.transcript or "")
        self._unread.add(piece)

    def whole(self) -> ChatCompletionAudio:
        """What the pieces tell."""
        return ChatCompletionAudio(
            id=self._id or "",
            expires_at=self._expires_at,
            data=joined_base64(self._data),
            transcript="".join(self._transcript),
            extra=self._unread.whole(),
        )


class LogprobPieces:
    """The log probabilities of an answer's tokens."""

    def __init__(self) -> None:
        self._content: list[ChatCompletionTokenLogprob] | None = None
        self._refusal: list[ChatCompletionTokenLogprob] | None = None
        self._unread = Unread(ChatCompletionLogprobs)

    def add(self, piece: ChatCompletionLogprobs) -> None:
        """Take the next piece."""
        if piece.content is not None:
            self._content = self._content or []
            self._content.extend(piece.content)
        if piece.refusal is not None:
            self._refusal = self._refusal or []
            self._refusal.extend(piece.refusal)
        self._unread.add(piece)

    def whole(self) -> ChatCompletionLogprobs:
        """What the pieces tell."""
        return ChatCompletionLogprobs(content=self._content, refusal=self._refusal, extra=self._unread.whole())


class ToolCallPieces:
    """The tool calls of an answer: by index, and under one index by id."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._latest: dict[int, _Call] = {}
        self._known: dict[tuple[int, str], _Call] = {}

    def add(self, pieces: Iterable[ChatCompletionMessageToolCallChunk]) -> None:
        """Take the next pieces."""
        for piece in pieces:
            self._find(piece).add(piece)

    def _find(self, piece: ChatCompletionMessageToolCallChunk) -> _Call:
        call = self._latest.get(piece.index)
        if piece.id:
            known = self._known.get((piece.index, piece.id))
            # A new id under an index that has one already is another call.
            call = known if known is not None or (call is not None and call.id) else call
        if call is None:
            call = _Call(piece.index)
            self._calls.append(call)
        self._latest[piece.index] = call
        if piece.id:
            self._known[piece.index, piece.id] = call
        return call

    def whole(self) -> list[AnyToolCall]:
        """The calls, by index; under one index in the order in which they began."""
        return [call.whole() for call in sorted(self._calls, key=lambda call: call.index)]


class _Call:
    """One tool call."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.id: str | None = None
        self._type: str | None = None
        self._function: FunctionPieces | None = None
        self._custom: CustomPieces | None = None
        self._unread = Unread(ChatCompletionMessageToolCallChunk)

    def add(self, piece: ChatCompletionMessageToolCallChunk) -> None:
        self.id = piece.id or self.id
        self._type = piece.type or self._type
        if piece.function is not None:
            self._function = self._function or FunctionPieces()
            self._function.add(piece.function)
        if piece.custom is not None:
            self._custom = self._custom or CustomPieces()
            self._custom.add(piece.custom)
        self._unread.add(piece)

    def whole(self) -> AnyToolCall:
        kind = self._type or ("function" if self._custom is None else "custom")
        extra = self._unread.whole()
        if kind == "function":
            function = (self._function or FunctionPieces()).whole()
            return ChatCompletionMessageToolCall(id=self.id or "", function=function, extra=extra)
        if kind == "custom":
            custom = (self._custom or CustomPieces()).whole()
            return ChatCompletionMessageCustomToolCall(id=self.id or "", custom=custom, extra=extra)
        known: dict[str, Any] = {} if self.id is None else {"id": self.id}
        if self._function is not None:
            known["function"] = plain(self._function.whole())
        if self._custom is not None:
            known["custom"] = plain(self._custom.whole())
        return UnknownToolCall(type=kind, extra=known | dict(extra.of(UnknownToolCall)))
