"""A response as the chunks of a stream."""

from __future__ import annotations

from hypothesis import given, settings

from jackfield import wire
from jackfield.fold import fold
from jackfield.models import CreateChatCompletionResponse, CreateChatCompletionStreamResponse
from jackfield.unfold import unfold
from strategies import responses


@settings(max_examples=150)
@given(responses())
def test_a_response_unfolded_and_folded_is_the_same(response: CreateChatCompletionResponse) -> None:
    """Nothing is lost between whole and streamed form, in memory or over the wire."""
    pieces = unfold(response)

    assert fold(pieces) == response
    assert fold([wire.decode_chunk(wire.encode(piece)) for piece in pieces]) == response


def test_unfold_tells_text_then_calls_then_the_end_then_usage() -> None:
    """The order in which servers send."""
    response = wire.from_dict(
        {
            "id": "c",
            "choices": [
                {
                    "message": {
                        "content": "a",
                        "tool_calls": [
                            {"id": "i", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                            {"id": "j", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                        ],
                    },
                    "finish_reason": "tool_calls",
                }
            ],
            "usage": {"total_tokens": 3},
        },
        CreateChatCompletionResponse,
    )

    first, second, third, last = (wire.to_dict(piece) for piece in unfold(response))

    assert first["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}]
    assert [call["index"] for call in second["choices"][0]["delta"]["tool_calls"]] == [0, 1]
    assert third["choices"] == [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 3)
    assert {piece["id"] for piece in (first, second, third, last)} == {"c"}


def test_unfold_makes_a_chunk_of_a_response_without_choices() -> None:
    """There is always something to deliver."""
    assert unfold(CreateChatCompletionResponse(id="c", choices=[])) == [CreateChatCompletionStreamResponse(id="c")]


def test_a_call_of_each_kind_is_told_whole() -> None:
    """A function, a custom tool, and a tool of a kind that nobody knew."""
    tool_calls = [
        {"id": "i", "type": "function", "function": {"name": "f", "arguments": "{}"}, "x": 1},
        {"id": "j", "type": "custom", "custom": {"name": "g", "input": "text", "y": 2}},
        {"id": "k", "type": "search", "search": {"query": "q"}},
    ]
    response = wire.from_dict(
        {"id": "c", "choices": [{"message": {"tool_calls": tool_calls}, "finish_reason": "tool_calls"}]},
        CreateChatCompletionResponse,
    )

    pieces = unfold(response)

    deltas = wire.to_dict(pieces[1])["choices"][0]["delta"]["tool_calls"]
    assert [{key: item for key, item in delta.items() if key != "index"} for delta in deltas] == tool_calls
    assert fold(pieces) == response
