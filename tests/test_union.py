"""One of several types: unknown kinds are kept, known ones found."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield import wire
from jackfield.models import (
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    ChatCompletionNamedToolChoice,
    ChatCompletionRequestMessageContentPartImage,
    ChatCompletionRequestSystemMessage,
    ChatCompletionRequestToolMessage,
    ChatCompletionRequestUserMessage,
    ChatCompletionResponseMessage,
    ChatCompletionTool,
    FunctionObject,
    ImageURL,
    ToolName,
    UnknownContentPart,
    UnknownMessage,
    UnknownResponseFormat,
    UnknownTool,
    UnknownToolCall,
    UnknownToolChoice,
)

USER = {"role": "user", "content": "hi"}


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
