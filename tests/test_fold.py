"""Chunks to a response, and a response to chunks."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import threading
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield import wire
from jackfield.fold import Folder, fold
from jackfield.models import (
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    ChatCompletionResponseMessage,
    CompletionUsage,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    CustomCall,
    FunctionCall,
    UnknownToolCall,
)
from strategies import chunks


def chunk(**fields: Any) -> CreateChatCompletionStreamResponse:
    """A chunk that came as an event."""
    return wire.decode_chunk(json.dumps(fields).encode())


def delta(index: int = 0, **fields: Any) -> CreateChatCompletionStreamResponse:
    """A chunk with one delta."""
    return chunk(id="c", choices=[{"index": index, "delta": fields}])


def calls(*pieces: dict[str, Any]) -> Any:
    """The tool calls that pieces, each in a chunk of its own, tell."""
    (choice,) = fold([delta(tool_calls=[piece]) for piece in pieces]).choices
    return choice.message.tool_calls


def function(name: str, arguments: str, id: str = "") -> ChatCompletionMessageToolCall:  # noqa: A002 - the wire's name
    """A call of a function."""
    return ChatCompletionMessageToolCall(id=id, function=FunctionCall(name=name, arguments=arguments))


# -- properties --------------------------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(st.lists(chunks, max_size=4))
def test_fold_does_not_depend_on_where_chunks_come_from(pieces: list[CreateChatCompletionStreamResponse]) -> None:
    """Chunks made by hand and chunks decoded from bytes tell the same response."""
    assert fold([wire.decode_chunk(wire.encode(piece)) for piece in pieces]) == fold(pieces)


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Calls as (id, arguments), and their pieces in an order that keeps that of each call."""
    arguments = draw(st.lists(st.lists(st.text(max_size=3), min_size=1, max_size=4), min_size=1, max_size=4))
    order = draw(st.permutations([call for call, texts in enumerate(arguments) for _ in texts]))
    shared = draw(st.booleans())
    left = [list(texts) for texts in arguments]
    pieces = []
    for call in order:
        piece = {"index": 0 if shared else call, "function": {"arguments": left[call].pop(0)}}
        first = len(left[call]) == len(arguments[call]) - 1
        if first or shared:
            piece["id"] = f"id{call}"
        if first:
            piece["function"]["name"] = f"f{call}"  # type: ignore[index]  # a dict of mixed values
        pieces.append(piece)
    begun = list(dict.fromkeys(order)) if shared else range(len(arguments))
    return [(f"id{call}", "".join(arguments[call])) for call in begun], pieces


@settings(max_examples=200)
@given(interleaved())
def test_interleaved_calls_are_told_apart(case: tuple[list[tuple[str, str]], list[dict[str, Any]]]) -> None:
    """By index where calls have one each, and by id where all share index 0."""
    expected, pieces = case
    found = calls(*pieces)

    assert [(call.id, call.function.arguments) for call in found] == expected
    assert [call.function.name for call in found] == [id.replace("id", "f") for id, _ in expected]  # noqa: A001 - the name on the wire


@settings(max_examples=100)
@given(st.lists(st.none() | st.text(max_size=3), max_size=6))
def test_text_is_joined(texts: list[str | None]) -> None:
    """Content is all its pieces in order; None where none came, empty where only empty ones came."""
    names = ("content", "refusal", "reasoning_content", "reasoning")
    response = fold([delta(**dict.fromkeys(names, text)) for text in texts] or [delta()])
    pieces = [text for text in texts if text is not None]
    message = response.choices[0].message

    assert {getattr(message, name) for name in names} == {"".join(pieces) if pieces else None}


# -- rules -------------------------------------------------------------------------------------------------------------


def test_no_chunks_are_an_empty_response() -> None:
    """Nothing came, so nothing is told."""
    assert fold([]) == CreateChatCompletionResponse(choices=[])


def test_of_id_created_and_model_the_first_that_is_there_stands() -> None:
    """Some servers begin with an empty chunk."""
    response = fold([chunk(id="", created=0, model=""), chunk(id="a", created=1, model="m"), chunk(id="b", created=2)])

    assert (response.id, response.created, response.model) == ("a", 1, "m")


def test_of_everything_else_the_last_stands() -> None:
    """Usage, tier, fingerprint, metadata, moderation and finish_reason are those told last."""
    response = fold(
        [
            chunk(usage={"total_tokens": 1}, service_tier="a", system_fingerprint="a", metadata={"a": "a"}),
            chunk(usage={"total_tokens": 2}, service_tier="b", system_fingerprint="b", metadata={"b": "b"}),
            chunk(moderation={"input": {"type": "error", "code": "c"}}),
            chunk(choices=[{"finish_reason": "length", "delta": {"role": "a"}}]),
            chunk(choices=[{"finish_reason": "stop", "delta": {"role": "b"}}]),
            chunk(choices=[{"delta": {}}], usage=None),
        ]
    )

    assert response.usage == CompletionUsage(total_tokens=2)
    assert (response.service_tier, response.system_fingerprint, response.metadata) == ("b", "b", {"b": "b"})
    assert response.moderation is not None
    assert response.choices[0].finish_reason == "stop"
    assert response.choices[0].message.role == "b"


def test_choices_stand_by_index() -> None:
    """The pieces of several answers may come in any order."""
    response = fold([delta(1, content="b"), delta(0, content="a"), delta(1, content="B")])

    assert [(choice.index, choice.message.content) for choice in response.choices] == [(0, "a"), (1, "bB")]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (
            [
                {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "function": {"arguments": "}"}},
            ],
            [function("f", "{}", "a")],
        ),
        (  # every call with index 0, whole
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
                {"index": 0, "id": "b", "function": {"name": "g", "arguments": "[]"}},
            ],
            [function("f", "{}", "a"), function("g", "[]", "b")],
        ),
        (  # no index at all
            [{"id": "a", "function": {"name": "f"}}, {"id": "b", "function": {"name": "g"}}],
            [function("f", "", "a"), function("g", "", "b")],
        ),
        (  # the id comes later, and again
            [
                {"index": 0, "function": {"name": "f", "arguments": "1"}},
                {"index": 0, "id": "a", "function": {"arguments": "2"}},
                {"index": 0, "id": "", "function": {"arguments": "3"}},
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "4"}},
            ],
            [function("f", "1234", "a")],
        ),
        (  # back to a call that another one under the index had followed
            [
                {"index": 0, "id": "a", "function": {"arguments": "1"}},
                {"index": 0, "id": "b", "function": {"arguments": "2"}},
                {"index": 0, "id": "a", "function": {"arguments": "3"}},
                {"index": 0, "function": {"arguments": "4"}},
            ],
            [function("", "134", "a"), function("", "2", "b")],
        ),
        (  # one id under two indices is two calls
            [{"index": 1, "id": "a", "function": {"name": "g"}}, {"index": 0, "id": "a", "function": {"name": "f"}}],
            [function("f", "", "a"), function("g", "", "a")],
        ),
        ([{"index": 0, "id": "a"}], [function("", "", "a")]),
        (
            [
                {"index": 0, "id": "a", "custom": {"name": "c", "input": "x"}},
                {"index": 0, "custom": {"input": "y"}},
                {"index": 0, "custom": {"name": "c"}},
            ],
            [ChatCompletionMessageCustomToolCall(id="a", custom=CustomCall(name="c", input="xy"))],
        ),
        (
            [{"index": 0, "id": "a", "type": "custom"}],
            [ChatCompletionMessageCustomToolCall(id="a", custom=CustomCall(name=""))],
        ),
        (
            [{"index": 0, "id": "a", "type": "mcp", "function": {"name": "f"}, "custom": {"name": "c"}, "x": 1}],
            [
                UnknownToolCall(
                    type="mcp",
                    extra={
                        "id": "a",
                        "function": {"name": "f", "arguments": ""},
                        "custom": {"name": "c", "input": ""},
                        "x": 1,
                    },
                )
            ],
        ),
        ([{"index": 0, "type": "mcp"}], [UnknownToolCall(type="mcp")]),
    ],
)
def test_pieces_of_tool_calls_are_joined(pieces: list[dict[str, Any]], expected: list[Any]) -> None:
    """By index, and under one index by id; each kind of call keeps what it has."""
    assert calls(*pieces) == tuple(expected)


def test_an_empty_list_of_calls_is_not_none() -> None:
    """A server that says that there are no calls is quoted."""
    assert fold([delta(tool_calls=[])]).choices[0].message.tool_calls == ()
    assert fold([delta()]).choices[0].message.tool_calls is None


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["YWI=", "Yw==", "ZA=="], "YWJjZA=="),
        (["YWJj", "ZGVm", "Zw=="], "YWJjZGVmZw=="),
        (["no base64=", "a"], "no base64=a"),
    ],
)
def test_pieces_of_sound_are_one_sound(pieces: list[str], whole: str) -> None:
    """Each may be padded by itself; what is no base64 is told as it came."""
    response = fold([delta(audio={"data": piece}) for piece in pieces])

    audio = response.choices[0].message.audio
    assert audio is not None
    assert audio.data == whole


def test_other_things_that_come_in_pieces_are_joined() -> None:
    """The deprecated function call, sound, annotations and log probabilities."""
    token = {"token": "a", "logprob": -1}
    response = fold(
        [
            delta(function_call={"name": "f"}, audio={"id": "s", "data": "AA", "expires_at": 1}),
            delta(function_call={"arguments": "{"}, audio={"transcript": "a"}, annotations=[{"type": "x"}]),
            delta(
                function_call={"arguments": "}"}, audio={"data": "BB", "transcript": "b"}, annotations=[{"type": "y"}]
            ),
            chunk(choices=[{"delta": {}, "logprobs": {"content": [token], "refusal": None}}]),
            chunk(choices=[{"delta": {}, "logprobs": {"content": None, "refusal": None}}]),
            chunk(choices=[{"delta": {}, "logprobs": {"content": [token], "refusal": [token]}}]),
        ]
    )
    (choice,) = response.choices

    assert choice.message.function_call == FunctionCall(name="f", arguments="{}")
    assert wire.to_dict(choice.message)["audio"] == {"id": "s", "expires_at": 1, "data": "AABB", "transcript": "ab"}
    assert [note.type for note in choice.message.annotations or ()] == ["x", "y"]
    assert choice.logprobs is not None
    assert len(choice.logprobs.content or ()) == 2
    assert len(choice.logprobs.refusal or ()) == 1


def test_unknown_fields_survive_and_the_last_of_a_name_stands() -> None:
    """Of chunks, choices, deltas, tool calls and functions."""

    def piece(number: int) -> CreateChatCompletionStreamResponse:
        call = {"index": 0, "signature": number, "function": {"note": number}}
        return chunk(
            provider=number,
            choices=[{"native_reason": number, "delta": {"tool_calls": [call], "mood": number, f"only{number}": True}}],
        )

    response = fold([piece(1), piece(2), chunk(timings={"n": 3})])
    (choice,) = response.choices
    message = choice.message
    assert message.tool_calls is not None
    call = message.tool_calls[0]
    assert isinstance(call, ChatCompletionMessageToolCall)

    assert response.extra == {"provider": 2, "timings": {"n": 3}}
    assert choice.extra == {"native_reason": 2}
    assert message.extra == {"mood": 2, "only1": True, "only2": True}
    assert call.extra == {"signature": 2}
    assert call.function.extra == {"note": 2}
    assert response.extra == {"provider": 2, "timings": {"n": 3}}  # read once, there again


def details(*pieces: Any) -> Any:
    """What is made of ``reasoning_details``, told in so many deltas."""
    response = fold([chunk(choices=[{"delta": {"reasoning_details": piece}}]) for piece in pieces])
    return response.choices[0].message.extra["reasoning_details"]


def test_lists_of_deltas_grow_and_their_objects_are_joined_by_index() -> None:
    """Thoughts that come in pieces are given back as they came: their signature is of the whole text."""
    text, summary = {"type": "reasoning.text", "index": 0}, {"type": "reasoning.summary", "index": 0}
    assert details(
        [text | {"text": "be", "format": "f", "signature": None}],
        [text | {"text": "cause", "format": "f"}, summary | {"summary": "s"}],
        [text | {"signature": "sig", "text": None}, summary | {"summary": "um"}],
        None,
    ) == [text | {"text": "because", "format": "f", "signature": "sig"}, summary | {"summary": "sum"}]


def test_what_is_told_first_without_a_text_has_it_in_the_end() -> None:
    """Whichever member comes first."""
    assert details([{"index": 1, "id": "a"}], [{"index": 1, "text": "x"}]) == [{"index": 1, "id": "a", "text": "x"}]


def test_objects_of_a_list_with_other_ids_are_others() -> None:
    """Some servers count from 0 with each of them; pieces without an id belong to the latest."""
    assert details(
        [{"index": 0, "id": "a", "text": "x"}], [{"index": 0, "id": "b", "text": "y"}], [{"index": 0, "text": "z"}]
    ) == [
        {"index": 0, "id": "a", "text": "x"},
        {"index": 0, "id": "b", "text": "yz"},
    ]


def test_what_has_no_index_is_added_to_its_list() -> None:
    """Pictures, say; whatever else a list holds is kept."""
    assert details([{"url": "1"}], [{"url": "2"}, "s", None, {"index": "0"}], [{"url": "2"}]) == [
        {"url": "1"},
        {"url": "2"},
        "s",
        None,
        {"index": "0"},
        {"url": "2"},
    ]


def test_a_name_that_ends_as_another_type_is_what_it_was_last() -> None:
    """Only lists grow."""
    assert details([1], "x") == "x"
    assert details("x", [1], [2]) == [1, 2]
    assert details("x", None) is None
    assert details([{"index": 0, "text": ["a"]}], [{"index": 0, "text": "b"}]) == [{"index": 0, "text": "b"}]


def test_unknown_lists_outside_of_deltas_are_told_anew() -> None:
    """Services that search repeat the sources in each chunk."""
    response = fold([chunk(citations=["a"], choices=[{"x": [1]}]), chunk(citations=["a", "b"], choices=[{"x": [2]}])])
    assert response.extra == {"citations": ["a", "b"]}
    assert response.choices[0].extra == {"x": [2]}


def test_what_a_response_has_a_field_for_is_not_unknown_to_it() -> None:
    """A server that sends the whole message with each chunk does not smuggle it in."""
    response = fold([chunk(choices=[{"delta": {"content": "a"}, "message": {"content": "z"}, "x": 1}])])

    assert response.choices[0].extra == {"x": 1}
    assert response.choices[0].message == ChatCompletionResponseMessage(content="a")


def test_chunks_that_a_layer_changed_count_as_changed() -> None:
    """What the host was given is what is folded."""
    piece = delta(content="secret", x=1)
    choice = piece.choices[0]
    masked = attrs.evolve(piece, choices=[attrs.evolve(choice, delta=attrs.evolve(choice.delta, content="***"))])

    message = fold([masked]).choices[0].message

    assert message == ChatCompletionResponseMessage(content="***", extra={"x": 1})


def folder_of(parts: list[CreateChatCompletionStreamResponse]) -> Folder:
    """A folder that was given these chunks."""
    folder = Folder()
    folder.extend(parts)
    return folder


RAW = [
    b'{"id":"c","created":1,"model":"m","x":1,"choices":[{"index":0,"delta":{"content":"a","y":2}}]}',
    b'{"id":"c","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}',
    b'{"id":"c","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1}}',
]


def test_a_folder_gives_what_fold_gives() -> None:
    """From chunks that came over the wire, from made ones, and from both."""
    parts = [wire.decode_chunk(raw) for raw in RAW]
    mixed = [parts[0], attrs.evolve(parts[1], model="changed"), parts[2]]
    assert folder_of(parts).whole() == fold(parts)
    assert fold(parts) == folder_of(parts).whole()
    assert folder_of(mixed).whole() == fold(mixed)
    assert folder_of([]).empty
    assert not folder_of(parts).empty


def test_a_folded_response_is_an_ordinary_one_to_whoever_looks() -> None:
    """Its class, its copies and pickles are those of any response."""
    parts = [wire.decode_chunk(raw) for raw in RAW]
    response = folder_of(parts).whole()
    assert isinstance(response, CreateChatCompletionResponse)
    assert response.__class__ is CreateChatCompletionResponse
    for other in (copy.copy(folder_of(parts).whole()), pickle.loads(pickle.dumps(folder_of(parts).whole()))):
        assert type(other) is CreateChatCompletionResponse
        assert other == fold(parts)
    assert wire.to_dict(folder_of(parts).whole()) == wire.to_dict(fold(parts))
    assert response.extra == {"x": 1}


def test_a_stream_is_not_decoded_again_until_its_response_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its usage and its class can be had for nothing; the first look at a choice folds it, once."""
    decoded: list[bytes] = []
    response = folder_of([wire.decode_chunk(raw) for raw in RAW]).whole()
    monkeypatch.setattr(
        sys.modules["jackfield.fold"], "decode_chunk", lambda raw: decoded.append(raw) or wire.decode_chunk(raw)
    )
    assert isinstance(response, CreateChatCompletionResponse)
    assert not isinstance(response, str)
    assert response.usage is not None
    assert response.call is None
    assert decoded == []
    assert response.choices[0].message.content == "ab"
    assert response.choices[0].finish_reason == "stop"
    assert decoded == RAW


def test_two_threads_that_look_into_a_response_see_the_same() -> None:
    """Whoever comes second finds it folded, or folds the same."""
    for _ in range(50):
        response = folder_of([wire.decode_chunk(raw) for raw in RAW]).whole()
        seen: list[str | None] = []
        threads = [
            threading.Thread(target=lambda r=response, s=seen: s.append(r.choices[0].message.content)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == ["ab"] * 4


def test_a_look_that_comes_too_late_finds_the_response_folded() -> None:
    """As where another thread was faster."""
    response = fold([wire.decode_chunk(raw) for raw in RAW])
    look = sys.modules["jackfield.fold"]._Unread.__getattribute__
    assert look(response, "id") == "c"
