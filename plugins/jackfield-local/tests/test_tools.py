"""Which tools a request offers or demands, and how the text of a demanded call becomes a call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import BadRequestError
from jackfield_local.tools import Caller, Choice, choose, instruction, schema


def function(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **({"parameters": parameters} if parameters else {})}}


ADD, SUBTRACT = function("add", type="object", properties={"a": {"type": "number"}}), function("subtract")
NAMED = {"type": "function", "function": {"name": "subtract"}}


def allowed(mode: str) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [NAMED]}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, Choice(offered=(ADD, SUBTRACT))),
        ("auto", Choice(offered=(ADD, SUBTRACT))),
        ("none", Choice()),
        ("required", Choice(demanded=(ADD, SUBTRACT))),
        (NAMED, Choice(demanded=(SUBTRACT,))),
        (allowed("auto"), Choice(offered=(SUBTRACT,))),
        (allowed("required"), Choice(demanded=(SUBTRACT,))),
    ],
)
def test_tool_choice_tells_what_is_offered_and_what_demanded(choice: Any, expected: Choice) -> None:
    """All forms of ``tool_choice`` for functions."""
    assert choose({"tools": [ADD, SUBTRACT], "tool_choice": choice}) == expected


def test_without_tools_there_is_no_choice() -> None:
    """A request without tools may still say auto or none."""
    assert choose({}) == choose({"tool_choice": "auto"}) == choose({"tool_choice": "none", "tools": []}) == Choice()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [ADD], "tool_choice": NAMED}, "tool_choice"),
        ({"tools": [ADD], "tool_choice": {"type": "custom", "custom": {"name": "x"}}}, "tool_choice"),
        ({"tools": [ADD], "tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
def test_what_cannot_be_chosen_is_refused(fields: dict[str, Any], param: str) -> None:
    """The error names the parameter."""
    with pytest.raises(BadRequestError) as caught:
        choose(fields)

    assert caught.value.param == param


def test_one_function_is_demanded_by_its_arguments_alone() -> None:
    """The fewer tokens a small model has to write, the fewer go wrong."""
    assert schema([ADD]) == ADD["function"]["parameters"]
    assert schema([SUBTRACT]) == {"type": "object", "properties": {}, "additionalProperties": False}
    assert '"name": "add"' in instruction([ADD])


def test_several_functions_are_told_apart_by_name() -> None:
    """Each alternative of the schema binds a name to its own arguments."""
    alternatives = schema([ADD, SUBTRACT])["anyOf"]

    assert [one["properties"]["name"]["const"] for one in alternatives] == ["add", "subtract"]
    assert alternatives[0]["properties"]["arguments"] == ADD["function"]["parameters"]
    assert "subtract" in instruction([ADD, SUBTRACT])


def called(caller: Caller, parts: list[str], *, whole: bool) -> tuple[str | None, str, list[str]]:
    """Name, arguments and ids of what the deltas add up to."""
    entries = [entry for part in parts for entry in caller.feed(part)] + caller.end(whole=whole)
    names = [entry["function"]["name"] for entry in entries if "name" in entry["function"]]
    arguments = "".join(entry["function"]["arguments"] for entry in entries)
    assert len(names) <= 1
    assert {entry["index"] for entry in entries} <= {0}
    return names[0] if names else None, arguments, [entry["id"] for entry in entries if "id" in entry]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.text(), VALUES, max_size=4)


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    """The text in pieces."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(st.data(), ARGUMENTS, st.text(min_size=1), st.sampled_from([None, 1, "\t"]))
def test_a_call_of_one_of_several_is_the_same_however_it_is_cut(
    data: st.DataObject, arguments: dict[str, Any], name: str, indent: Any
) -> None:
    """The name and the arguments come out whole, whatever the white space and wherever the pieces end."""
    text = json.dumps({"name": name, "arguments": arguments}, indent=indent)

    got_name, got, ids = called(Caller([ADD, SUBTRACT]), data.draw(cut(text)), whole=True)

    assert got_name == name
    assert json.loads(got) == arguments
    assert got == got.strip()
    assert len(ids) == 1
    assert ids[0].startswith("call_")


@given(st.data(), ARGUMENTS)
def test_a_call_of_the_one_function_is_its_text(data: st.DataObject, arguments: dict[str, Any]) -> None:
    """Nothing is held back or taken away but white space around it."""
    text = json.dumps(arguments)

    assert called(Caller([ADD]), data.draw(cut(text)), whole=True)[:2] == ("add", text)


def test_a_call_that_was_cut_off_keeps_what_was_said() -> None:
    """The caller sees a call with broken arguments and the finish reason ``length``, as elsewhere."""
    text = '{"name": "add", "arguments": {"a": {"b": 1}'

    assert called(Caller([ADD, SUBTRACT]), [text], whole=False)[:2] == ("add", '{"a": {"b": 1}')
    assert called(Caller([ADD, SUBTRACT]), ['{"name": "ad'], whole=False) == (None, "", [])
