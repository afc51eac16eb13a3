"""Every chunk has a choice, unless the host asked for what has none."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import APIError
from jackfield.fold import fold
from jackfield_openai.reader import ChoiceReader, plain_reader

FOUND = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps({"id": "c", "created": 1, "model": "m", **fields}).encode() + b"\n\n"


def said(text: str | None = None, **choice: Any) -> bytes:
    return event(choices=[{"index": 0, "delta": {} if text is None else {"content": text}, **choice}])


EARLY = event(choices=[], prompt_filter_results=FOUND, id="", model="", created=0)
STREAM = [EARLY, event(choices=[], trace=1), *map(said, "abcdefghij"), said(finish_reason="stop")]
DONE = b"data: [DONE]\n\n"


def read(stream: bytes, cuts: list[int], reader: Any = None) -> list[Any]:
    """The chunks of a stream that arrives in pieces."""
    reader = reader or ChoiceReader(2**20, 1)
    chunks: list[Any] = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        if start < end and not reader.done:
            chunks += reader.feed(stream[start:end])
    return [*chunks, *reader.end()]


@given(st.lists(st.integers(0, 2000), max_size=30))
def test_what_comes_without_a_choice_goes_with_the_first_chunk(cuts: list[int]) -> None:
    """However the bytes are cut; and the usage with the last."""
    chunks = read(b"".join([*STREAM, event(choices=[], usage=USAGE), DONE]), cuts)

    assert [len(chunk.choices) for chunk in chunks] == [1] * 11
    assert chunks[0].extra == {"prompt_filter_results": FOUND, "trace": 1}
    assert all(not chunk.extra for chunk in chunks[1:])
    assert chunks[-1].usage.total_tokens == 3
    response = fold(chunks)
    assert response.choices[0].message.content == "abcdefghij"
    assert response.extra["prompt_filter_results"] == FOUND


def test_a_host_that_asks_for_the_usage_gets_the_chunks_as_they_come() -> None:
    """With those that have no choice."""
    stream = b"".join([*STREAM, event(choices=[], usage=USAGE), DONE])

    chunks = read(stream, [], plain_reader(2**20, 1))

    assert [len(chunk.choices) for chunk in chunks] == [0, 0, *[1] * 11, 0]
    assert chunks[0].extra["prompt_filter_results"] == FOUND


@pytest.mark.parametrize(("end", "error"), [(DONE, "no choice"), (b"", "before its terminal signal")])
def test_a_stream_that_never_has_a_choice_is_no_answer(end: bytes, error: str) -> None:
    """Nothing of it is delivered, so that another try is possible."""
    reader = ChoiceReader(2**20, 1)

    assert reader.feed(EARLY) == []
    assert reader.feed(event(choices=[], trace=1) + end) == []
    with pytest.raises(APIError, match=error):
        raise reader.failure or reader.end()  # type: ignore[misc]  # the end raises, else the test fails


def test_an_annotation_after_the_end_of_an_answer_is_kept() -> None:
    """Azure's asynchronous filter tells of it when the text is over, in a choice without a delta."""
    late = event(id="", model="", choices=[{"index": 0, "finish_reason": None, "content_filter_offsets": {"end": 9}}])

    chunks = read(said("a", finish_reason="stop") + late + DONE, [])

    assert [len(chunk.choices) for chunk in chunks] == [1, 1]
    assert chunks[1].choices[0].extra["content_filter_offsets"] == {"end": 9}
    assert fold(chunks).choices[0].finish_reason == "stop"
