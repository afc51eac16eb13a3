"""What all wire values share."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.models import (
    UNSET,
    ChatCompletionRequestUserMessage,
    ChatCompletionResponseMessage,
    CompletionUsage,
    CreateChatCompletionRequest,
    UnknownMessage,
)
from jackfield.models.base import EMPTY, ExtraSource
from strategies import chunks, requests, responses, values, wire_classes

any_value = st.one_of([values(cls) for cls in wire_classes()])


@pytest.mark.parametrize("cls", wire_classes(), ids=lambda cls: cls.__name__)
def test_every_class_has_a_docstring_that_names_its_schema_or_says_that_there_is_none(cls: type) -> None:
    """Each wire class tells which schema it is, or that it stands for what no schema lists."""
    first = (cls.__doc__ or "").split("Attributes:")[0]

    assert (
        "OpenAI API schema" in first or "does not know" in first or "not known" in first or "not in OpenAI's" in first
    )


@pytest.mark.parametrize("cls", wire_classes(), ids=lambda cls: cls.__name__)
def test_every_class_is_frozen_and_takes_keywords_only(cls: type) -> None:
    """No field can be set or deleted, and none is given by position."""
    fields = attrs.fields(cls)

    assert all(field.kw_only for field in fields)
    for name in ("anything", fields[1].name):
        value: Any = object.__new__(cls)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, 1)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(value, name)


@settings(max_examples=300)
@given(any_value)
def test_a_value_survives_pickle_and_copies(value: object) -> None:
    """Pickled, copied and deeply copied values equal the original, unknown fields included."""
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value


@settings(max_examples=50)
@given(st.one_of(requests, responses(), chunks))
def test_evolve_keeps_what_is_not_changed(value: CreateChatCompletionRequest) -> None:
    """A changed copy keeps all other fields and the unknown ones, and the original stays as it was."""
    changed = attrs.evolve(value, model="another model")

    assert changed.model == "another model"
    assert changed.extra == value.extra
    assert attrs.evolve(changed, model=value.model) == value


def test_values_are_equal_by_class_fields_and_extra() -> None:
    """Equality looks at the class, the fields and the unknown fields."""
    value = CompletionUsage(prompt_tokens=1, extra={"a": 1})

    assert value == CompletionUsage(prompt_tokens=1, extra={"a": 1})
    assert value != CompletionUsage(prompt_tokens=2, extra={"a": 1})
    assert value != CompletionUsage(prompt_tokens=1)
    assert value != UnknownMessage(role="x")
    assert value != {"prompt_tokens": 1}


def test_a_list_and_a_tuple_make_equal_values() -> None:
    """An array is kept as a tuple, so a list given by the host cannot change the value later."""
    given_list = [ChatCompletionRequestUserMessage(content="hi")]
    request = CreateChatCompletionRequest(model="m", messages=given_list, stop=["a"])
    given_list.clear()

    assert request == CreateChatCompletionRequest(
        model="m", messages=(ChatCompletionRequestUserMessage(content="hi"),), stop=("a",)
    )


def test_values_have_no_hash() -> None:
    """A value may hold a tool's schema, which is a dict, so it cannot be hashed."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(CompletionUsage())


def test_repr_shows_what_differs_from_the_default() -> None:
    """Defaults and UNSET are not shown; unknown fields are, if there are any."""
    request = CreateChatCompletionRequest(model="m", messages=[], temperature=None, stream=False)
    usage = CompletionUsage(prompt_tokens=0, total_tokens=3, extra={"z": [1]})

    assert repr(request) == "CreateChatCompletionRequest(messages=(), model='m', stream=False, temperature=None)"
    assert repr(usage) == "CompletionUsage(total_tokens=3, extra={'z': [1]})"
    assert "UNSET" not in repr(request)


def test_extra_cannot_be_changed_and_does_not_follow_what_it_was_made_of() -> None:
    """The unknown fields are an immutable mapping of its own."""
    given_extra = {"a": 1}
    usage = CompletionUsage(extra=given_extra)
    given_extra["b"] = 2

    assert usage.extra == {"a": 1}
    assert list(usage.extra) == ["a"]
    assert len(usage.extra) == 1
    assert repr(usage.extra) == "{'a': 1}"
    with pytest.raises(TypeError):
        usage.extra["a"] = 2  # type: ignore[index]  # wrong on purpose


def test_no_extra_is_one_shared_value() -> None:
    """Values without unknown fields share one empty mapping."""
    assert CompletionUsage().extra is EMPTY
    assert CompletionUsage(extra={}).extra is EMPTY


def test_a_source_of_unknown_fields_must_say_how_they_are_read() -> None:
    """The base alone holds none."""
    with pytest.raises(TypeError, match="ExtraSource does not say where the unknown fields of CompletionUsage are"):
        ExtraSource().of(CompletionUsage)


def test_unset_survives_pickle_as_itself() -> None:
    """``is UNSET`` holds after a value has crossed to another process."""
    request = pickle.loads(pickle.dumps(CreateChatCompletionRequest(model="m", messages=[])))

    assert request.temperature is UNSET


def test_a_new_reply_message_has_null_content() -> None:
    """What the schema requires and lets be null is None by default."""
    message = ChatCompletionResponseMessage()

    assert message.content is None
    assert message.role == "assistant"
