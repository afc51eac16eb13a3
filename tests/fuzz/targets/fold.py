"""Chunks to a response and back: any sequence of chunks can be folded, looked at, written and taken apart again."""

from __future__ import annotations

import attrs

from fuzz.documents import OTHER_KEYS, document
from fuzz.source import TOO_DEEP, Source, tried
from jackfield.errors import ValidationError
from jackfield.event import decode_chunk
from jackfield.fold import Folder, fold
from jackfield.models import CreateChatCompletionResponse, CreateChatCompletionStreamResponse
from jackfield.unfold import unfold
from jackfield.wire import from_json, to_json

Chunk = CreateChatCompletionStreamResponse


def check(data: bytes) -> None:
    """Each part chooses a chunk, which may be an event's, one made anew, or one that a layer has changed."""
    source = Source(data)
    chunks: list[Chunk] = []
    for _ in range(12):
        if source.ended:
            break
        way = source.byte()
        chunk, _ = tried((ValidationError,), decode_chunk, document(source, Chunk, OTHER_KEYS))
        if chunk is not None:
            chunks.append(attrs.evolve(chunk, model="changed") if way % 4 == 3 else chunk)
    response, _ = tried((), fold, chunks)
    folder = Folder()
    folder.extend(chunks)
    assert folder.whole() == response, "the response that is folded late is another one"
    looked_at(response)
    assert len(response.choices) == len({choice.index for chunk in chunks for choice in chunk.choices})
    for choice in response.choices:
        texts = [one.delta.content or "" for chunk in chunks for one in chunk.choices if one.index == choice.index]
        assert (choice.message.content or "") == "".join(texts), "text was lost"
    parts, _ = tried((), unfold, response)
    again, _ = tried((), fold, parts)
    looked_at(again)
    assert again == attrs.evolve(response, object="chat.completion"), "taken apart and folded it is another one"


def looked_at(response: CreateChatCompletionResponse) -> None:
    """Whatever a host may do with a response."""
    tried((), repr, response)
    text, unwritten = tried((ValidationError,), to_json, response)
    if text is None:
        assert str(unwritten) == TOO_DEEP, "a response that was read cannot be written"
        return
    again, _ = tried((), from_json, text, CreateChatCompletionResponse)
    assert again == response, "the response is not read as it was written"
