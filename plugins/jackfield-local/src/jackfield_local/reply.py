"""What the engine answers: its pieces as chunks of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from jackfield.errors import InvalidResponseError
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.wire import from_dict
from jackfield_local.body import Question
from jackfield_local.failure import from_reply
from jackfield_local.tools import Caller

Chunk = CreateChatCompletionStreamResponse


class ReplyReader:
    """Reads the engine's pieces. The chunk with the finish reason is held back until all is said, with the usage.

    Attributes:
        id: the engine's id of the answer, once it is known.
        milliseconds: that the engine worked, once it has told.
    """

    def __init__(self, question: Question) -> None:
        self.id: str | None = None
        self.milliseconds: float | None = None
        self._caller = Caller(question.demanded) if question.demanded else None
        self._usage_chunk = question.usage_chunk
        self._last: dict[str, Any] | None = None
        self._usage: dict[str, Any] | None = None

    def feed(self, pieces: Iterable[bytes]) -> list[Chunk]:
        """The chunks in some pieces.

        Raises:
            APIError: a piece tells of a failure.
        """
        return [from_dict(chunk, Chunk) for piece in pieces for chunk in self._piece(json.loads(piece))]

    def end(self) -> list[Chunk]:
        """The chunks that were held back. The engine has no more pieces.

        Raises:
            InvalidResponseError: it ended without a finish reason.
        """
        if self._last is None:
            raise InvalidResponseError("the local engine ended without a finish reason")
        if self._usage is None:
            return [from_dict(self._last, Chunk)]
        if not self._usage_chunk:
            # A host that did not ask for a chunk without choices does not expect one.
            return [from_dict({**self._usage, **self._last}, Chunk)]
        return [from_dict(self._last, Chunk), from_dict(self._usage, Chunk)]

    def _piece(self, piece: dict[str, Any]) -> Iterable[dict[str, Any]]:
        if "error" in piece:
            raise from_reply(piece["error"])
        if "prompt_progress" in piece:
            return
        self.id = piece.get("id", self.id)
        if "timings" in piece:
            timings = piece["timings"]
            self.milliseconds = timings.get("prompt_ms", 0.0) + timings.get("predicted_ms", 0.0)
        if not piece["choices"]:
            self._usage = piece
            return
        if self._caller is not None:
            yield from self._call(piece, self._caller)
        elif piece["choices"][0]["finish_reason"] is None:
            yield piece
        else:
            self._last = piece

    def _call(self, piece: dict[str, Any], caller: Caller) -> Iterable[dict[str, Any]]:
        """The chunks of a demanded tool call for a piece of its text."""
        (choice,) = piece["choices"]
        delta, reason = choice["delta"], choice["finish_reason"]
        calls = caller.feed(delta.pop("content", None) or "")
        if reason is None:
            if calls or "role" in delta:
                yield {**piece, "choices": [{**choice, "delta": _delta(delta, calls)}]}
            return
        calls += caller.end(whole=reason == "stop")
        reason = "tool_calls" if reason == "stop" and caller.called else reason
        self._last = {**piece, "choices": [{**choice, "delta": _delta(delta, calls), "finish_reason": reason}]}


def _delta(delta: dict[str, Any], calls: list[dict[str, Any]]) -> dict[str, Any]:
    delta = {**delta, "content": None} if "role" in delta else delta
    return {**delta, "tool_calls": calls} if calls else delta
