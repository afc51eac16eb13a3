"""Tools and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.errors import UnsupportedParameterError

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}


def function(name: str = "f", **members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **members}}


CUSTOM = {"type": "custom", "custom": {"name": "shell"}}
TOOLS = [function("f"), function("g")]
NAMED = {"type": "function", "function": {"name": "f"}}
ALONE = {"disable_parallel_tool_use": True}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [function(name) for name in names]}}


@pytest.mark.parametrize(
    ("tool", "wanted"),
    [
        (function(), {"name": "f", "input_schema": {"type": "object", "properties": {}}}),
        (function(parameters={}), {"name": "f", "input_schema": {"type": "object", "properties": {}}}),
        (
            function(description="Does.", parameters=SCHEMA, strict=None),
            {"name": "f", "description": "Does.", "input_schema": SCHEMA},
        ),
        (
            {**function(), "cache_control": {"type": "ephemeral"}, "defer_loading": True},
            {"name": "f", "input_schema": {"type": "object", "properties": {}}, "cache_control": {"type": "ephemeral"},
             "defer_loading": True},
        ),
        (SEARCH, SEARCH),
    ],
)  # fmt: skip
def test_a_tool_keeps_all_that_was_said(sent, tool, wanted):
    """Name, description, schema; members and tools of the service's own go as they are."""
    assert sent(tools=[tool])["tools"] == [wanted]


def test_the_schema_of_a_strict_function_is_one_that_can_be_held(sent, dropped):
    """Others may say whatever JSON Schema has."""
    strict = function(parameters=SCHEMA, strict=True)
    with pytest.raises(UnsupportedParameterError, match=r"tools\[0\]\.function\.parameters\.properties\.a\.minimum"):
        sent(tools=[strict])

    body, left = dropped(tools=[strict])
    closed = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert body["tools"] == [{"name": "f", "strict": True, "input_schema": closed}]
    assert left == ("tools[0].function.parameters.properties.a.minimum",)


def test_a_custom_tool_is_refused(sent, dropped):
    """With the remedy."""
    with pytest.raises(UnsupportedParameterError, match=r"tools\[1\]: .*use a function with one text"):
        sent(tools=[function(), CUSTOM])
    assert [tool["name"] for tool in dropped(tools=[function(), CUSTOM])[0]["tools"]] == ["f"]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": NAMED}, {"type": "tool", "name": "f"}),
        ({"tool_choice": {**NAMED, **ALONE}}, {"type": "tool", "name": "f", **ALONE}),
        ({"tool_choice": {"type": "any", **ALONE}}, {"type": "any", **ALONE}),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False}, {"type": "auto", **ALONE}),
        ({"parallel_tool_calls": False, "tool_choice": "required"}, {"type": "any", **ALONE}),
        ({"parallel_tool_calls": False, "tool_choice": NAMED}, {"type": "tool", "name": "f", **ALONE}),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}),
    ],
)
def test_each_choice_has_its_word(sent, fields, wanted):
    """And one call at a time is said with it."""
    body = sent(tools=TOOLS, **fields)

    assert body.get("tool_choice") == wanted
    assert [tool["name"] for tool in body["tools"]] == ["f", "g"]


@pytest.mark.parametrize(("mode", "wanted"), [("auto", {"type": "auto"}), ("required", {"type": "any"})])
def test_of_allowed_tools_the_others_are_left_out(sent, mode, wanted):
    """The format cannot name some of them; the service's own are named by themselves."""
    choice = allowed(mode, "g")
    choice["allowed_tools"]["tools"].append({"type": "web_search", "name": "web_search", "function": "x"})
    body = sent(tools=[*TOOLS, SEARCH], tool_choice=choice)

    assert ([tool["name"] for tool in body["tools"]], body["tool_choice"]) == (["g", "web_search"], wanted)


@pytest.mark.parametrize(
    "choice", ["sometimes", {"type": "custom", "custom": {"name": "shell"}}, allowed("sometimes", "f")]
)
def test_a_choice_that_cannot_be_said_is_refused(sent, dropped, choice):
    """Dropped, the model chooses."""
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(tools=TOOLS, tool_choice=choice)
    body, left = dropped(tools=TOOLS, tool_choice=choice)

    assert caught.value.param == "tool_choice"
    assert (body.get("tool_choice"), left) == (None, ("tool_choice",))


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_without_tools_a_choice_that_says_nothing_is_left_out(sent, choice):
    """The service would refuse it."""
    body = sent(tools=[], tool_choice=choice, parallel_tool_calls=False)

    assert not {"tools", "tool_choice"} & body.keys()


def test_no_choice_is_changed_for_all_requests(sent):
    """What one request makes of it is not there in the next."""
    sent(tools=TOOLS, tool_choice="auto", parallel_tool_calls=False)

    assert sent(tools=TOOLS, tool_choice="auto")["tool_choice"] == {"type": "auto"}
