"""Events to chunks: the fast way and the long way, and what is read late."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given, settings

from jackfield import wire
from jackfield.errors import ValidationError
from jackfield.event import decode_plain
from jackfield.fold import fold
from jackfield.models import (
    ChatCompletionModerationError,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
)
from jackfield.models.base import Extra, unread_extra
from strategies import chunks

FULL: dict[str, Any] = {
    "id": "c",
    "x": 1,
    "_extra": {"hostile": True},
    "raw": "no",
    "choices": [
        {
            "index": 0,
            "x": 2,
            "delta": {
                "content": "a",
                "x": 3,
                "tool_calls": [
                    {"index": 0, "id": "i", "x": 4, "function": {"name": "f", "arguments": "{", "x": 5}},
                    {"index": 1, "x": 6, "function": {"x": 7}},
                ],
                "function_call": {"name": "g", "x": 8},
                "audio": {"id": "s", "x": 9},
                "annotations": [{"type": "note", "x": 10}, {"url_citation": {"url": "u", "x": 11}}],
            },
            "logprobs": {
                "x": 12,
                "content": [
                    {"token": "a", "logprob": -1, "x": 13, "top_logprobs": [{"token": "b", "logprob": 0, "x": 14}]}
                ],
            },
        },
        {"index": 1, "x": 15, "delta": {"x": 16, "tool_calls": [{"x": 17, "custom": {"name": "h", "x": 18}}]}},
    ],
    "usage": {"prompt_tokens": 1, "x": 19, "prompt_tokens_details": {"cached_tokens": 1, "x": 20}},
}


def event(data: Any) -> bytes:
    """The bytes of an event."""
    return json.dumps(data).encode()


def everything_in(value: Any) -> list[Any]:
    """All values of the key ``x``, at any depth."""
    if isinstance(value, dict):
        own = [value["x"]] if "x" in value else []
        return own + [found for item in value.values() for found in everything_in(item)]
    return [found for item in value for found in everything_in(item)] if isinstance(value, list) else []


@settings(max_examples=300)
@given(chunks)
def test_a_chunk_decoded_from_bytes_equals_the_one_made_from_a_dict(
    chunk: CreateChatCompletionStreamResponse,
) -> None:
    """The decoder and the converter make the same value, with the same unknown fields at every depth."""
    data = wire.encode(chunk)
    decoded = wire.decode_chunk(data)

    assert decoded == chunk == wire.from_dict(wire.to_dict(chunk), CreateChatCompletionStreamResponse)
    assert wire.to_dict(decoded) == wire.to_dict(chunk)
    assert decoded.raw == data


def test_unknown_fields_at_every_depth_are_read_from_the_event() -> None:
    """Chunk, choices, deltas, calls, sound, annotations, log probabilities and usage all keep what they do not know."""
    chunk = wire.decode_chunk(event(FULL))

    assert sorted(everything_in(wire.to_dict(chunk))) == list(range(1, 21))
    assert chunk == wire.from_dict(FULL, CreateChatCompletionStreamResponse)
    assert chunk.extra == {"x": 1, "_extra": {"hostile": True}, "raw": "no"}
    assert chunk.choices[0].delta.extra == {"x": 3}


def test_a_custom_call_alone_keeps_its_unknown_fields() -> None:
    """The first call of a delta may be a custom one."""
    data = {"choices": [{"delta": {"tool_calls": [{"x": 1, "custom": {"input": "a", "x": 2}}]}}]}
    chunk = wire.decode_chunk(event(data))

    assert everything_in(wire.to_dict(chunk)) == [1, 2]


@pytest.mark.parametrize("calls", [None, []])
def test_no_tool_calls_may_be_null_or_empty(calls: Any) -> None:
    """A delta may say that it has no calls."""
    (choice,) = wire.decode_chunk(event({"choices": [{"delta": {"tool_calls": calls}}]})).choices

    assert choice.delta.tool_calls == (None if calls is None else ())


def test_a_first_call_without_function_is_taken() -> None:
    """A call may begin with its id alone."""
    (choice,) = wire.decode_chunk(event({"choices": [{"delta": {"tool_calls": [{"id": "a", "x": 1}]}}]})).choices
    (call,) = choice.delta.tool_calls or ()

    assert (call.index, call.id, call.extra) == (0, "a", {"x": 1})


@pytest.mark.parametrize("value", [b'"\xff"', b'"\xed\xa0\x80"', b"9" * 5000, b"1e999"], ids="bstn")
def test_unknown_fields_that_no_one_can_read_are_left_out(value: bytes) -> None:
    """The decoder passes over them unread; what is known of the chunk is used, and nothing foreign is raised later."""
    data = b'{"choices":[{"delta":{"content":"a","tool_calls":[{"type":"other"}]}}],"x":1,"y":' + value + b"}"
    chunk = wire.decode_chunk(data)
    response = fold([chunk])

    assert chunk.extra == chunk.choices[0].extra == response.extra == {}
    assert "'a'" in repr(chunk)
    assert wire.from_json(wire.to_json(chunk), type(chunk)) == chunk
    assert wire.to_dict(response)["choices"][0]["message"]["content"] == "a"
    assert chunk.raw == data


def test_a_chunk_keeps_the_bytes_of_its_event() -> None:
    """A gateway can send on exactly what came."""
    data = b'{ "choices" : [ ],\n "made_up": 1.50 }'

    assert wire.decode_chunk(data).raw == data


def test_a_changed_copy_has_no_bytes_but_all_unknown_fields() -> None:
    """What was changed is no longer what came; the unknown fields of all parts stay."""
    chunk = wire.decode_chunk(event(FULL))
    choice = attrs.evolve(chunk.choices[0], delta=attrs.evolve(chunk.choices[0].delta, content="b"))
    changed = attrs.evolve(chunk, choices=[choice])

    assert changed.raw is None
    assert changed.extra == chunk.extra
    assert changed.choices[0].extra == {"x": 2}
    assert changed.choices[0].delta.extra == {"x": 3}
    assert attrs.evolve(changed, id="d").extra == chunk.extra
    assert attrs.evolve(chunk.choices[1], index=2).extra == {"x": 15}


def test_copies_and_pickles_keep_unknown_fields_and_not_the_bytes() -> None:
    """A chunk may cross to another process."""
    chunk = wire.decode_chunk(event(FULL))
    for other in (pickle.loads(pickle.dumps(chunk)), copy.copy(chunk), copy.deepcopy(chunk)):
        assert other == chunk
        assert other.raw is None


def test_unknown_fields_are_not_looked_for_before_they_are_asked_for() -> None:
    """Until then a chunk, its first choice and that one's delta share one unread event."""
    chunk = wire.decode_chunk(event(FULL))

    assert unread_extra(chunk) is unread_extra(chunk.choices[0]) is unread_extra(chunk.choices[0].delta)
    assert not isinstance(unread_extra(chunk), Extra)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, CreateChatCompletionStreamResponse()),
        ({"id": None, "object": None, "created": None, "choices": None}, CreateChatCompletionStreamResponse()),
        (
            {"choices": [{"delta": None, "finish_reason": "stop"}]},
            wire.from_dict({"choices": [{"finish_reason": "stop"}]}, CreateChatCompletionStreamResponse),
        ),
        (
            {"choices": [{"x": 1}], "usage": {"prompt_tokens": None}, "model": None, "y": 2},
            wire.from_dict({"choices": [{"x": 1}], "usage": {}, "y": 2}, CreateChatCompletionStreamResponse),
        ),
    ],
)
def test_what_is_missing_or_null_is_forgiven(data: Any, expected: CreateChatCompletionStreamResponse) -> None:
    """Where a field has a default, a server may leave it out or send null."""
    chunk = wire.decode_chunk(event(data))

    assert chunk == expected
    assert chunk.raw == event(data)


def test_a_choice_without_delta_has_an_empty_one_of_its_own() -> None:
    """No chunk shares its empty delta with another."""
    first, second = (wire.decode_chunk(b'{"choices": [{"index": 0}, {"index": 1}]}') for _ in range(2))

    assert first.choices[0].delta == ChatCompletionStreamResponseDelta()
    assert first.choices[0].delta is not second.choices[0].delta
    assert first.choices[1].delta.extra == {}


def test_moderation_goes_the_long_way() -> None:
    """Its unions are the converter's; the chunk keeps its bytes all the same."""
    data = event({"moderation": {"input": {"type": "error", "code": "c", "x": 1}}, "choices": [], "y": 2})
    chunk = wire.decode_chunk(data)

    assert chunk.moderation is not None
    assert chunk.moderation.input == ChatCompletionModerationError(code="c", extra={"x": 1})
    assert chunk.extra == {"y": 2}
    assert chunk.raw == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[DONE]", "expected JSON: "),
        (b'{"choices": [', "expected JSON: "),
        (b'{"id": "\xff"}', "expected UTF-8, got other bytes"),
        (b'{"id": "\\ud800"}', "expected JSON: "),
        (b'{"x": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"created": ' + b"9" * 5000 + b"}", "expected JSON: "),
        (b"[]", "expected object, got array"),
        (b'{"choices": [{"index": "x"}]}', r"choices\[0\].index: expected int, got str"),
        (b'{"choices": [{"index": true}]}', r"choices\[0\].index: expected int, got bool"),
        (b'{"choices": [{"index": 1.0}]}', r"choices\[0\].index: expected int, got float"),
        (b'{"choices": [{"delta": {"content": 1}}]}', r"choices\[0\].delta.content: expected str or null, got int"),
        (
            b'{"choices": [{"delta": {"tool_calls": [{"function": {"arguments": {}}}]}}]}',
            r"choices\[0\].delta.tool_calls\[0\].function.arguments: expected str or null, got object",
        ),
    ],
)
def test_an_event_that_is_no_chunk_is_a_validation_error(data: bytes, message: str) -> None:
    """The same notation as for whole values, whatever the bytes."""
    with pytest.raises(ValidationError, match=f"^{message}"):
        wire.decode_chunk(data)


def test_an_integer_log_probability_stays_an_integer() -> None:
    """Numbers are not changed on the way through."""
    data = {"choices": [{"delta": {}, "logprobs": {"content": [{"token": "a", "logprob": 0}]}}]}
    (choice,) = wire.decode_chunk(event(data)).choices

    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert type(choice.logprobs.content[0].logprob) is int


PLAIN = {"id": "c", "x": 1, "choices": [{"index": 0, "x": 2, "delta": {"content": "a", "x": 3}}]}


def test_a_block_of_plain_text_is_decoded_like_its_events_one_by_one() -> None:
    """Many at once give what each gives, unknown fields at all depths among it."""
    events = [event({**PLAIN, "number": number}) for number in range(20)]
    together, answers = decode_plain(events) or ([], set())
    assert together == [wire.decode_chunk(one) for one in events]
    assert answers == {0}
    assert [chunk.raw for chunk in together] == events
    assert [dict(chunk.choices[0].delta.extra) for chunk in together] == [{"x": 3}] * 20
    assert [chunk.extra["number"] for chunk in together] == list(range(20))


@pytest.mark.parametrize(
    "odd",
    [
        b"{",
        event({"choices": []}),
        event({"choices": [{"delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}]}),
        event({"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": 1}}),
        event({"choices": [{"delta": {"tool_calls": [{"id": "i"}]}}]}),
        event({"choices": [{"delta": {"audio": {"id": "i"}}}]}),
        event({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
        event({"choices": [{"delta": {}, "logprobs": {"content": []}}]}),
    ],
)
def test_a_block_in_which_one_event_does_more_is_left_to_the_slow_way(odd: bytes) -> None:
    """What is not only text that is added is never taken by the short cut."""
    assert decode_plain([event(PLAIN), odd, event(PLAIN)]) is None


@given(chunks)
@settings(deadline=None)
def test_the_short_cut_never_differs(chunk: CreateChatCompletionStreamResponse) -> None:
    """Whatever chunk it takes, it takes as the slow way does."""
    data = wire.encode(chunk)
    together = decode_plain([data])
    assert together is None or together[0] == [wire.decode_chunk(data)]
