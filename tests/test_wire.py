"""Wire values from and to JSON."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import json_values, messages, requests, responses, values, wire_classes

from jackfield import wire
from jackfield.errors import ValidationError
from jackfield.models import (
    UNSET,
    ChatCompletionLogprobs,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    ChatCompletionNamedToolChoice,
    ChatCompletionRequestMessageContentPartImage,
    ChatCompletionRequestSystemMessage,
    ChatCompletionRequestToolMessage,
    ChatCompletionRequestUserMessage,
    ChatCompletionResponseMessage,
    ChatCompletionTool,
    CompletionUsage,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    FunctionObject,
    ImageURL,
    ModelList,
    ToolName,
    UnknownContentPart,
    UnknownMessage,
    UnknownResponseFormat,
    UnknownTool,
    UnknownToolCall,
    UnknownToolChoice,
    WireValue,
)

USER = {"role": "user", "content": "hi"}


def faults(data: Any, cls: type[Any]) -> list[str]:
    """The lines of the error that a value of the wrong shape raises."""
    with pytest.raises(ValidationError) as caught:
        wire.from_dict(data, cls)
    return str(caught.value).splitlines()


# -- round trips -------------------------------------------------------------------------------------------------------


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


# -- unknown kinds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"messages": [{"role": "critic", "content": "x", "y": 1}]},
            {"messages": (UnknownMessage(role="critic", extra={"content": "x", "y": 1}),)},
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "video", "video": {"u": 1}}]}]},
            {
                "messages": (
                    ChatCompletionRequestUserMessage(
                        content=[UnknownContentPart(type="video", extra={"video": {"u": 1}})]
                    ),
                )
            },
        ),
        (
            {"messages": [], "tools": [{"type": "search", "depth": 2}]},
            {"tools": (UnknownTool(type="search", extra={"depth": 2}),)},
        ),
        (
            {"messages": [], "tool_choice": {"type": "search", "depth": 2}},
            {"tool_choice": UnknownToolChoice(type="search", extra={"depth": 2})},
        ),
        ({"messages": [], "tool_choice": "sometimes"}, {"tool_choice": "sometimes"}),
        (
            {"messages": [], "response_format": {"type": "yaml", "indent": 2}},
            {"response_format": UnknownResponseFormat(type="yaml", extra={"indent": 2})},
        ),
        ({"messages": [], "reasoning_effort": "utmost"}, {"reasoning_effort": "utmost"}),
    ],
)
def test_unknown_kinds_and_values_are_kept(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """Roles, parts, tools, choices, formats and enumerated values that are not known are kept and written again."""
    request = wire.build_request({"model": "m", **fields})

    assert {name: getattr(request, name) for name in expected} == expected
    assert wire.to_dict(request) == {"model": "m", **fields}


def test_a_part_that_is_not_known_in_its_place_is_kept() -> None:
    """An image in a tool's message, which the schema does not list there, goes over the wire as it is."""
    image = {"type": "image_url", "image_url": {"url": "data:x"}}
    message = {"role": "tool", "tool_call_id": "c", "content": [image]}
    from_dicts = wire.from_dict(message, ChatCompletionRequestToolMessage)
    from_values = wire.from_dict(
        {**message, "content": [ChatCompletionRequestMessageContentPartImage(image_url=ImageURL(url="data:x"))]},
        ChatCompletionRequestToolMessage,
    )

    assert wire.to_dict(from_dicts) == wire.to_dict(from_values) == message


@pytest.mark.parametrize("tag", [{}, {"type": None}])
def test_a_tool_call_without_type_is_known_by_its_key(tag: dict[str, Any]) -> None:
    """Servers that leave the type of a call out are understood."""
    message = wire.from_dict(
        {
            "tool_calls": [
                {"id": "a", "function": {"name": "f", "arguments": "{}"}, **tag},
                {"id": "b", "custom": {"name": "g", "input": "x"}, **tag},
            ]
        },
        ChatCompletionResponseMessage,
    )

    assert [type(call) for call in message.tool_calls or ()] == [
        ChatCompletionMessageToolCall,
        ChatCompletionMessageCustomToolCall,
    ]


def test_a_tool_call_of_unknown_type_keeps_all_its_fields() -> None:
    """A call that is neither a function nor a custom tool is an UnknownToolCall."""
    message = wire.from_dict({"tool_calls": [{"id": "a", "type": "mcp", "server": "s"}]}, ChatCompletionResponseMessage)

    assert message.tool_calls == (UnknownToolCall(type="mcp", extra={"id": "a", "server": "s"}),)


def test_wire_values_are_taken_at_any_level() -> None:
    """A dict may hold wire values, and a wire value of another class with the same tag is left to the server."""
    request = wire.build_request(
        {
            "model": "m",
            "messages": (ChatCompletionRequestSystemMessage(content="x"), USER),
            "tool_choice": ChatCompletionNamedToolChoice(function=ToolName(name="f")),
            "tools": [{"type": "function", "function": FunctionObject(name="f")}],
        }
    )

    assert request.messages[0] == ChatCompletionRequestSystemMessage(content="x")
    assert request.tools == (ChatCompletionTool(function=FunctionObject(name="f")),)


# -- scalars -----------------------------------------------------------------------------------------------------------


class Role(str, enum.Enum):
    """An enumeration that is text."""

    USER = "user"


class Count(enum.IntEnum):
    """An enumeration that is a number."""

    TWO = 2


class Celsius(float):
    """A float with a meaning."""


@pytest.mark.parametrize(
    ("field", "value", "got"),
    [
        ("n", True, "bool"),
        ("n", 1.0, "float"),
        ("n", 1.9, "float"),
        ("n", "1", "str"),
        ("temperature", "1", "str"),
        ("temperature", False, "bool"),
        ("user", None, "null"),
        ("user", 1, "int"),
        ("user", b"x", "bytes"),
        ("store", 1, "int"),
        ("store", "true", "str"),
        ("seed", 1.5, "float"),
        ("seed", [1], "array"),
        ("seed", {"a": 1}, "object"),
        ("parallel_tool_calls", 0, "int"),
    ],
)
def test_a_scalar_is_never_made_of_another_type(field: str, value: Any, got: str) -> None:
    """No number becomes text, no text a number, no truth value a number, and null is not 'None'."""
    with pytest.raises(ValidationError, match=rf"^{field}: expected .*, got {got}$"):
        wire.build_request({"model": "m", "messages": [], field: value})


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("temperature", 1, 1),
        ("temperature", 0.5, 0.5),
        ("temperature", Celsius(0.5), 0.5),
        ("temperature", Count.TWO, 2),
        ("n", Count.TWO, 2),
        ("n", 2**70, 2**70),
        ("user", Role.USER, "user"),
        ("store", False, False),
        ("metadata", MappingProxyType({"a": "b"}), {"a": "b"}),
        ("stop", ["a", "b"], ("a", "b")),
        ("stop", ("a", "b"), ("a", "b")),
        ("stop", "a", "a"),
        ("temperature", UNSET, UNSET),
    ],
)
def test_a_scalar_is_kept_as_it_is(field: str, value: Any, kept: Any) -> None:
    """An int stays an int where a float is expected; subclasses are taken as what they are."""
    result = getattr(wire.build_request({"model": "m", "messages": [], field: value}), field)

    assert result == kept
    assert type(result) is type(kept)


def test_a_role_may_be_an_enumeration() -> None:
    """The tag of a message may be a subclass of str."""
    (message,) = wire.structure_messages([{"role": Role.USER, "content": "hi"}])

    assert wire.to_dict(message) == USER


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "cls", "expected"),
    [
        (
            {"choices": [{"message": {"content": 1}}]},
            CreateChatCompletionResponse,
            ["choices[0].message.content: expected str or null, got int"],
        ),
        ({}, CreateChatCompletionResponse, ["choices: expected array, got nothing"]),
        ([], CreateChatCompletionResponse, ["expected object, got array"]),
        (None, CreateChatCompletionResponse, ["expected object, got null"]),
        (
            {"messages": "x", "model": 1, "tools": None, "logit_bias": {"1": "x"}},
            CreateChatCompletionRequest,
            [
                "messages: expected array, got str",
                "model: expected str, got int",
                "tools: expected array, got null",
                "logit_bias.1: expected int, got str",
            ],
        ),
        (
            {"messages": [1, {"content": 1}, {"role": "user"}, {"role": 3}, CompletionUsage()], "model": "m"},
            CreateChatCompletionRequest,
            [
                "messages[0]: expected object, got int",
                "messages[1].role: expected str, got nothing",
                "messages[2].content: expected str or array, got nothing",
                "messages[3].role: expected str, got int",
                "messages[4]: expected object with role, got CompletionUsage",
            ],
        ),
        (
            {"messages": [], "model": "m", "audio": {"voice": 1}, "metadata": {1: "x"}, "stop": [1, "a", None]},
            CreateChatCompletionRequest,
            [
                "audio.voice: expected str or object, got int",
                "audio.format: expected str, got nothing",
                "metadata: expected str for each key, got int",
                "stop[0]: expected str, got int",
                "stop[2]: expected str, got null",
            ],
        ),
        (
            {"messages": [], "model": "m", "tools": [{"type": "function", "function": ToolName(name="x")}]},
            CreateChatCompletionRequest,
            ["tools[0].function: expected object, got ToolName"],
        ),
        ({"messages": [], "model": "m", "tools": [{}]}, CreateChatCompletionRequest, [
            "tools[0].type: expected str, got nothing",
        ]),
        ({"type": "custom", "function": {"name": "f"}}, ChatCompletionTool, [
            "type: expected 'function', got str",
        ]),
        ({"data": {"id": "x"}}, ModelList, ["data: expected array, got object"]),
        ({"metadata": {"a b": 1, "c\nd": 2}, "choices": []}, CreateChatCompletionResponse, [
            'metadata["a b"]: expected str, got int',
            'metadata["c\\nd"]: expected str, got int',
        ]),
        ([{"id": "x"}, {"id": 2}], list[CompletionUsage], []),
    ],
)
def test_an_error_lists_every_fault_with_its_path(data: Any, cls: type[Any], expected: list[str]) -> None:
    """One line for each fault: where it is, what was expected, and the type that was found."""
    if not expected:
        assert wire.from_dict(data, cls) == [CompletionUsage(extra=item) for item in data]
    else:
        assert faults(data, cls) == expected


def test_a_value_is_never_shown() -> None:
    """What is wrong may be a secret, so only its type is told."""
    secret = "sk-not-to-be-seen"
    lines = faults({"messages": secret, "model": [secret], "n": secret, "tools": [secret]}, CreateChatCompletionRequest)

    assert len(lines) == 4
    assert secret not in "".join(lines)


def test_of_very_many_faults_the_first_are_listed() -> None:
    """A hostile reply cannot make an error of any size."""
    lines = faults({"choices": [1] * 1000}, CreateChatCompletionResponse)

    assert len(lines) == 51
    assert lines[-1] == "and more"
    assert len("".join(faults({"choices": [], "metadata": {"k" * 9999: 1}}, CreateChatCompletionResponse))) < 120


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


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda number: wire.build_request({"model": "m", "messages": [], "temperature": number}), "temperature"),
        (
            lambda number: ChatCompletionTool(function=FunctionObject(name="f", parameters={"max imum": [1, number]})),
            'function.parameters["max imum"][1]',
        ),
        (lambda number: CompletionUsage(extra={"x": {"y": number}}), "x.y"),
        (lambda number: [number], "[0]"),
    ],
)
def test_nan_and_infinity_are_not_written(number: float, make: Any, path: str) -> None:
    """JSON has no such numbers; they are refused with their path, wherever they are."""
    with pytest.raises(ValidationError) as caught:
        wire.encode(make(number))

    assert str(caught.value) == f"{path}: expected a finite number, got NaN or infinity"


def test_null_alone_is_no_reason_to_refuse() -> None:
    """A value with nulls and the word null in it is written."""
    assert wire.encode({"a": None, "b": "null"}) == b'{"a":null,"b":"null"}'


def test_half_a_surrogate_pair_is_not_written() -> None:
    """Text that UTF-8 has no form for is refused with its path."""
    with pytest.raises(ValidationError) as caught:
        wire.encode(wire.build_request({"model": "m", "messages": [{"role": "user", "content": "\ud800"}]}))

    assert str(caught.value) == "messages[0].content: expected text, got half of a surrogate pair in it"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {1, 2}}, "a: expected a JSON value, got set"),
        ({"a": [b"x"]}, "a[0]: expected a JSON value, got bytes"),
        ({"a": {1: 2}}, "a: expected str for each key, got int"),
        (UNSET, "expected a JSON value, got nothing"),
        (CompletionUsage(extra={"x": object}), "x: expected a JSON value, got type"),
    ],
)
def test_what_is_no_json_is_not_written(value: Any, message: str) -> None:
    """Other types are refused with their path, by to_dict too."""
    for write in (wire.encode, wire.to_dict):
        with pytest.raises(ValidationError) as caught:
            write(value)

        assert str(caught.value) == message


def test_subclasses_of_json_types_are_written_as_what_they_are() -> None:
    """Mappings, tuples and enumerations have a plain form."""
    plain = wire.to_dict(
        CompletionUsage(
            extra={
                "x": MappingProxyType({"a": (Role.USER, Count.TWO, Celsius(0.5))}),
                "y": type("Names", (list,), {})(["b"]),
            }
        )
    )

    assert plain["x"] == {"a": ["user", 2, 0.5]}
    assert plain["y"] == ["b"]
    assert [type(item) for item in plain["x"]["a"]] == [str, int, float]


def nested(depth: int, leaf: Any) -> Any:
    """Lists in lists."""
    for _ in range(depth):
        leaf = [leaf]
    return leaf


@pytest.mark.parametrize("leaf", [1, {1}])
def test_a_value_that_is_nested_too_deeply_is_refused(leaf: Any) -> None:
    """Neither a deep value nor one that contains itself ends in a RecursionError."""
    circle: list[Any] = []
    circle.append(circle)
    for value in (nested(100_000, leaf), circle):
        with pytest.raises(ValidationError, match="nested too deeply"):
            wire.encode(value)


# -- requests of a host ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hint"),
    [("temprature", "; did you mean 'temperature'?"), ("top_k_p_q", ""), ("message", "; did you mean 'messages'?")],
)
def test_an_unknown_keyword_is_a_type_error_with_a_hint(name: str, hint: str) -> None:
    """As with any Python function; the nearest name is offered."""
    with pytest.raises(TypeError) as caught:
        wire.build_request({"model": "m", "messages": [], name: 1})

    expected = f"create_chat_completion() got an unexpected keyword argument {name!r}"
    assert str(caught.value).startswith(expected)
    if name != "top_k_p_q":
        assert str(caught.value) == expected + hint


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
    with pytest.raises(AttributeError, match="no attribute 'decode_chunks'"):
        wire.decode_chunks  # noqa: B018 - to look it up is the point
