"""JSON answers by a tool, for what knows no ``output_config``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.errors import UnsupportedParameterError
from jackfield.fold import fold
from jackfield_anthropic.response import decode

BY_TOOL = {"json_by": "tool"}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
TOOLS = [{"type": "function", "function": {"name": "f"}}]
NAME = "jackfield_answer"
MADE = {"type": "tool", "name": NAME, "disable_parallel_tool_use": True}


def form(schema: Any, **besides: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **besides}}


@pytest.mark.parametrize(
    ("response_format", "schema"),
    [
        (form(SCHEMA), SCHEMA),
        (form({"properties": {}}), {"type": "object", "properties": {}}),
        ({"type": "json_object"}, {"type": "object"}),
    ],
)
def test_the_form_is_that_of_a_tool_that_has_to_be_called(sent, response_format, schema):
    """Any keyword is taken, and any JSON object."""
    body = sent(BY_TOOL, response_format=response_format)

    (tool,) = body["tools"]
    assert (tool["name"], tool["input_schema"], body["tool_choice"]) == (NAME, schema, MADE)
    assert "output_config" not in body


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, {"type": "any"}),
        ({"tool_choice": "auto", "parallel_tool_calls": False}, {"type": "any", "disable_parallel_tool_use": True}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "none"}, MADE),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, {"type": "tool", "name": "f"}),
    ],
)
def test_other_tools_may_be_called_first(sent, fields, choice):
    """As far as the request lets the model."""
    body = sent(BY_TOOL, response_format=form(SCHEMA, description="d"), tools=TOOLS, **fields)

    assert [tool["name"] for tool in body["tools"]] == ["f", NAME]
    assert (body["tools"][1]["description"], body["tool_choice"]) == ("d", choice)


@pytest.mark.parametrize(
    "response_format",
    [form({"type": "array"}), form({"anyOf": []}), {"type": "json_schema", "json_schema": {"name": "x"}}, {"type": "lark"}],
)  # fmt: skip
def test_an_answer_that_is_no_object_is_refused(sent, dropped, response_format):
    """The arguments of a tool are one."""
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(BY_TOOL, response_format=response_format)
    assert caught.value.param == "response_format"
    assert "tools" not in dropped(BY_TOOL, response_format=response_format)[0]


def test_no_tool_is_added_where_no_form_is_asked_for(sent):
    """The setting alone changes nothing."""
    assert sent(BY_TOOL) == sent()
    assert sent(BY_TOOL, response_format={"type": "text"}, tools=TOOLS) == sent(tools=TOOLS)


def answer(*blocks: dict[str, Any]) -> bytes:
    head = {"id": "m", "model": "m", "stop_reason": "tool_use"}
    return json.dumps({**head, "content": list(blocks)}).encode()


def used(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": name, "input": arguments}


def streamed(read, *blocks: dict[str, Any], pieces: bool) -> Any:
    """The response of a stream that tells calls, their arguments in pieces or at once."""
    told: list[dict[str, Any]] = [{"type": "message_start", "message": {"id": "m", "model": "m", "content": []}}]
    for index, block in enumerate(blocks):
        text = json.dumps(block["input"])
        begun = {**block, "input": {}} if pieces else block
        told.append({"type": "content_block_start", "index": index, "content_block": begun})
        for piece in ("", text[:3], text[3:]) if pieces else ():
            delta = {"type": "input_json_delta", "partial_json": piece}
            told.append({"type": "content_block_delta", "index": index, "delta": delta})
    told += [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, {"type": "message_stop"}]
    return fold(read(*(b"data: " + json.dumps(one).encode() + b"\n\n" for one in told), by_tool=True))


@pytest.mark.parametrize("way", ["whole", "pieces", "at-once"])
def test_the_call_is_the_text_of_the_answer(read, way):
    """And the answer is at its end; whole and streamed."""
    block = used(NAME, n=1)
    response = decode(answer(block), by_tool=True) if way == "whole" else streamed(read, block, pieces=way == "pieces")

    (choice,) = response.choices
    assert json.loads(choice.message.content) == {"n": 1}
    assert (choice.message.tool_calls, choice.message.extra, choice.finish_reason) == (None, {}, "stop")
    assert choice.extra == {"stop_reason": "tool_use"}


@pytest.mark.parametrize("way", ["whole", "pieces", "at-once"])
def test_other_calls_stay_calls(read, way):
    """The host has to answer them."""
    blocks = [used("f"), used(NAME, n=1), used("g", a=2)]
    response = (
        decode(answer(*blocks), by_tool=True) if way == "whole" else streamed(read, *blocks, pieces=way == "pieces")
    )

    (choice,) = response.choices
    assert [(call.id, json.loads(call.function.arguments)) for call in choice.message.tool_calls] == [
        ("f", {}),
        ("g", {"a": 2}),
    ]
    assert (json.loads(choice.message.content), choice.finish_reason) == ({"n": 1}, "tool_calls")


def event(kind: str, **members: Any) -> bytes:
    return b"data: " + json.dumps({"type": kind, **members}).encode() + b"\n\n"


def told(reason: str, *deltas: dict[str, Any]) -> bytes:
    """A stream with a call of the tool."""
    begun = {"type": "tool_use", "id": "t", "name": NAME, "input": {}}
    return b"".join([
        event("message_start", message={"id": "m", "model": "m", "content": []}),
        event("content_block_start", index=0, content_block=begun),
        *(event("content_block_delta", index=0, delta=delta) for delta in deltas),
        event("message_delta", delta={"stop_reason": reason}),
        event("message_stop"),
    ])  # fmt: skip


def test_an_answer_that_was_cut_says_so(read):
    """The most tokens were reached in the middle of the JSON; deltas of other kinds tell nothing of it."""
    deltas = [{"type": "input_json_delta", "partial_json": '{"n'}, {"type": "novel_delta", "x": 1}]
    whole = json.loads(answer(used(NAME))) | {"stop_reason": "max_tokens"}

    (choice,) = fold(read(told("max_tokens", *deltas), by_tool=True)).choices
    (other,) = decode(json.dumps(whole).encode(), by_tool=True).choices

    assert (choice.message.content, choice.finish_reason, other.finish_reason) == ('{"n', "length", "length")


def test_without_the_setting_the_tool_is_one_like_any_other(read):
    """Nothing is taken away from a host that has one of this name; whole and streamed."""
    for response in (decode(answer(used(NAME, n=1))), fold(read(told("tool_use")))):
        (choice,) = response.choices
        assert (choice.message.tool_calls[0].function.name, choice.finish_reason) == (NAME, "tool_calls")
        assert choice.message.content is None


def test_a_reason_without_calls_stays_the_services_word(read):
    """Only where the tool stands for an answer it means that the answer is at its end."""
    stream = event("message_start", message={"id": "m", "content": []}) + event(
        "message_delta", delta={"stop_reason": "tool_use"}
    )

    for response in (decode(answer()), fold(read(stream))):
        assert response.choices[0].finish_reason == "tool_calls"
