"""ChoiceReader: reads a stream so that each of its chunks has a choice."""

from __future__ import annotations

import attrs

from jackfield.event import decode_chunk, decode_plain
from jackfield.event_reader import Chunk
from jackfield.reader import StreamReader
from jackfield_openai.amend import amending


class ChoiceReader(StreamReader):
    """Reads one stream for a host that did not ask for the chunk without a choice that holds the usage.

    Such chunks come first too, with what was found in the prompt (Azure) or with traces (OpenRouter): what they tell
    goes with the chunk that follows.

    Args:
        max_line_bytes: longest line that is taken.
        choices: how many the request asked for.
    """

    def __init__(self, max_line_bytes: int, choices: int) -> None:
        super().__init__(
            decode, decode_plain=decode_plain, max_line_bytes=max_line_bytes, choices=choices, merge_usage=True
        )
        self._begun = False
        self._early: Chunk | None = None

    def feed(self, block: bytes) -> list[Chunk]:
        """The chunks that a block completes. Raises as ``StreamReader.feed``."""
        chunks = super().feed(block)
        return chunks if self._begun else self._begin(chunks)

    def end(self) -> list[Chunk]:
        """The chunks that the end of the body completes. Raises as ``StreamReader.end``."""
        chunks = super().end()
        return chunks if self._begun else self._begin(chunks)

    def _begin(self, chunks: list[Chunk]) -> list[Chunk]:
        """The chunks from the first one with a choice on, which has what those before it told."""
        for position, chunk in enumerate(chunks):
            early = self._early
            if early is not None:
                chunk = attrs.evolve(chunk, extra={**early.extra, **chunk.extra})  # noqa: PLW2901 - the same, and more
            if chunk.choices or chunk.usage is not None:
                self._begun = True
                return [chunk, *chunks[position + 1 :]]
            self._early = chunk
        return []


def decode(data: bytes) -> Chunk:
    """The chunk in an event, whatever service sent it. Raises ``ValidationError``."""
    return amending(decode_chunk, data)


def plain_reader(max_line_bytes: int, choices: int) -> StreamReader:
    """Reads one stream for a host that asked for its usage: the chunks come as they are sent.

    Args:
        max_line_bytes: longest line that is taken.
        choices: how many the request asked for.
    """
    return StreamReader(decode, decode_plain=decode_plain, max_line_bytes=max_line_bytes, choices=choices)
