"""EventReader: what every dialect of streams gets without writing it."""

from __future__ import annotations

import pytest

from jackfield.errors import APIError, InvalidResponseError, PluginError, StreamInterruptedError
from jackfield.event_reader import EventReader, check
from jackfield.models.chunks import (
    ChatCompletionChunkChoice,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
)


def chunk(text: str) -> CreateChatCompletionStreamResponse:
    choice = ChatCompletionChunkChoice(delta=ChatCompletionStreamResponseDelta(content=text), index=0)
    return CreateChatCompletionStreamResponse(id="c", choices=[choice], created=1, model="m")


class Words(EventReader):
    """A word an event; ``last`` makes the answer whole, ``end`` is the terminal event, ``hold`` waits for it."""

    def __init__(self) -> None:
        super().__init__(1000)
        self.held: list[CreateChatCompletionStreamResponse] = []

    def take(self, kind, data, chunks):
        check(kind, data)
        word = data.decode()
        if word in {"last", "end"}:
            self.whole = True
        if word == "end":
            self.done = True
        elif word == "hold":
            self.held.append(chunk("held"))
        elif word == "bad":
            raise InvalidResponseError("bad")
        else:
            chunks.append(chunk(word))

    def rest(self):
        return self.held


class Plain(EventReader):
    """A word an event, and nothing is held back."""

    def take(self, kind, data, chunks):
        chunks.append(chunk(data.decode()))
        self.whole = self.done = data == b"end"


def sse(*words: str) -> bytes:
    return b"".join(b"data: " + word.encode() + b"\n\n" for word in words)


def texts(chunks) -> list[str]:
    return [each.choices[0].delta.content for each in chunks]


def test_events_after_the_terminal_one_are_not_looked_at():
    """What was held comes with it."""
    reader = Words()
    assert texts(reader.feed(sse("a", "hold", "b", "end", "bad"))) == ["a", "b", "held"]
    assert reader.done
    assert reader.whole
    assert reader.failure is None


def test_a_stream_without_a_terminal_event_is_whole_at_its_end():
    """As its dialect says; what was held is let go."""
    reader = Words()
    assert texts(reader.feed(sse("a", "last", "hold"))) == ["a", "last"]
    assert not reader.done
    assert texts(reader.end()) == ["held"]


def test_a_dialect_that_holds_nothing_back_says_nothing_of_it():
    """The terminal event ends it."""
    assert texts(Plain(1000).feed(sse("a", "end", "b"))) == ["a", "end"]


def test_a_cut_stream_is_no_answer():
    """Before the dialect said that it is whole."""
    reader = Words()
    reader.feed(sse("a"))
    with pytest.raises(StreamInterruptedError, match="before its terminal signal"):
        reader.end()


def test_an_error_after_chunks_waits_for_them():
    """What the host gets does not depend on how the bytes were cut."""
    reader = Words()
    assert texts(reader.feed(sse("a", "bad", "b"))) == ["a"]
    assert str(reader.failure) == "bad"
    with pytest.raises(InvalidResponseError, match="bad"):
        Words().feed(sse("bad"))


def test_a_stream_without_a_chunk_is_no_answer():
    """Though its terminal event came."""
    with pytest.raises(InvalidResponseError, match="no chunk"):
        Words().feed(sse("end"))


def test_an_error_event_is_raised_whatever_its_data():
    """A reason that is no JSON is its message."""
    with pytest.raises(APIError, match="too bad"):
        check("error", b"too bad")
    with pytest.raises(APIError, match="overloaded"):
        check("error", b'{"code": 500, "message": "overloaded"}')
    check("message", b"[DONE")


def test_a_dialect_that_says_nothing_is_told_so():
    """The message names its class."""
    with pytest.raises(PluginError, match="EventReader does not implement take"):
        EventReader(10).feed(sse("a"))
