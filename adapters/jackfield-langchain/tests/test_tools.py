"""Tools: what a model may call, and what it called; never what it did not write."""

from __future__ import annotations

import pytest
from jackfield_langchain import ChatJackfield
from jackfield_langchain.request import UNREPAIRABLE
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import Tool
from scripted import call
from test_answers import WAYS, add_up, ways


@ways
def test_tools_are_called_together(model, dialect, bodies, ask):
    """Several calls, whose arguments come in pieces, are whole, and go back with their results."""
    signed = {"extra_content": {"signature": "x"}}
    calls = [call("add_up", '{"a": 1, "b": 2}', "one", **signed), call("add_up", '{"a": 3, "b": 4}', "two")]
    dialect.script.append({"tool_calls": calls, "finish_reason": "tool_calls"})
    bound = model.bind_tools([add_up], tool_choice="any", strict=True, parallel_tool_calls=True)
    answer = ask(bound, "Add")
    results = [add_up.invoke(one) for one in answer.tool_calls]
    ask(bound, [HumanMessage("Add"), answer, *results])
    asked, again = bodies()

    assert [(one["id"], one["args"]) for one in answer.tool_calls] == [
        ("one", {"a": 1, "b": 2}),
        ("two", {"a": 3, "b": 4}),
    ]
    assert (asked["tool_choice"], asked["parallel_tool_calls"]) == ("required", True)
    assert asked["tools"][0]["function"]["strict"] is True
    assert [one["id"] for one in again["messages"][1]["tool_calls"]] == ["one", "two"]
    assert again["messages"][1]["tool_calls"][0]["extra_content"] == {"signature": "x"}
    assert again["messages"][2:] == [
        {"role": "tool", "tool_call_id": "one", "content": "3"},
        {"role": "tool", "tool_call_id": "two", "content": "7"},
    ]


BROKEN = [
    "[1]",
    "null",
    " ",
    '{"a": ',
    '{"a": "/home/me/tmp',
    '{"a": "\\',
    '{"a": [{"b": 1',
    '{"a": 1} and',
    "{'a': 1}",
]


@ways
@pytest.mark.parametrize("arguments", BROKEN)
def test_broken_arguments_are_no_call(model, dialect, bodies, ask, arguments):
    """Arguments that are no JSON object are an invalid call, which goes back as the model wrote it."""
    dialect.script.append({"tool_calls": [call("add_up", arguments)], "finish_reason": "length"})
    answer = ask(model.bind_tools([add_up]), "Add")
    model.invoke([HumanMessage("Add"), answer, ToolMessage("broken", tool_call_id="call_1")])

    assert answer.tool_calls == []
    assert [bad["args"].removesuffix(UNREPAIRABLE) for bad in answer.invalid_tool_calls] == [arguments]
    assert bodies()[1]["messages"][1]["tool_calls"][0]["function"]["arguments"] == arguments


def test_arguments_that_are_cut_anywhere_are_no_call(model, dialect):
    """LangChain, which repairs what comes in a stream, has no call of it; the call before it is none the less one."""
    whole = '{"a": ["x\\"]}\\\\", {"b": [null]}], "c": {"d": "\\u00e9"}}'
    for end in range(1, len(whole)):
        dialect.script.append({"tool_calls": [call("add_up", '{"a": 1}', "one"), call("add_up", whole[:end], "two")]})
        answer = WAYS["stream"](model, "Add")

        assert [one["id"] for one in answer.tool_calls] == ["one"], whole[:end]
        assert [bad["id"] for bad in answer.invalid_tool_calls] == ["two"]


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_call_that_is_cut_is_none_of_invoke_either(config, dialect, version):
    """A model that streams underneath has an invalid call, and no block of a call."""
    dialect.script.append({"tool_calls": [call("add_up", '{"a": "/home/me/tmp')], "finish_reason": "length"})
    answer = ChatJackfield(config=config, streaming=True, output_version=version).invoke("Add")

    assert type(answer) is AIMessage
    assert (answer.tool_calls, [bad["name"] for bad in answer.invalid_tool_calls]) == ([], ["add_up"])
    assert "tool_call" not in {block["type"] for block in answer.content_blocks}


def _custom_tool(**metadata):
    """What ``custom_tool`` of langchain-openai makes."""
    return Tool("run", str, "Run it", metadata={"type": "custom_tool", **metadata})


GRAMMAR = {"syntax": "lark", "definition": "start: NUMBER"}
NESTED = {"type": "grammar", "grammar": GRAMMAR}
FLAT = {"type": "grammar", **GRAMMAR}


@pytest.mark.parametrize("form", [None, FLAT, NESTED])
@pytest.mark.parametrize("how", ["wire", "flat", "langchain"])
def test_a_custom_tool_is_bound_and_called(model, dialect, bodies, how, form):
    """As the wire has it, as OpenAI's other API has it, and as a tool of LangChain's, chosen by its name."""
    told = {"name": "run", "description": "Run it", **({} if form is None else {"format": form})}
    sent = told if form is None else {**told, "format": NESTED}
    made = {
        "wire": {"type": "custom", "custom": sent},
        "flat": {"type": "custom", **told},
        "langchain": _custom_tool(**({} if form is None else {"format": form})),
    }[how]
    said = {"id": "one", "type": "custom", "custom": {"name": "run", "input": "1 + 1"}}
    dialect.script.append({"tool_calls": [said]})
    answer = model.bind_tools([made], tool_choice="run").invoke("Run")
    model.invoke([HumanMessage("Run"), answer, ToolMessage("2", tool_call_id="one")])
    asked, again = bodies()

    assert asked["tools"] == [{"type": "custom", "custom": sent}]
    assert asked["tool_choice"] == {"type": "custom", "custom": {"name": "run"}}
    assert [one["args"] for one in answer.tool_calls] == [{"__arg1": "1 + 1"}]
    assert again["messages"][1]["tool_calls"] == [said]


@ways
def test_no_arguments_are_an_empty_object(model, dialect, ask):
    """Models write nothing where a tool takes nothing."""
    dialect.script.append({"tool_calls": [call("now", "")]})

    assert [one["args"] for one in ask(model, "When?").tool_calls] == [{}]
