"""What is no JSON is not written."""

from __future__ import annotations

import math
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
    FunctionObject,
)
from kinds import Celsius, Count, Role


def nested(depth: int, leaf: Any) -> Any:
    """Lists in lists."""
    for _ in range(depth):
        leaf = [leaf]
    return leaf


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
        (
            CreateChatCompletionRequest(model="m", messages=[], metadata={"a": b"x"}),  # type: ignore[dict-item]  # wrong on purpose
            "metadata.a: expected a JSON value, got bytes",
        ),
        ({"a": {1}, "b": nested(100_000, 1)}, "nested too deeply"),
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


@pytest.mark.parametrize("leaf", [1, {1}])
def test_a_value_that_is_nested_too_deeply_is_refused(leaf: Any) -> None:
    """Neither a deep value nor one that contains itself ends in a RecursionError."""
    circle: list[Any] = []
    circle.append(circle)
    for value in (nested(100_000, leaf), circle):
        with pytest.raises(ValidationError, match="nested too deeply"):
            wire.encode(value)
