"""StreamReader: what is a chunk, what is an error, and when an answer is whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield import errors
from jackfield.event import decode_chunk, decode_plain
from jackfield.fold import fold
from jackfield.models import CreateChatCompletionStreamResponse
from jackfield.reader import StreamReader
from jackfield.wire import to_dict

Chunk = CreateChatCompletionStreamResponse
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def chunk(text: str | None = None, finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    delta = {} if text is None else {"content": text}
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}


def usage() -> dict[str, Any]:
    """The chunk that holds only the usage."""
    return {**chunk(), "choices": [], "usage": USAGE}


def event(data: Any, kind: str = "") -> bytes:
    """An event."""
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return (f"event: {kind}\n".encode() if kind else b"") + b"data: " + text + b"\n\n"


def reader(**options: Any) -> StreamReader:
    """A reader of chunks."""
    return StreamReader(decode_chunk, max_line_bytes=10_000, **options)


def texts(chunks: list[Chunk]) -> list[str | None]:
    """The text of each chunk's choices."""
    return [choice.delta.content for chunk in chunks for choice in chunk.choices]


def read(stream: bytes, **options: Any) -> list[Chunk]:
    """All chunks of a stream that ends in order."""
    it = reader(**options)
    chunks = it.feed(stream)
    if it.failure is not None:
        raise it.failure
    return chunks if it.done else chunks + it.end()


def outcome(stream: bytes, step: int, **options: Any) -> tuple[list[dict[str, Any]], str]:
    """The chunks that are delivered of a stream in pieces, and the class of the error that follows, if one does."""
    it = reader(**options)
    chunks: list[Chunk] = []
    try:
        for start in range(0, len(stream), step):
            chunks += it.feed(stream[start : start + step])
            if it.failure is not None:
                raise it.failure
            if it.done:
                return [to_dict(found) for found in chunks], ""
        chunks += it.end()
        if it.failure is not None:
            raise it.failure
    except errors.APIError as error:
        return [to_dict(found) for found in chunks], f"{type(error).__name__}: {error}"
    return [to_dict(found) for found in chunks], ""


def test_done_ends_a_stream() -> None:
    """What comes after it is nothing."""
    it = reader()
    chunks = it.feed(event(chunk("a")) + DONE + event(chunk("b")))
    assert texts(chunks) == ["a"]
    assert (it.done, it.whole, it.empty, it.failure) == (True, True, False, None)
    assert it.end() == []


def test_an_empty_finish_reason_ends_nothing() -> None:
    """Some servers tell one in every chunk; a stream cut after such a chunk is not whole."""
    cut = reader()
    assert texts(cut.feed(event(chunk("a", "")))) == ["a"]
    assert not cut.whole
    with pytest.raises(errors.StreamInterruptedError):
        cut.end()
    many = block_reader()
    assert len(many.feed(event(chunk("a", "")) * 20)) == 20
    assert not many.whole
    chunks = many.feed(event(chunk("b", "stop")) + DONE)
    assert fold([*chunks]).choices[0].finish_reason == "stop"


def test_a_finish_reason_is_enough() -> None:
    """Servers that forget ``[DONE]`` still end their streams."""
    it = reader()
    it.feed(event(chunk("a")))
    assert not it.whole
    it.feed(event(chunk(None, "stop")))
    assert (it.whole, it.done) == (True, False)
    assert it.end() == []


def test_every_choice_must_finish() -> None:
    """As many as were asked for, and each one that was seen."""
    it = reader(choices=2)
    it.feed(event(chunk(None, "stop", 0)))
    assert not it.whole
    it.feed(event(chunk("x", None, 1)))
    assert not it.whole
    it.feed(event(chunk(None, "length", 1)))
    assert it.whole


def test_a_choice_that_no_one_asked_for_must_finish_too() -> None:
    """A stream that looked whole is not while another choice goes on."""
    it = reader()
    it.feed(event(chunk(None, "stop", 0)))
    it.feed(event(chunk("x", None, 1)))
    assert not it.whole
    with pytest.raises(errors.StreamInterruptedError):
        it.end()


def test_a_cut_stream_is_never_whole() -> None:
    """Cut at every byte before the finish reason it is interrupted; after it, nothing is missing."""
    parts = [event(chunk("a")), event(chunk("\u00e4\n")), event(chunk(None, "stop"))]
    stream = b"".join([*parts, event(usage()), DONE])
    whole_at = len(b"".join(parts)) - 2  # the blank line may be missing
    for cut in range(len(stream) + 1):
        found, error = outcome(stream[:cut], cut or 1)
        assert error.startswith("StreamInterruptedError") is (cut < whole_at)
        assert len(found) >= 3 or error
        assert outcome(stream[:cut], 1) == (found, error)


def test_a_stream_without_a_chunk_is_no_answer() -> None:
    """``[DONE]`` alone says nothing."""
    for stream in (DONE, b": ping\n\n" + DONE):
        with pytest.raises(errors.InvalidResponseError, match="no chunk"):
            read(stream)
    with pytest.raises(errors.StreamInterruptedError) as caught:
        read(b"")
    assert caught.value.stage == "ambiguous"


@pytest.mark.parametrize(
    ("stream", "kind", "message"),
    [
        (event({"error": {"message": "m", "code": 429}}), errors.RateLimitError, "m"),
        (event({"error": "m"}), errors.APIError, "m"),
        (event({"error": {"message": "m", "type": "server_error"}}, "error"), errors.InternalServerError, "m"),
        (event({"message": "m"}, "error"), errors.APIError, "m"),
        (event("m", "error"), errors.APIError, "m"),
        (event(b"m", "error"), errors.APIError, "m"),
        (event(b"\xff", "error"), errors.APIError, "\ufffd"),
        (event(b"{}", "error"), errors.APIError, "the stream reported an error"),
        (event(b"[" * 5000, "error"), errors.APIError, "[" * 1000),
        (event(chunk("", "error", error={"code": 502, "message": "m"})), errors.InternalServerError, "m"),
        (event(chunk("half", "error")), errors.APIError, "the backend ended the answer with finish_reason 'error'"),
        (event({"error": {"message": "m", "code": "context_length_exceeded"}}), errors.ContextLengthExceededError, "m"),
    ],
)
def test_an_error_in_a_stream_is_raised(stream: bytes, kind: type[errors.APIError], message: str) -> None:
    """In each form in which servers send one."""
    with pytest.raises(errors.APIError) as caught:
        read(stream)
    assert (type(caught.value), caught.value.message) == (kind, message)


def test_the_word_error_is_no_error() -> None:
    """Neither in the text nor as an empty member."""
    stream = event(chunk('say "error"')) + event(chunk("b", error=None)) + event({**chunk(), "x": "error"}) + DONE
    assert texts(read(stream)) == ['say "error"', "b", None]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"7",
        b'"x"',
        b"\xff\xfe",
        b'{"choices": 7}',
        b'{"choices": [{"index": "x"}]}',
        b"[" * 5000,
        b'nope "error"',
    ],
)
def test_an_event_that_is_no_chunk_is_told(data: bytes) -> None:
    """Garbage, wrong types, what is not UTF-8: one class of error."""
    with pytest.raises(errors.InvalidResponseError, match="no chunk"):
        read(event(data) + DONE)


def test_an_event_without_data_is_passed_over() -> None:
    """Some servers keep a connection alive so."""
    assert texts(read(b"data:\n\n" + event(chunk("a")) + b"data:  \n\n" + DONE)) == ["a"]


def test_what_came_before_a_fault_is_delivered_however_it_was_cut() -> None:
    """An error, or garbage, behind two chunks: both chunks, then the error."""
    for fault in (event({"error": "m"}), event(b"{"), b"data: {"):
        stream = event(chunk("a")) + event(chunk("b")) + fault
        results = [outcome(stream, step) for step in (1, 2, 7, 50, len(stream))]
        assert results == [results[0]] * 5
        assert len(results[0][0]) == 2
        assert results[0][1]


def test_a_torn_event_behind_a_whole_answer_is_nothing() -> None:
    """Nothing of the answer is missing."""
    found, error = outcome(event(chunk("a", "stop")) + b'data: {"choi', 1000)
    assert (len(found), error) == (1, "")


def usages(chunks: list[Chunk]) -> list[int | None]:
    """The total of tokens that each chunk tells."""
    return [None if found.usage is None else found.usage.total_tokens for found in chunks]


@pytest.mark.parametrize("head", [{"choices": []}, usage()], ids=["bare", "usage"])
@pytest.mark.parametrize("options", [{}, {"merge_usage": True}, {"decode_plain": decode_plain}])
def test_a_stream_without_any_choice_is_no_answer(head: dict[str, Any], options: dict[str, Any]) -> None:
    """As a whole answer without one is none, whatever the end of it says."""
    with pytest.raises(errors.InvalidResponseError, match="choice"):
        read(event({**chunk(), **head}) + DONE, **options)
    assert texts(read(event({**chunk(), **head}) + event(chunk("a")) + DONE, **options)) == ["a"]


def test_usage_comes_with_the_last_choice_where_it_was_not_asked_for() -> None:
    """The chunk that holds only the usage is not handed on, its content is."""
    stream = event(chunk("a")) + event(chunk(None, "stop")) + event(usage()) + DONE
    assert usages(read(stream, merge_usage=True)) == [None, 3]
    assert usages(read(stream)) == [None, None, 3]
    for step in (1, 10, 1000):
        found, error = outcome(stream, step, merge_usage=True)
        assert (len(found), error, found[-1]["usage"]["total_tokens"]) == (2, "", 3)


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (event(chunk("a", "stop")) + DONE, [None]),
        (event(chunk("a", "stop")), [None]),
        (event(chunk("a", "stop", usage=USAGE)) + DONE, [3]),
        (event(chunk("a", "stop")) + event({**usage(), "usage": None}) + DONE, [None]),
        (event(chunk("a", "stop")) + event(chunk("b")) + event(usage()) + DONE, [None, 3]),
        (event(usage()) + event(chunk("a", "stop")) + DONE, [3, None]),
    ],
)
def test_no_chunk_is_lost_for_want_of_usage(stream: bytes, found: list[int | None]) -> None:
    """Whether it comes or not, early or late, or in the last chunk itself."""
    assert usages(read(stream, merge_usage=True)) == found


def test_a_line_too_long_is_refused() -> None:
    """The limit is the reader's own."""
    with pytest.raises(errors.InvalidResponseError, match="max_line_bytes"):
        reader().feed(b"data: " + b"x" * 10_001)


def test_what_came_before_a_line_too_long_is_delivered_however_it_was_cut() -> None:
    """The chunks, then the error; behind the terminal event nothing is looked at."""
    line = b"data: " + b"x" * 10_001 + b"\n\n"
    for end, left, failed in ((line, 2, True), (event({"error": "m"}) + line, 2, True), (DONE + line, 2, False)):
        stream = event(chunk("a")) + event(chunk("b", "stop")) + end
        results = [outcome(stream, step) for step in (7, 150, len(stream))]
        assert results == [results[0]] * 3
        assert (len(results[0][0]), bool(results[0][1])) == (left, failed)


def block_reader() -> StreamReader:
    """A reader with the short cut for blocks of plain text."""
    return StreamReader(decode_chunk, decode_plain=decode_plain, max_line_bytes=2**20, merge_usage=True)


def test_a_block_gives_the_same_whether_it_is_cut_or_not() -> None:
    """The short cut for many events at once changes nothing but the time."""
    parts = [event(chunk(f"word{number}")) for number in range(40)]
    stream = b"".join([*parts, event(chunk(None, "stop")), event(usage()), DONE])
    whole = block_reader()
    chunks = [*whole.feed(b"".join(parts)), *whole.feed(stream[len(b"".join(parts)) :]), *whole.end()]
    single = block_reader()
    pieces = [one for part in [*parts, event(chunk(None, "stop")), event(usage()), DONE] for one in single.feed(part)]
    assert [to_dict(one) for one in chunks] == [to_dict(one) for one in [*pieces, *single.end()]]
    assert len(chunks) == 41
    assert chunks[-1].usage is not None
    assert not whole.empty


def test_a_block_that_is_not_plain_is_read_event_by_event() -> None:
    """One call of a tool among many pieces of text."""
    call = {"index": 0, "id": "i", "function": {"name": "f", "arguments": "{}"}}
    parts = [event(chunk("a"))] * 9 + [event({**chunk(), "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})]
    chunks = block_reader().feed(b"".join(parts))
    assert [one.choices[0].delta.content for one in chunks] == ["a"] * 9 + [None]
    assert chunks[-1].choices[0].delta.tool_calls[0].id == "i"


@pytest.mark.parametrize(
    "odd",
    [
        event({"error": {"message": "no"}}),
        event({**chunk("a"), "error": {"message": "no"}}),
        event(chunk("a"), "error"),
        event(chunk("a", "error")),
    ],
)
def test_an_error_in_a_block_is_not_passed_over(odd: bytes) -> None:
    """What came before it is delivered, then it is raised."""
    stream = block_reader()
    assert len(stream.feed(b"".join([event(chunk("a"))] * 10) + odd)) == 10
    assert isinstance(stream.failure, errors.APIError)


def test_a_choice_seen_only_in_a_block_must_finish_too() -> None:
    """An answer that the short cut saw begin is not forgotten."""
    stream = block_reader()
    stream.feed(b"".join([event(chunk("a", index=1))] * 10))
    stream.feed(event(chunk(None, "stop")))
    with pytest.raises(errors.StreamInterruptedError):
        stream.end()
