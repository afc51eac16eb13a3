"""Reader: the events of a stream of ``POST /messages`` to chunks.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming. Servers that speak the format may send the
end of a block late, so that blocks overlap, and leave out members: nothing but a block's index is relied on.
"""

from __future__ import annotations

from typing import Any

import msgspec

from jackfield.errors import APIError, InvalidResponseError
from jackfield.event_reader import Chunk, EventReader, check
from jackfield.models.chunks import ChatCompletionChunkChoice, ChatCompletionStreamResponseDelta
from jackfield_anthropic.answer_tool import is_answer
from jackfield_anthropic.error import told
from jackfield_anthropic.message import extra
from jackfield_anthropic.open_block import AnswerBlock, OpenBlock
from jackfield_anthropic.response import Message, choice_extra, finish_reason, reason_by_tool, unknown
from jackfield_anthropic.usage import tier_of, usage_of

Delta = ChatCompletionStreamResponseDelta


_ENDING = ("stop_reason", "stop_sequence", "stop_details")
"""Why the model ended, as ``message_delta`` tells it."""


class _Event(msgspec.Struct):
    """An event, whichever it is."""

    type: str
    index: int = 0
    message: dict[str, Any] | None = None
    content_block: dict[str, Any] | None = None
    delta: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None


_BESIDES = {*_Event.__struct_fields__, *_ENDING}
_decode = msgspec.json.Decoder(_Event).decode
_KINDS = {
    "message",
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
}
"""Names of the events that are looked at; ``message`` stands for none."""
_BROKEN = (msgspec.MsgspecError, ValueError, RecursionError)


class MessagesReader(EventReader):
    """Reads one stream; it is whole once the model has told why it ended.

    Args:
        max_line_bytes: longest line that is taken.
        usage_apart: the usage comes with a chunk of its own, since the host asked for it.
        by_tool: a call of the tool that stands for an answer in JSON is the answer's text.
    """

    def __init__(self, max_line_bytes: int, *, usage_apart: bool = False, by_tool: bool = False) -> None:
        super().__init__(max_line_bytes)
        self._apart, self._by_tool = usage_apart, by_tool
        self._head: Chunk | None = None
        self._message = Message([])
        self._besides: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: list[OpenBlock] = []
        self._open: dict[int, OpenBlock] = {}
        self._role: str | None = "assistant"
        self._calls = self._said = 0

    def take(self, kind: str, data: bytes, chunks: list[Chunk]) -> None:
        """One event; kinds that are not known are passed over, as the format asks for.

        Raises:
            APIError: it tells of an error.
            InvalidResponseError: it is no event of the format.
        """
        if kind == "error" or b'"error"' in data:
            try:
                check(kind, data)
            except APIError as error:
                raise told(error) from None
        if kind not in _KINDS or not data.strip() or data.strip() == b"[DONE]":
            return
        try:
            self._take(_decode(data), data, chunks)
        except _BROKEN as error:
            raise InvalidResponseError(f"an event of the stream is none of the format: {error}") from None

    def rest(self) -> list[Chunk]:
        """The last chunk: why the model ended, the usage, and what only all blocks together tell."""
        if self._head is None:
            return []
        chunks: list[Chunk] = []
        for index in list(self._open):
            self._close(index, chunks)
        usage, reason = usage_of(self._usage), self._message.stop_reason
        if self._by_tool:
            reason = reason_by_tool(reason, calls=self._calls > 0)
        choice = ChatCompletionChunkChoice(
            delta=self._delta(extra=extra([block.block for block in self._blocks])),
            finish_reason=finish_reason(reason),
            extra=choice_extra(self._message),
        )
        chunks.append(self._chunk([choice], usage=None if self._apart else usage, extra=self._besides))
        if self._apart and usage is not None:
            chunks.append(self._chunk([], usage=usage))
        return chunks

    def _take(self, event: _Event, data: bytes, chunks: list[Chunk]) -> None:
        match event.type:
            case "message_start":
                self._begin(event)
            case "content_block_start":
                self._open_block(event, chunks)
            case "content_block_delta":
                self._add_to_block(event, chunks)
            case "content_block_stop":
                self._close(event.index, chunks)
            case "message_delta":
                self._add_to_message(event, data)
            case "message_stop":
                self.whole = self.done = True

    # -- the events ----------------------------------------------------------------------------------------------

    def _begin(self, event: _Event) -> None:
        # The first chunk comes with the first block: until then, another try is possible.
        data: dict[str, Any] = {"content": [], **(event.message or {})}
        self._message = msgspec.convert(data, Message)
        self._besides = unknown(data)
        self._add_usage(self._message.usage)
        self._head = Chunk(id=self._message.id, model=self._message.model)

    def _open_block(self, event: _Event, chunks: list[Chunk]) -> None:
        self._close(event.index, chunks)
        begun = event.content_block or {}
        block = (AnswerBlock if self._by_tool and is_answer(begun) else OpenBlock)(begun, self._calls)
        self._calls += block.is_call
        self._blocks.append(block)
        self._open[event.index] = block
        self._deliver(block.begin(), chunks)

    def _add_to_block(self, event: _Event, chunks: list[Chunk]) -> None:
        block = self._open.get(event.index)
        if block is None:
            raise ValueError(f"a delta of block {event.index}, which is not open")
        self._deliver(block.add(event.delta or {}), chunks)

    def _add_to_message(self, event: _Event, data: bytes) -> None:
        delta: dict[str, Any] = {name: value for name, value in (event.delta or {}).items() if value is not None}
        known: dict[str, Any] = {name: delta[name] for name in _ENDING if name in delta}
        ending = msgspec.convert({"content": [], **known}, Message)
        for name in known:
            setattr(self._message, name, getattr(ending, name))
        members = {**msgspec.json.decode(data), **delta}
        self._besides |= {name: value for name, value in members.items() if name not in _BESIDES and value is not None}
        self._add_usage(event.usage)
        self.whole = self.whole or (self._head is not None and self._message.stop_reason is not None)

    # -- helpers -------------------------------------------------------------------------------------------------

    def _add_usage(self, usage: dict[str, Any] | None) -> None:
        """Counts are those up to now: of each, the last that was told stands."""
        if usage is not None:
            self._usage |= {name: value for name, value in usage.items() if value is not None}
        usage_of(self._usage)

    def _close(self, index: int, chunks: list[Chunk]) -> None:
        block = self._open.pop(index, None)
        if block is not None:
            self._deliver(block.end(self._said), chunks)
            self._said += block.length

    def _deliver(self, fields: dict[str, Any], chunks: list[Chunk]) -> None:
        if fields:
            chunks.append(self._chunk([ChatCompletionChunkChoice(delta=self._delta(**fields))]))

    def _delta(self, **fields: Any) -> Delta:
        role, self._role = self._role, None
        return Delta(role=role, **fields)

    def _chunk(self, choices: list[ChatCompletionChunkChoice], **fields: Any) -> Chunk:
        if self._head is None:
            raise ValueError("a block before the message began")
        head = self._head
        return Chunk(id=head.id, model=head.model, choices=choices, service_tier=tier_of(self._usage), **fields)
