"""EventReader: from the blocks of a stream of server-sent events to chunks, whatever format their data have."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jackfield.errors import APIError, InvalidResponseError, PluginError, StreamInterruptedError
from jackfield.failure import body_error
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.sse import Event, EventDecoder

Chunk = CreateChatCompletionStreamResponse


class EventReader:
    """Base of readers: one stream of server-sent events, whose dialect derives from it and says ``take``.

    Args:
        max_line_bytes: longest line that is taken.

    Attributes:
        done: the terminal event was read: what comes after it is not looked at.
        whole: nothing of the answer is missing.
        empty: no chunk has come.
        failure: what came after the chunks that ``feed`` or ``end`` returned, to be raised once they are delivered;
            so what the host gets does not depend on how the bytes were cut.
    """

    def __init__(self, max_line_bytes: int) -> None:
        self.done = self.whole = False
        self.empty = True
        self.failure: APIError | None = None
        self.events = EventDecoder(max_line_bytes)

    # -- the dialect ---------------------------------------------------------------------------------------------

    def take(self, kind: str, data: bytes, chunks: list[Chunk]) -> None:
        """One event: add the chunks that it tells, and set ``whole`` and ``done`` where it makes the answer so.

        Args:
            kind: its name, ``message`` where it has none.
            data: its data, JSON mostly; see ``check``.
            chunks: those of this block so far.

        Raises:
            APIError: the event tells of an error, or is none of the format's.
        """
        raise PluginError(f"{type(self).__name__} does not implement take")

    def rest(self) -> list[Chunk]:
        """The chunks that were held back until the answer is whole."""
        return []

    # -- what all of them do -------------------------------------------------------------------------------------

    def feed(self, block: bytes) -> list[Chunk]:
        """The chunks that a block completes.

        Raises:
            APIError: the stream tells of an error, before any chunk of this block.
            InvalidResponseError: an event is no chunk.
        """
        return self.read(self.events.feed(block))

    def end(self) -> list[Chunk]:
        """The chunks that the end of the body completes.

        Raises:
            StreamInterruptedError: the answer is not whole.
        """
        chunks: list[Chunk] = []
        if not self.done:
            try:
                chunks = self.read(self.events.end())
            except InvalidResponseError:
                if not self.whole:  # else it is the torn rest of what need not be there
                    raise StreamInterruptedError(
                        "the stream ended in the middle of an event", stage="ambiguous"
                    ) from None
        if not self.whole:
            raise StreamInterruptedError("the stream ended before its terminal signal", stage="ambiguous")
        self.finish(chunks)
        return chunks

    def read(self, events: list[Event]) -> list[Chunk]:
        """The chunks of these events; what is wrong after the first chunk is kept in ``failure``."""
        chunks: list[Chunk] = []
        try:
            self.take_all(events, chunks)
            if self.events.failure is not None and not self.done:
                raise self.events.failure
        except APIError as error:
            if not chunks:
                raise
            self.failure = error
        self.empty = self.empty and not chunks
        return chunks

    def take_all(self, events: Iterable[Event], chunks: list[Chunk]) -> None:
        """Take events until the terminal one."""
        for kind, data in events:
            self.take(kind, data, chunks)
            if self.done:
                self.finish(chunks)
                break

    def finish(self, chunks: list[Chunk]) -> None:
        """Let go of what was held back: the answer is whole, and no more will come."""
        chunks += self.rest()
        if self.empty and not chunks:
            raise InvalidResponseError("the stream had no chunk")


def check(kind: str, data: bytes) -> None:
    """Raise the error that an event tells of: one named ``error``, or one whose data have a member ``error``.

    Args:
        kind: the event's name.
        data: its data.

    Raises:
        APIError: see ``jackfield.failure.body_error``.
    """
    try:
        content = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        content = {"error": data.decode("utf-8", "replace")} if kind == "error" else None
    if kind == "error" and not (isinstance(content, dict) and content.get("error")):
        content = {"error": content or "the stream reported an error"}
    error = body_error(content)
    if error is not None:
        raise error
