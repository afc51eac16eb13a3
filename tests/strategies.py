"""Hypothesis strategies for wire values: requests, responses, chunks and whatever else has a wire class.

``values(cls)`` makes values of a wire class from the annotations of its fields, so no field is ever left untested. Keys
of unknown fields begin with ``x_``: a key that another class of the same object knows would not stay unknown on the way
from a chunk to a response.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

import jackfield.models
from jackfield.annotation import evaluate
from jackfield.models import (
    UNSET,
    ChatCompletionChoice,
    ChatCompletionRequestMessage,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    UnsetType,
    WireValue,
)

__all__ = [
    "chunks",
    "json_values",
    "messages",
    "requests",
    "responses",
    "texts",
    "unknown_keys",
    "values",
    "wire_classes",
]

V = TypeVar("V", bound=WireValue)

texts = st.text(max_size=8)
numbers = st.integers(-(2**70), 2**70) | st.integers(-9, 9)
floats = st.floats(allow_nan=False, allow_infinity=False)
unknown_keys = st.text(max_size=4).map("x_".__add__)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | floats | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
extras: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.dictionaries(unknown_keys, json_values, max_size=2)

_SCALARS: Mapping[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: numbers,
    float: floats | st.integers(-9, 9),
    bool: st.booleans(),
    type(None): st.none(),
    UnsetType: st.just(UNSET),
    Any: json_values,
}


def wire_classes() -> list[type[WireValue]]:
    """All wire classes."""
    found = (getattr(jackfield.models, name) for name in jackfield.models.__all__)
    return [kind for kind in found if isinstance(kind, type) and issubclass(kind, WireValue) and kind is not WireValue]


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type as the annotations of wire classes use it."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of([of_type(arm) for arm in args])
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple:
        return st.lists(st.deferred(lambda: of_type(args[0])), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(texts, of_type(args[1]), max_size=2)
    return st.deferred(lambda: values(kind))


def values(cls: type[V]) -> st.SearchStrategy[V]:
    """Values of a wire class, with few of their optional fields set, and with unknown fields."""
    fields = [field for field in attrs.fields(cls) if field.name in cls.__wire_fields__]
    strategies = {field.name: of_type(evaluate(str(field.type), cls.__module__)) for field in fields}
    if cls.__name__.startswith("Unknown"):
        strategies[fields[0].name] = unknown_keys
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    optional = [field.name for field in fields if field.default is not attrs.NOTHING]

    @st.composite
    def build(draw: st.DrawFn) -> V:
        chosen = draw(st.lists(st.sampled_from(optional), max_size=3, unique=True)) if optional else []
        return cls(**{name: draw(strategies[name]) for name in [*required, *chosen]}, extra=draw(extras))

    return build()


requests = values(CreateChatCompletionRequest)
chunks = values(CreateChatCompletionStreamResponse)
messages = of_type(ChatCompletionRequestMessage)


@st.composite
def responses(draw: st.DrawFn) -> CreateChatCompletionResponse:
    """Responses whose choices are numbered."""
    choices = draw(st.lists(values(ChatCompletionChoice), max_size=3))
    return attrs.evolve(
        draw(values(CreateChatCompletionResponse)),
        object="chat.completion",
        choices=[attrs.evolve(choice, index=index) for index, choice in enumerate(choices)],
    )
