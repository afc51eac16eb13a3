"""Streams of chunks: the same chunks and the same end for every way of cutting, and only errors of our own."""

from __future__ import annotations

from typing import Any

from fuzz.documents import document
from fuzz.source import Source, tried, ways
from jackfield.errors import APIError
from jackfield.event import decode_chunk, decode_plain
from jackfield.models import CreateChatCompletionStreamResponse
from jackfield.reader import StreamReader

Chunk = CreateChatCompletionStreamResponse
HEAD = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":['
TEXT = HEAD + b'{"index":0,"delta":{"content":"x"}}]}\n\n'
PIECES = (
    TEXT, TEXT * 9, b"data: [DONE]\n\n", HEAD + b'{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    HEAD + b'{"index":1,"delta":{"content":"y"}}]}\n\n', HEAD + b'{"index":1,"delta":{},"finish_reason":"length"}]}\n\n',
    HEAD + b'],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n', HEAD + b"]}\n\n",
    HEAD + b'{"index":0,"delta":{"content":"\\"error\\""}}]}\n\n', b'data: {"error":{"message":"no","code":429}}\n\n',
    b"event: error\ndata: no\n\n", b"event: error\ndata: {}\n\n", b": ping\n\n", b"data:\n\n", b"data:  \n\n", b"data: x\n\n",
    HEAD + b'{"index":0,"delta":{"content":"\xff"}}]}\n\n', HEAD + b'],"x_a":"\xff"}\n\n', b"data: " + b"[" * 3000 + b"\n\n",
    b"id: 1\n", b"retry: 5\n", b"\r\n", b"\r", b"\n", b"\xef\xbb\xbf", b"data: ", b"z" * 3100, b"\n\ndata: ",
    b'event: error\ndata: {"error":' + b"9" * 4400 + b"}\n\n", b"data: [DONE]", TEXT.replace(b"\n", b"\r\n"),
)  # fmt: skip


def check(data: bytes) -> None:
    """The first byte chooses what was asked for, the second the cuts, the third whether the rest is a stream."""
    source = Source(data)
    options, seed, kind = source.byte(), source.byte(), source.byte()
    stream = source.rest() if kind % 4 == 3 else built(source)
    asked = {
        "choices": 1 + options % 2,
        "merge_usage": bool(options & 2),
        "max_line_bytes": 3000 if options & 4 else 2**20,
    }
    whole = read([stream], None, asked)
    for pieces in ways(stream, seed):
        for plain in (None, decode_plain):
            chunks, end = read(pieces, plain, asked)
            assert list(map(told, chunks)) == list(map(told, whole[0])), "the chunks depend on the cuts"
            assert end == whole[1], "the end depends on the cuts"


def told(chunk: Chunk) -> Any:
    """What tells one chunk from another: its event, or, where it was merged, itself."""
    return chunk.raw or chunk


def built(source: Source) -> bytes:
    """A stream of pieces that belong in one, or nearly."""
    stream = b""
    for _ in range(40):
        if source.ended:
            break
        stream += b"data: " + document(source, Chunk) + b"\n\n" if source.chance() else source.pick(PIECES)
    return stream


def read(pieces: list[bytes], plain: Any, asked: dict[str, Any]) -> tuple[list[Chunk], tuple[Any, ...]]:
    """The chunks of a stream in pieces, and how it ended, read as a provider does."""
    reader = StreamReader(decode_chunk, decode_plain=plain, **asked)
    chunks: list[Chunk] = []
    for block in [*filter(None, pieces), b""]:
        function = reader.feed if block else reader.end
        more, error = tried((APIError,), function, *filter(None, [block]))
        chunks += more or []
        error = error or reader.failure
        if error is not None:
            return chunks, (type(error), str(error), reader.whole)
        if reader.done:
            break
    assert reader.whole, "a stream that is not whole has ended in order"
    assert chunks, "a whole stream has a chunk"
    return chunks, (None, "", reader.done)
