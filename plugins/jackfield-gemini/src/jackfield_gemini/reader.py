"""GeminiReader: reads a stream of streamGenerateContent, which has no terminal event."""

from __future__ import annotations

from typing import Any

from jackfield.errors import InvalidResponseError, StreamInterruptedError, ValidationError
from jackfield.event_reader import Chunk, EventReader
from jackfield_gemini.answer import Answer, read
from jackfield_gemini.choice import Choice
from jackfield_gemini.chunk import chunk, counted, ending, piece
from jackfield_gemini.ending import check_answer, check_prompt
from jackfield_gemini.failure import event_failure, raw_failure

TAIL = 2**14
"""Bytes of the end of a stream in which an error is looked for that is no event."""


class GeminiReader(EventReader):
    """Reads one stream.

    It is whole once each of its choices tells why it ended; the chunk that tells it comes when the body has ended,
    since what the service says may go on after the first reason.

    Args:
        max_line_bytes: longest line that is taken.
        choices: how many the request asked for.
        include_usage: the host asked for the chunk that holds only the usage.
    """

    def __init__(self, max_line_bytes: int, *, choices: int = 1, include_usage: bool = False) -> None:
        super().__init__(max_line_bytes)
        self._wanted = choices
        self._include_usage = include_usage
        self._choices: dict[int, Choice] = {}
        self._told: set[int] = set()  # choices whose role was told
        self._head = Answer({})
        self._extra: dict[str, Any] = {}  # that no chunk has told yet: none goes out for it alone
        self._tail = b""

    def feed(self, block: bytes) -> list[Chunk]:
        """The chunks that a block completes.

        Raises:
            APIError: the stream tells of an error, before any chunk of this block.
            InvalidResponseError: an event is no answer.
        """
        self._tail = (self._tail + block)[-TAIL:]
        return super().feed(block)

    def end(self) -> list[Chunk]:
        """The chunks that the end of the body completes.

        Raises:
            APIError: the stream ended with an error that is no event, as the service sends it too.
            StreamInterruptedError: the answer is not whole.
        """
        try:
            return super().end()
        except StreamInterruptedError:
            failure = raw_failure(self._tail)
            if failure is None:
                raise
        raise failure

    def take(self, kind: str, data: bytes, chunks: list[Chunk]) -> None:
        """One event, which is an answer by itself whose texts are to be joined.

        Raises:
            APIError: it tells of an error, or of an answer that was held back.
            InvalidResponseError: it is no answer.
        """
        if not data.strip():
            return
        if kind == "error" or b'"error"' in data:
            failure = event_failure(kind, data)
            if failure is not None:
                raise failure
        try:
            self._take(read(data), chunks)
        except ValidationError as error:
            raise InvalidResponseError(f"an event of the stream is no answer: {error}") from None

    def rest(self) -> list[Chunk]:
        """How the choices ended, and the usage."""
        endings = [ending(choice, first=index not in self._told) for index, choice in sorted(self._choices.items())]
        if self._include_usage:
            return [chunk(self._head, endings, self._extra), counted(self._head, [], {})]
        return [counted(self._head, endings, self._extra)]

    def _take(self, answer: Answer, chunks: list[Chunk]) -> None:
        if not answer.known:
            raise ValidationError("expected candidates, promptFeedback or usageMetadata")
        # Usage, id and model are told again and again; some events leave them out.
        self._head = Answer(self._head.data | {name: answer.data[name] for name in _HEAD if answer.data.get(name)})
        check_prompt(answer.feedback, self._head.id)
        pieces = []
        for place, candidate in enumerate(answer.candidates):
            told = candidate.get("index")
            index = place if told is None else told
            choice = self._choices.setdefault(index, Choice(index))
            added = choice.take(candidate, self._head.id)
            if not added.empty or candidate.get("logprobsResult"):
                pieces.append(piece(choice, added, candidate, first=index not in self._told))
                self._told.add(index)
        choices = self._choices.values()
        self.whole = len(choices) >= self._wanted and all(choice.ended for choice in choices)
        if self.whole:
            check_answer((choice.ending for choice in choices), self._head.id)
        self._extra |= answer.extra
        if pieces:
            chunks.append(chunk(self._head, pieces, self._extra))
            self._extra = {}


_HEAD = ("usageMetadata", "responseId", "modelVersion", "createTime")
