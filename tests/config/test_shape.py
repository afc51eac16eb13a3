"""The schema of a setting: what it takes, its help and its default."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional

import attrs
import pytest
from attrs import validators as v
from jsonschema import Draft202012Validator

from jackfield.config.shape import SECRET, table_of
from jackfield.secret import Secret


def named(value: object) -> str:
    """The same name in each process: no address."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Thing(Enum):
    ONE = object()


@attrs.define(eq=False)
class Inner:
    """A table inside.

    Attributes:
        to: where to.
    """

    to: str
    weight: int = 1


@attrs.define(eq=False)
class Tree:
    name: str = ""
    children: tuple[Tree, ...] = ()


Tokens = NewType("Tokens", int)
INNER = {
    "description": "A table inside.",
    "type": "object",
    "properties": {"to": {"type": "string", "description": "where to."}, "weight": {"type": "integer", "default": 1}},
    "required": ["to"],
    "additionalProperties": False,
}


def setting(wanted: Any, **options: Any) -> dict[str, Any]:
    """The schema of one setting."""
    table = table_of(attrs.make_class("Plugin", {"x": attrs.field(type=wanted, **options)}, eq=False))
    Draft202012Validator.check_schema(table)
    schema: dict[str, Any] = table["properties"]["x"]
    return schema


@pytest.mark.parametrize(
    ("wanted", "schema"),
    [
        (None, {}),
        (Any, {}),
        (bool, {"type": "boolean"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (str, {"type": "string"}),
        (Path, {"type": "string"}),
        (bytes, {}),
        (Callable[[], None], {}),
        (Secret, SECRET),
        (Optional[int], {"type": "integer"}),  # noqa: UP045 - the old way is a type of its own
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (int | bytes, {}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Colour, {"enum": ["red", "blue"]}),
        (Level, {"enum": [1]}),
        (Thing, {}),
        (Tokens, {"type": "integer"}),
        (Annotated[int, "words"], {"type": "integer"}),
        (list, {"type": "array"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[str, ...], {"type": "array", "items": {"type": "string"}}),
        (
            tuple[str, int],
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2, "maxItems": 2},
        ),
        (dict, {"type": "object", "additionalProperties": {}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (
            Mapping[Literal["a"], int],
            {"type": "object", "propertyNames": {"enum": ["a"]}, "additionalProperties": {"type": "integer"}},
        ),
        (Inner, INNER),
        (list[Inner], {"type": "array", "items": INNER}),
    ],
    ids=named,
)
def test_types_have_their_schema(wanted: Any, schema: dict[str, Any]) -> None:
    """What a type takes; a type that JSON has no words for takes anything."""
    assert setting(wanted) == schema


@pytest.mark.parametrize(
    ("wanted", "validator", "limits"),
    [
        (int, v.ge(1), {"minimum": 1}),
        (float, v.and_(v.gt(0), v.le(2.5)), {"exclusiveMinimum": 0, "maximum": 2.5}),
        (int, [v.lt(9)], {"exclusiveMaximum": 9}),
        (int | None, v.optional(v.ge(0)), {"minimum": 0}),
        (str, v.in_(["a", "b"]), {"enum": ["a", "b"]}),
        (str, v.in_({"b", "a"}), {"enum": ["a", "b"]}),
        (str, v.in_([None]), {}),
        (Literal["a"], v.in_(["b"]), {"enum": ["a"]}),
        (str, v.and_(v.min_len(1), v.max_len(3)), {"minLength": 1, "maxLength": 3}),
        (list, v.min_len(1), {"minItems": 1}),
        (dict, v.max_len(2), {"maxProperties": 2}),
        (int, v.min_len(1), {}),
        (str, v.ge("a"), {}),
        (int, v.instance_of(int), {}),
        (int, lambda *_: None, {}),
    ],
    ids=named,
)
def test_what_validators_of_attrs_say_is_in_it(wanted: Any, validator: Any, limits: dict[str, Any]) -> None:
    """Bounds, choices and lengths; of other validators nothing is known."""
    assert setting(wanted, validator=validator) == {**setting(wanted), **limits}


def test_what_is_checked_after_a_converter_says_nothing() -> None:
    """The validator sees another value than the file has."""
    assert setting(int, validator=v.ge(100), converter=lambda value: value * 100) == {"type": "integer"}


@pytest.mark.parametrize(
    ("default", "shown"),
    [
        (1, {"default": 1}),
        (1.5, {"default": 1.5}),
        (float("inf"), {}),
        ("a", {"default": "a"}),
        (False, {"default": False}),
        (None, {}),
        (Colour.RED, {"default": "red"}),
        (Thing.ONE, {}),
        ((1, 2), {"default": [1, 2]}),
        ({"a": [1]}, {"default": {"a": [1]}}),
        ({1: 1}, {}),
        (Secret("env:KEY"), {}),
        (Secret.of("canary"), {}),
        (attrs.Factory(dict), {"default": {}}),
        (attrs.Factory(list), {"default": []}),
        (attrs.Factory(object), {}),
        (attrs.Factory(lambda self: 1, takes_self=True), {}),
    ],
    ids=named,
)
def test_defaults_are_shown_as_far_as_json_can(default: Any, shown: dict[str, Any]) -> None:
    """No secret, nothing that has to be made first, and no null, which TOML has not."""
    assert setting(Any, default=default) == shown


def test_a_table_has_its_settings_and_no_others() -> None:
    """Private attributes are none, an alias is the name, what has no default is needed."""

    @attrs.define(eq=False)
    class Plugin:
        """Do something.

        Attributes:
            plain: the first.
            named: the second.
        """

        plain: int
        named: str = attrs.field(default="", alias="called")
        left: int = 0
        _own: int = attrs.field(default=0)
        made: int = attrs.field(init=False, default=0)

    assert table_of(Plugin, without=("left",)) == {
        "description": "Do something.",
        "type": "object",
        "properties": {
            "plain": {"type": "integer", "description": "the first."},
            "called": {"type": "string", "description": "the second.", "default": ""},
        },
        "required": ["plain"],
        "additionalProperties": False,
    }


def test_a_secret_says_what_it_takes_besides_its_own_help() -> None:
    """The reader learns how a reference is written."""

    @attrs.define(eq=False)
    class Plugin:
        """Do.

        Attributes:
            key: the key.
        """

        key: Secret

    assert table_of(Plugin)["properties"]["key"]["description"] == (
        "the key. Expected is a secret reference: env:NAME, file:/path, keyring:service/user or command:program."
    )


@pytest.mark.parametrize(
    "text",
    [
        "env:KEY",
        "file:/a b",
        "command:op read x",
        "keyring:a/b",
        "keyring:a/b/c",
        "env:",
        "env: ",
        "sk-plain",
        "KEY",
        "keyring:a",
        "keyring:/b",
        "keyring:a/",
        "Env:KEY",
        " env:KEY",
        "",
    ],
)
def test_a_reference_is_what_a_secret_takes(text: str) -> None:
    """The pattern and the class agree."""
    try:
        Secret(text)
    except ValueError:
        taken = False
    else:
        taken = True

    assert Draft202012Validator(SECRET).is_valid(text) == taken


def test_a_class_that_holds_others_of_its_kind_has_an_end() -> None:
    """Further down any table is taken."""
    tree = table_of(Tree)

    assert tree["properties"]["children"]["items"] == {"type": "object"}
    assert tree["properties"]["name"] == {"type": "string", "default": ""}


def test_a_class_may_be_the_type_of_several_settings() -> None:
    """Only one inside itself ends what is told."""
    fields = {name: attrs.field(type=Inner) for name in ("one", "other")}
    tables = table_of(attrs.make_class("Plugin", fields, eq=False))["properties"]

    assert tables == {"one": INNER, "other": INNER}
