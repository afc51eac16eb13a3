"""Streams: the same chunks however the bytes are cut, and the same answer as a whole one."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from jackfield.errors import StreamInterruptedError
from jackfield.fold import fold
from jackfield.wire import to_dict
from jackfield_anthropic.reader import MessagesReader
from jackfield_anthropic.response import decode

TOLD = ["text", "tools", "thinking", "interleaved", "web_search", "refusal", "empty", "compaction"]
RECORDED = ["llama_text", "llama_tool"]


def deltas(chunks: list[Any]) -> list[dict[str, Any]]:
    return [to_dict(choice.delta) for chunk in chunks for choice in chunk.choices]


def plain(response: Any) -> dict[str, Any]:
    """A response as JSON, with arguments parsed: the model's spaces in them are told only by a stream."""
    made = to_dict(response)
    for choice in made["choices"]:
        for call in choice["message"].get("tool_calls") or ():
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return {**made, "object": None}


# -- recorded and documented streams ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("usage_apart", [False, True])
def test_a_stream_tells_what_the_whole_answer_tells(read, data, name, usage_apart):
    """Text, calls, thoughts, citations, usage, and what only the service understands."""
    folded = fold(read(data(f"{name}.sse"), usage_apart=usage_apart))

    assert plain(folded) == plain(decode(data(f"{name}.json")))


@pytest.mark.parametrize("name", [*TOLD, *RECORDED])
def test_a_stream_gives_the_same_chunks_however_it_is_cut(read, data, name):
    """At every byte, and into single bytes."""
    stream = data(f"{name}.sse")
    wanted = read(stream)

    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == wanted
    for at in range(1, len(stream)):
        assert read(stream[:at], stream[at:]) == wanted


@pytest.mark.parametrize("name", [*TOLD, *RECORDED])
def test_a_stream_that_is_cut_off_is_no_answer(read, data, name):
    """Wherever that is, before the model told why it ended."""
    stream = data(f"{name}.sse")
    for at in range(stream.index(b'"message_delta"')):
        with pytest.raises(StreamInterruptedError):
            read(stream[:at])


@pytest.mark.parametrize("name", [*TOLD, *RECORDED])
def test_the_first_chunk_has_the_role_and_the_last_the_reason(read, data, name):
    """As hosts of OpenAI's streams expect; each chunk has the message's id and its model."""
    chunks = read(data(f"{name}.sse"))

    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", *[None] * (len(chunks) - 1)]
    assert [chunk.choices[0].finish_reason is not None for chunk in chunks] == [*[False] * (len(chunks) - 1), True]
    assert [chunk.usage is not None for chunk in chunks] == [*[False] * (len(chunks) - 1), True]
    assert len({(chunk.id, chunk.model) for chunk in chunks}) == 1


def test_the_recorded_text_of_llama_cpp(read, data):
    """Piece by piece."""
    response = fold(read(data("llama_text.sse")))

    assert response.choices[0].message.content == "Hello from a tiny llama model on this real server."
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (21, 12)
    assert response.usage.prompt_tokens_details.cached_tokens == 20
    assert len(read(data("llama_text.sse"))) == 12


def test_the_recorded_call_of_llama_cpp(read, data):
    """Its beginning has no input, and its pieces are single characters."""
    (call,) = fold(read(data("llama_tool.sse"))).choices[0].message.tool_calls

    assert (call.function.name, call.function.arguments) == ("add", '{"a":0,"b":0}')


def test_pieces_of_calls_have_their_place_among_calls(read, data):
    """The format counts all blocks; the name and the id come first, an empty piece is none."""
    pieces = [one["tool_calls"][0] for one in deltas(read(data("tools.sse"))) if "tool_calls" in one]

    assert pieces == [
        {"index": 0, "id": "toolu_01", "type": "function", "function": {"name": "get_weather", "arguments": ""},
         "caller": {"type": "direct"}},
        {"index": 0, "function": {"arguments": '{"location":'}},
        {"index": 0, "function": {"arguments": ' "San Francisc'}},
        {"index": 0, "function": {"arguments": 'o, CA"}'}},
        {"index": 1, "id": "toolu_02", "type": "function", "function": {"name": "get_time", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]  # fmt: skip


def test_what_only_all_blocks_tell_comes_with_the_end(read, data):
    """Once, so that it is not told again and again."""
    made = deltas(read(data("interleaved.sse")))

    assert [("thinking_blocks" in one, "content_blocks" in one) for one in made[:-1]] == [(False, False)] * (
        len(made) - 1
    )
    assert made[-1]["content_blocks"] == json.loads(data("interleaved.json"))["content"]


def test_usage_that_was_asked_for_comes_by_itself(read, data):
    """As OpenAI documents it: a last chunk without choices."""
    *chunks, last = read(data("text.sse"), usage_apart=True)

    assert (last.choices, last.usage.total_tokens) == ((), 40)
    assert all(chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize(
    "pieces",
    [
        [{"type": "text_delta", "text": "0123456789"}],
        [{"type": "citations_delta", "citation": {"type": "page_location"}}],
        [{"type": "text_delta", "text": "0123456789"}, {"type": "citations_delta", "citation": {}}],
    ],
    ids=["text", "citations", "both"],
)
def test_a_delta_of_a_long_answer_costs_no_more_than_that_of_a_short_one(pieces):
    """What came before is not copied for each."""
    events = [{"type": "content_block_delta", "index": 0, "delta": piece} for piece in pieces]
    delta = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    reader = MessagesReader(2**20)
    reader.feed(b'data: {"type":"message_start","message":{"id":"m","content":[]}}\n\n')
    reader.feed(b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n')
    peaks = []
    tracemalloc.start()
    try:
        for _ in range(3):
            for _ in range(3000):
                reader.feed(delta)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            reader.feed(delta)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    assert max(peaks) < 20_000
