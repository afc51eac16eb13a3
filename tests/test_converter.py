"""Exact scalars, and what is told of values that do not fit."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from jackfield import wire
from jackfield.errors import ValidationError
from jackfield.models import (
    UNSET,
    ChatCompletionTool,
    CompletionUsage,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    ModelList,
    ToolName,
)
from kinds import Celsius, Count, Role


def faults(data: Any, cls: type[Any]) -> list[str]:
    """The lines of the error that a value of the wrong shape raises."""
    with pytest.raises(ValidationError) as caught:
        wire.from_dict(data, cls)
    return str(caught.value).splitlines()


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


def test_a_schema_is_kept_whatever_is_in_it() -> None:
    """It is JSON of the host's own, which nobody looks into."""
    schema = {"type": "object", "properties": {"n": {"type": ["integer", "null"], "minimum": 1.5}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}

    request = wire.build_request({"model": "m", "messages": [], "tools": [tool]})

    assert wire.to_dict(request)["tools"] == [tool]


def test_a_role_may_be_an_enumeration() -> None:
    """The tag of a message may be a subclass of str."""
    (message,) = wire.structure_messages([{"role": Role.USER, "content": "hi"}])

    assert wire.to_dict(message) == {"role": "user", "content": "hi"}


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
                'logit_bias["1"]: expected int, got str',
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
        (
            {"messages": [], "model": "m", "tools": [{}]},
            CreateChatCompletionRequest,
            [
                "tools[0].type: expected str, got nothing",
            ],
        ),
        (
            {"type": "custom", "function": {"name": "f"}},
            ChatCompletionTool,
            [
                "type: expected 'function', got str",
            ],
        ),
        ({"data": {"id": "x"}}, ModelList, ["data: expected array, got object"]),
        (
            {"metadata": {"a b": 1, "c\nd": 2}, "choices": []},
            CreateChatCompletionResponse,
            [
                'metadata["a b"]: expected str, got int',
                'metadata["c\\nd"]: expected str, got int',
            ],
        ),
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
