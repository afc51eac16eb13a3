"""StreamReader: reads a stream in OpenAI's dialect, and knows when its answer is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from jackfield.errors import InvalidResponseError, ValidationError
from jackfield.event_reader import Chunk, EventReader, check
from jackfield.sse import MESSAGE, Event

DONE = b"[DONE]"
MANY = 8
"""Events in a block from which on it pays to look at all of them at once."""


class StreamReader(EventReader):
    """Reads one stream in OpenAI's dialect.

    A stream is whole after ``[DONE]``, or once each of its choices has a finish reason.

    Args:
        decode: from the data of an event to a chunk.
        decode_plain: the same for many events at once, with the indexes of the answers that they belong to; or None
            where one of them is anything but text that is added to one.
        max_line_bytes: longest line that is taken.
        choices: how many the request asked for.
        merge_usage: the host did not ask for the chunk that holds only the usage: give the usage with the last chunk
            that has a choice instead.
    """

    def __init__(
        self,
        decode: Callable[[bytes], Chunk],
        *,
        decode_plain: Callable[[Sequence[bytes]], tuple[list[Chunk], set[int]] | None] | None = None,
        max_line_bytes: int,
        choices: int = 1,
        merge_usage: bool = False,
    ) -> None:
        super().__init__(max_line_bytes)
        self._decode = decode
        self._decode_plain = decode_plain
        self._choices = choices
        self._merge = merge_usage
        self._seen: set[int] = set()
        self._finished: set[int] = set()
        self._held: Chunk | None = None

    def feed(self, block: bytes) -> list[Chunk]:
        """The chunks that a block completes.

        Raises:
            APIError: the stream tells of an error, before any chunk of this block.
            InvalidResponseError: an event is no chunk.
        """
        if self._decode_plain is None or self._finished:
            return self.read(self.events.feed(block))
        datas = self.events.plain(block)
        if datas is None:
            return self.read(self.events.feed(block))
        return self._plain(datas, block) or self.read([(MESSAGE, data) for data in datas])

    def _plain(self, datas: list[bytes], block: bytes) -> list[Chunk] | None:
        """The chunks of a block in which nothing ends and nothing fails, else None."""
        if len(datas) < MANY or b'"error"' in block or b'"error"' in datas[0]:  # which may have begun in a former block
            return None
        assert self._decode_plain is not None  # noqa: S101 - else no block is plain
        plain = self._decode_plain(datas)
        if plain is None:
            return None
        chunks, answers = plain
        self._seen |= answers
        self.empty = False
        return chunks

    def take_all(self, events: Iterable[Event], chunks: list[Chunk]) -> None:
        """Take events until the terminal one; all in one loop, since this is what a stream costs."""
        seen, finished = self._seen, self._finished
        for kind, data in events:
            if data[:6] == DONE:
                self.done = self.whole = True
                self.finish(chunks)
                break
            chunk = self._chunk(kind, data)
            if chunk is None:
                continue
            for choice in chunk.choices:
                if choice.finish_reason:  # some servers tell an empty one until there is one
                    finished.add(choice.index)
                elif choice.index not in seen:
                    seen.add(choice.index)
            if not finished:
                chunks.append(chunk)
                continue
            self.empty = False
            self.whole = len(finished) >= self._choices and finished >= seen
            if self._merge:
                self._merged(chunk, chunks)
            else:
                chunks.append(chunk)

    def finish(self, chunks: list[Chunk]) -> None:
        """Let go of what was held back. Without any choice there is no answer, as in a body without one."""
        super().finish(chunks)
        if not self._seen and not self._finished:
            raise InvalidResponseError("the stream had no choice")

    def rest(self) -> list[Chunk]:
        """The chunk that was held."""
        held, self._held = self._held, None
        return [] if held is None else [held]

    def _chunk(self, kind: str, data: bytes) -> Chunk | None:
        """The chunk in an event; None where it is blank, as some servers send to keep the connection alive."""
        if kind == "error" or b'"error"' in data:
            check(kind, data)
        try:
            return self._decode(data)
        except ValidationError as error:
            if not data.strip():
                return None
            raise InvalidResponseError(f"an event of the stream is no chunk: {error}") from None

    def _merged(self, chunk: Chunk, chunks: list[Chunk]) -> None:
        """Hold the chunk that makes the answer whole until the usage is there, or the stream's end."""
        if self._held is not None:
            if not chunk.choices:
                self._held = attrs.evolve(self._held, usage=chunk.usage or self._held.usage)
                return
            chunks.append(self._held)
            self._held = None
        if self.whole and chunk.choices and chunk.usage is None:
            self._held = chunk
        else:
            chunks.append(chunk)
