"""Wire values from and to JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield import wire
from jackfield.errors import ValidationError
from jackfield.models import (
    ChatCompletionLogprobs,
    ChatCompletionRequestUserMessage,
    ChatCompletionResponseMessage,
    ChatCompletionTool,
    CompletionUsage,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    FunctionObject,
    WireValue,
)
from strategies import json_values, messages, requests, responses, values, wire_classes

USER = {"role": "user", "content": "hi"}


@settings(max_examples=200)
@given(requests)
def test_a_request_survives_the_way_to_json_and_back(request_: CreateChatCompletionRequest) -> None:
    """Whatever a request holds, unknown fields and kinds included, comes back equal."""
    assert wire.from_dict(wire.to_dict(request_), CreateChatCompletionRequest) == request_
    assert wire.from_json(wire.encode(request_), CreateChatCompletionRequest) == request_


@settings(max_examples=200)
@given(responses())
def test_a_response_survives_the_way_to_json_and_back(response: CreateChatCompletionResponse) -> None:
    """Whatever a response holds comes back equal."""
    assert wire.from_dict(wire.to_dict(response), CreateChatCompletionResponse) == response
    assert wire.decode_response(wire.encode(response)) == response


@settings(max_examples=400)
@given(st.sampled_from(wire_classes()).flatmap(values))
def test_a_value_of_any_class_survives_the_way_to_json_and_back(value: WireValue) -> None:
    """Each wire class by itself comes back equal, from bytes and from text."""
    assert wire.from_json(wire.encode(value), type(value)) == value
    assert wire.from_json(wire.to_json(value), type(value)) == value


@settings(max_examples=100)
@given(st.lists(messages, max_size=3))
def test_messages_given_as_values_and_as_dicts_make_one_request(given_messages: list[Any]) -> None:
    """Dicts at any level mean what the wire values mean."""
    as_dicts = [wire.to_dict(message) for message in given_messages]

    assert wire.build_request({"model": "m", "messages": as_dicts}) == wire.build_request(
        {"model": "m", "messages": given_messages}
    )


@settings(max_examples=200)
@given(json_values)
def test_encode_writes_plain_json_that_json_reads_alike(value: Any) -> None:
    """Plain JSON with nothing of ours in it is written as the standard library reads it."""
    assert json.loads(wire.encode(value)) == value


def test_what_is_written_shares_nothing_with_the_value() -> None:
    """A dict from to_dict may be changed without changing the value."""
    schema = {"type": "object", "properties": {}}
    tool = ChatCompletionTool(function=FunctionObject(name="f", parameters=schema))
    wire.to_dict(tool)["function"]["parameters"]["properties"]["x"] = {}

    assert schema == {"type": "object", "properties": {}}


def test_unset_is_left_out_and_none_is_null() -> None:
    """A request sends what was set, null included, and its tags."""
    request = CreateChatCompletionRequest(
        model="m", messages=[ChatCompletionRequestUserMessage(content="hi")], temperature=None, n=1
    )

    assert wire.to_dict(request) == {
        "messages": [{"role": "user", "content": "hi"}],
        "model": "m",
        "n": 1,
        "temperature": None,
    }


def test_a_reply_leaves_optional_fields_out_and_writes_required_ones() -> None:
    """None of an optional field is left out; of a required nullable one it is null."""
    assert wire.to_dict(ChatCompletionResponseMessage()) == {"role": "assistant", "content": None, "refusal": None}
    assert wire.to_dict(ChatCompletionLogprobs()) == {"content": None, "refusal": None}
    assert wire.to_dict(CompletionUsage()) == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def test_a_known_field_wins_over_one_of_its_name_in_extra() -> None:
    """What a class has a field for is never overwritten by what was given as unknown."""
    assert wire.to_dict(CompletionUsage(prompt_tokens=1, extra={"prompt_tokens": 2, "x": 3}))["prompt_tokens"] == 1


def test_encode_is_compact_utf8() -> None:
    """No spaces, no escapes where none are needed."""
    assert wire.encode({"a": ["é", 1]}) == '{"a":["é",1]}'.encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "expected JSON: "),
        (b'{"choices": [', "expected JSON: "),
        (b"<html>", "expected JSON: "),
        (b"NaN", "expected JSON: "),
        (b'{"id": "\\ud800", "choices": []}', "expected JSON: "),
        (b'{"id": "\xff", "choices": []}', "expected UTF-8, got other bytes"),
        ("\ud800", "expected UTF-8, got other bytes"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"created": ' + b"9" * 5000 + b', "choices": []}', "expected JSON: "),
        (b'{"created": 1e999, "choices": []}', "expected JSON: "),
    ],
)
def test_text_that_is_no_json_is_a_validation_error(text: bytes | str, message: str) -> None:
    """Whatever bytes come, the error is ours, and tells what was wrong."""
    with pytest.raises(ValidationError, match=f"^{message}"):
        wire.from_json(text, CreateChatCompletionResponse)


def test_huge_integers_are_read_exactly() -> None:
    """An integer beyond 64 bits is neither refused nor rounded."""
    response = wire.decode_response(b'{"choices": [], "created": 123456789012345678901234567890}')

    assert response.created == 123456789012345678901234567890


@pytest.mark.parametrize(
    ("name", "hint"),
    [("temprature", "; did you mean 'temperature'?"), ("zzzzzz", ""), ("message", "; did you mean 'messages'?")],
)
def test_an_unknown_keyword_is_a_type_error_with_a_hint(name: str, hint: str) -> None:
    """As with any Python function; the nearest name is offered."""
    with pytest.raises(TypeError) as caught:
        wire.build_request({"model": "m", "messages": [], name: 1})

    assert str(caught.value) == f"create_chat_completion() got an unexpected keyword argument {name!r}{hint}"


def test_a_request_is_built_from_any_mapping() -> None:
    """Keyword arguments may come in any mapping."""
    fields: Mapping[str, Any] = MappingProxyType({"model": "m", "messages": [USER], "stream": True})

    assert wire.build_request(fields) == CreateChatCompletionRequest(
        model="m", messages=[ChatCompletionRequestUserMessage(content="hi")], stream=True
    )


def test_a_request_without_model_or_messages_tells_both() -> None:
    """What is required and missing is listed as any other fault."""
    with pytest.raises(ValidationError) as caught:
        wire.build_request({})

    assert str(caught.value).splitlines() == [
        "messages: expected array, got nothing",
        "model: expected str, got nothing",
    ]


def test_a_wire_value_passes_from_dict_as_it_is() -> None:
    """What has the type already is not made again."""
    usage = CompletionUsage(prompt_tokens=1)

    assert wire.from_dict(usage, CompletionUsage) is usage


def test_a_chunk_is_made_from_a_dict() -> None:
    """Providers that have no bytes make chunks of dicts."""
    chunk = wire.from_dict(
        {"choices": [{"delta": {"content": "x"}}], "moderation": {"input": {"type": "error", "code": "c"}}},
        CreateChatCompletionStreamResponse,
    )

    assert chunk.choices[0].delta.content == "x"
    assert chunk.raw is None
    assert wire.to_dict(chunk)["moderation"] == {"input": {"type": "error", "code": "c", "message": ""}}


def test_the_door_has_no_other_names() -> None:
    """A misspelt function is an AttributeError."""
    name = "decode_chunks"
    with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
        getattr(wire, name)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [("", {}), (" \n", {}), ('{"a": 1}', {"a": 1}), ("[1]", {"invalid_json": "[1]"}), ('{"a": ', {"invalid_json": '{"a": '}), ("[" * 5000, {"invalid_json": "[" * 5000})],
    ids=["none", "blank", "object", "array", "cut", "deep"],
)  # fmt: skip
def test_arguments_of_a_call_are_an_object(text: str, arguments: dict[str, Any]) -> None:
    """Whatever a model wrote, nothing of it is lost."""
    assert wire.call_arguments(text) == arguments


@pytest.mark.parametrize(
    ("audio", "words"),
    [({"id": "a", "transcript": "Hi."}, "Hi."), ({"id": "a"}, ""), ({"transcript": None}, ""), ({"transcript": 1}, "")],
)
def test_the_words_of_a_spoken_answer_are_its_transcript(audio: dict[str, Any], words: str) -> None:
    """Empty where the host kept none, or something else."""
    assert wire.spoken(audio) == words
