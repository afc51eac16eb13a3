"""One event of a stream to a chunk: msgspec decodes its bytes straight into the attrs classes.

What the classes do not know is not looked at until ``extra`` is asked for: it is read from the event's bytes, which
stay with the chunk. An event that msgspec's types refuse goes the long way, through the converter, which forgives more
(null for a field that has a default) and names every fault.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

import msgspec

from jackfield.errors import ValidationError
from jackfield.models.base import EMPTY, Extra, ExtraSource, WireValue
from jackfield.models.chunks import (
    ChatCompletionChunkChoice,
    ChatCompletionMessageToolCallChunk,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
    FunctionCallDelta,
)
from jackfield.wire import from_json, parse

_CHOICE = ("choices", 0)
_DELTA = (*_CHOICE, "delta")
_CALL = (*_DELTA, "tool_calls", 0)
_FIRST: Mapping[type[WireValue], tuple[str | int, ...]] = {
    CreateChatCompletionStreamResponse: (),
    ChatCompletionChunkChoice: _CHOICE,
    ChatCompletionStreamResponseDelta: _DELTA,
    ChatCompletionMessageToolCallChunk: _CALL,
    FunctionCallDelta: (*_CALL, "function"),
}
"""Where in an event the first value of a class is: these share one ``EventExtra``."""


class EventExtra(ExtraSource):
    """The unknown fields of a chunk and of its first choice, delta and tool call; read when asked for.

    A chunk holds the bare bytes, which cost neither time nor the garbage collector; they become this when needed.
    """

    __slots__ = ("raw",)
    raw: bytes

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def of(self, owner: type[WireValue]) -> Extra:
        """Those of the first value of the class ``owner``."""
        return self.at(_FIRST[owner], owner)

    def at(self, path: Iterable[str | int], owner: type[WireValue]) -> Extra:
        """The unknown fields of the value of class ``owner`` that stands at ``path``, if the event has one there.

        What no one could read (bytes that are no UTF-8, a number without end) is left out, and the others with it.
        """
        try:
            data = parse(self.raw)
        except ValidationError:  # msgspec passes over what no class knows
            return EMPTY
        try:
            for step in path:
                data = data[step]
        except KeyError:
            return EMPTY
        return Extra({key: value for key, value in data.items() if key not in owner.__wire_fields__})

    def detached(self) -> ExtraSource:
        """The same without the event's bytes."""
        return _Part(self, ())


class _Part(ExtraSource):
    """The unknown fields of what stands below another part; without steps, of a changed copy of a first value."""

    __slots__ = ("_above", "_steps")

    def __init__(self, above: EventExtra | _Part, steps: tuple[str | int, ...]) -> None:
        self._above, self._steps = above, steps

    def of(self, owner: type[WireValue]) -> Extra:
        above, path = self._above, self._steps
        while isinstance(above, _Part):
            path = (*above._steps, *path)  # noqa: SLF001 - its own class
            above = above._above  # noqa: SLF001 - its own class
        return above.at(path or _FIRST[owner], owner)


def _other_types(kind: type, _: Any) -> Any:
    """What msgspec leaves to us: ``_extra``, which no event may set, and types that only the converter can take."""
    if kind is ExtraSource:
        return EMPTY
    raise TypeError(f"{kind} is for the converter")  # msgspec makes a ValidationError of it


_decode = msgspec.json.Decoder(CreateChatCompletionStreamResponse, dec_hook=_other_types).decode
_ATOMS = frozenset({str, int, float, bool, type(None)})
_REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)
_set = object.__setattr__
_choices_of, _usage_of = attrgetter("choices"), attrgetter("usage")
_delta_of, _index_of = attrgetter("delta"), attrgetter("index")
_reason_of, _logprobs_of = attrgetter("finish_reason"), attrgetter("logprobs")
_NESTED = ("function_call", "audio", "annotations")
"""Fields of a delta that hold values of their own, but for ``tool_calls``."""
_rare = tuple(map(attrgetter, ("tool_calls", *_NESTED)))
_rare_in = attrgetter("tool_calls", *_NESTED)
_NOTHING: Any = (None,) * len(_rare)


def decode_chunk(data: bytes) -> CreateChatCompletionStreamResponse:
    """The chunk that an event's data says; ``chunk.raw`` keeps the bytes.

    Raises:
        ValidationError: it is no JSON, or does not have the shape of a chunk.
    """
    try:
        chunk = _decode(data)
    except _REFUSED:
        return _long_way(data)
    # Written past the guard of frozen classes: the values are new, and nobody else has them yet. Not through
    # ``__dict__``, which would make a dict of each.
    _set(chunk, "_extra", data)
    if len(chunk.choices) == 1 and chunk.usage is None:
        choice = chunk.choices[0]
        delta = choice.delta
        _set(choice, "_extra", data)
        _set(delta, "_extra", data)
        if _rare_in(delta) == _NOTHING and choice.logprobs is None:
            return chunk
    return _mark_all(chunk, data)


def decode_plain(events: Sequence[bytes]) -> tuple[list[CreateChatCompletionStreamResponse], set[int]] | None:
    """The chunks of a block of events and the answers they belong to, if each only adds text to one; else None.

    That is what nearly all blocks are, and so each step can be done for all of them at once, without a line of Python
    for each.
    """
    try:
        chunks = list(map(_decode, events))
        firsts = [first for (first,) in map(_choices_of, chunks)]  # ValueError where there is not one
    except _REFUSED:
        return None
    deltas = list(map(_delta_of, firsts))
    if (
        any(map(_usage_of, chunks))
        or any(map(_reason_of, firsts))
        or any(map(_logprobs_of, firsts))
        or any(any(map(rare_of, deltas)) for rare_of in _rare)
    ):
        return None
    for values in (chunks, firsts, deltas):
        deque(map(_set, values, repeat("_extra"), events), maxlen=0)
    return chunks, set(map(_index_of, firsts))


def _mark_all(chunk: CreateChatCompletionStreamResponse, data: bytes) -> CreateChatCompletionStreamResponse:
    """Have every value in a chunk read its unknown fields from the event."""
    event = EventExtra(data)
    for position, choice in enumerate(chunk.choices):
        if position:
            _mark(choice, _Part(event, ("choices", position)))
            continue
        delta = choice.delta
        _set(choice, "_extra", data)
        _set(delta, "_extra", data)
        if delta.tool_calls is not None:
            _mark_calls(delta.tool_calls, data)
        for name in _NESTED:
            _mark_in(getattr(delta, name), event, (*_DELTA, name))
        if choice.logprobs is not None:
            _mark(choice.logprobs, _Part(event, (*_CHOICE, "logprobs")))
    if chunk.usage is not None:
        _mark(chunk.usage, _Part(event, ("usage",)))
    return chunk


def _mark_calls(calls: Sequence[ChatCompletionMessageToolCallChunk], data: bytes) -> None:
    """Have the tool calls of the first delta read their unknown fields from the event; mostly there is one."""
    if not calls:
        return
    first = calls[0]
    if first.custom is None:
        _set(first, "_extra", data)
        if first.function is not None:
            _set(first.function, "_extra", data)
    else:
        _mark(first, _Part(EventExtra(data), _CALL))
    if len(calls) > 1:
        for position, call in enumerate(calls[1:], 1):
            _mark(call, _Part(EventExtra(data), (*_DELTA, "tool_calls", position)))


def _mark(value: WireValue, part: _Part) -> None:
    """Have a value and all values in it read their unknown fields from the event."""
    fields = value.__dict__
    for name, item in fields.items():
        if item.__class__ not in _ATOMS:
            _mark_in(item, part, (name,))
    fields["_extra"] = part


def _mark_in(item: Any, above: EventExtra | _Part, steps: tuple[str | int, ...]) -> None:
    if isinstance(item, WireValue):
        _mark(item, _Part(above, steps))
    elif item.__class__ is tuple and item and item[0].__class__ not in _ATOMS:
        for position, member in enumerate(item):
            _mark(member, _Part(above, (*steps, position)))


def _long_way(data: bytes) -> CreateChatCompletionStreamResponse:
    chunk = from_json(data, CreateChatCompletionStreamResponse)
    _set(chunk, "_extra", data)
    return chunk
