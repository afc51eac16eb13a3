"""Chunks of a stream: the quick ways to read one agree with the long way, also on what the classes do not know."""

from __future__ import annotations

from fuzz.documents import document
from fuzz.source import TOO_DEEP, Source, tried
from jackfield.errors import ValidationError
from jackfield.event import decode_chunk, decode_plain
from jackfield.models import CreateChatCompletionStreamResponse
from jackfield.wire import from_json, to_json

Chunk = CreateChatCompletionStreamResponse
PLAIN = (
    b'{"id":"c","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"x"}}]}',
    b'{"id":"c","created":1,"model":"m","x_a":[1],"choices":[{"index":1,"x_b":2,"delta":{"content":"y","x_c":{}}}]}',
)


def check(data: bytes) -> None:
    """The first byte chooses how many events there are and whether they are raw; the rest chooses them."""
    source = Source(data)
    kind = source.byte()
    if kind % 8 == 7:
        events = source.rest().split(b"\n")
    else:
        events = [document(source, Chunk) if source.byte() % 4 else source.pick(PLAIN) for _ in range(1 + kind % 3)]
    chunks = [one(event) for event in events]
    plain, _ = tried((), decode_plain, events)
    if plain is None:
        return
    assert plain[0] == chunks, "many events at once are read in another way"
    assert plain[1] == {choice.index for chunk in plain[0] for choice in chunk.choices}, "the answers are others"
    for chunk in plain[0]:
        (choice,) = chunk.choices
        assert not choice.finish_reason, "what ends is not plain"
        assert not choice.delta.tool_calls, "a tool call is not plain"


def one(event: bytes) -> Chunk | None:
    """The chunk in an event, None where it is none."""
    slow, refused = tried((ValidationError,), from_json, event, Chunk)
    quick, error = tried((ValidationError,), decode_chunk, event)
    if quick is None:
        assert slow is None, "the long way takes what the quick way refuses"
        assert str(error) == str(refused), "the two ways say different things"
        return None
    assert quick.raw == event, "the event's bytes are gone"
    repr(quick)
    written, unwritten = tried((ValidationError,), to_json, quick)
    assert written is not None or str(unwritten) == TOO_DEEP, "a chunk that was read cannot be written"
    if slow is not None:
        assert slow == quick, "the two ways read different chunks"
        assert tried((ValidationError,), to_json, slow)[0] == written, "the two ways write different chunks"
    return quick
