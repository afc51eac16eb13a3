"""A plugin's table becomes an instance of its attrs class, or a list of everything that is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, ClassVar, Literal, NewType, Optional, Protocol

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.config.place import Place
from jackfield.construct import construct
from jackfield.errors import ConfigError, Fault
from jackfield.secret import Secret

PLACE = Place("a.toml", 7, "middleware[0]")
KEY = "sk-live-0123456789abcdef"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Shade(StrEnum):
    DARK = "dark"


@attrs.define(eq=False)
class Route:
    to: str
    weight: int = attrs.field(default=1, validator=attrs.validators.ge(1))


class Quiet(Protocol):
    pass


Tokens = NewType("Tokens", int)


def plugin(wanted: Any, **options: Any) -> type:
    """A plugin with one setting."""
    return attrs.make_class("Plugin", {"x": attrs.field(type=wanted, **options)}, eq=False)


def taken(wanted: Any, value: Any) -> Any:
    """What the setting becomes; the value has to fit."""
    made, faults = construct(plugin(wanted), {"x": value}, PLACE)
    assert faults == []
    return made.x


def refused(cls: type, **settings: Any) -> list[str]:
    """What is wrong, without file and line; something has to be."""
    made, faults = construct(cls, settings, PLACE)
    assert made is None
    assert faults
    assert {(fault.file, fault.line) for fault in faults} == {("a.toml", 7)}
    return [said(fault) for fault in faults]


def said(fault: Fault) -> str:
    text = str(fault).removeprefix("a.toml:7: middleware[0]")
    return text.removeprefix(": ").removeprefix(".")


@pytest.mark.parametrize(
    ("wanted", "value", "becomes"),
    [
        (bool, True, True),
        (int, 3, 3),
        (float, 1.5, 1.5),
        (float, 2, 2.0),
        (float, float("inf"), float("inf")),
        (str, "a", "a"),
        (str | None, None, None),
        (Optional[int], 4, 4),  # noqa: UP045 - another class of object than int | None
        (float | int, 1, 1),
        (str | list[str], ["a"], ["a"]),
        (list[int] | str, "a", "a"),
        (bool | int, 1, 1),
        (Literal["a", 2], 2, 2),
        (Colour, "blue", Colour.BLUE),
        (Level, 2, Level.HIGH),
        (Shade, "dark", Shade.DARK),
        (Colour, Colour.RED, Colour.RED),
        (list[str], ["a", "b"], ["a", "b"]),
        (list[str], ("a",), ["a"]),
        (list, [1, "a"], [1, "a"]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple, [1], (1,)),
        (set[str], ["a", "a"], {"a"}),
        (frozenset[str], {"a"}, frozenset({"a"})),
        (Sequence[int], [1], (1,)),
        (AbstractSet[int], [1], frozenset({1})),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (dict, {"a": [1]}, {"a": [1]}),
        (Mapping[str, list[int]], {"a": [1]}, {"a": [1]}),
        (MutableMapping[str, Any], {"a": None}, {"a": None}),
        (Any, {"a": 1}, {"a": 1}),
        (object, 5, 5),
        (None, "anything", "anything"),
        (Annotated[int, "a count"], 5, 5),
        (Tokens, 5, 5),
        (Path, "a/b", Path("a/b")),
    ],
)
def test_a_value_that_fits_is_taken(wanted: Any, value: Any, becomes: Any) -> None:
    """Values get exactly the type that the setting names."""
    result = taken(wanted, value)

    assert result == becomes
    assert type(result) is type(becomes)


@pytest.mark.parametrize(
    ("wanted", "value", "text"),
    [
        (bool, 1, "x: expected true or false, got integer"),
        (bool, "true", "x: expected true or false, got string"),
        (int, True, "x: expected an integer, got boolean"),
        (int, 1.0, "x: expected an integer, got float"),
        (int, "1", "x: expected an integer, got string"),
        (float, True, "x: expected a number, got boolean"),
        (float, "1", "x: expected a number, got string"),
        (float, float("nan"), "x: expected a number, got nan"),
        (str, 1, "x: expected a string, got integer"),
        (str, None, "x: expected a string, got null"),
        (str | None, 1, "x: expected a string, got integer"),
        (str | list[str], 1, "x: expected a string or an array, got integer"),
        (str | list[int], ["a"], "x[0]: expected an integer, got string"),
        (Literal["basic", "body"], "Basic", "x: expected 'basic' or 'body', got another string (did you mean \"basic\"?)"),
        (Literal["basic", "body"], "zzz", "x: expected 'basic' or 'body', got another string"),
        (Literal["groq"] | None, "grok", "x: expected 'groq', got string (did you mean \"groq\"?)"),
        (Literal["basic", "body"], 3, "x: expected 'basic' or 'body', got integer"),
        (Literal[1, 2], True, "x: expected 1 or 2, got boolean"),
        (Literal["a"], ["a"], "x: expected 'a', got array"),
        (Colour, "green", "x: expected 'red' or 'blue', got another string"),
        (Level, 3, "x: expected 1 or 2, got another integer"),
        (list[str], "abc", "x: expected an array, got string"),
        (list, "abc", "x: expected an array, got string"),
        (list[str], {"a": 1}, "x: expected an array, got table"),
        (set[list[int]], [[1]], "x: expected set, got array"),
        (tuple[int, str], [1], "x: expected an array of 2, got one of 1"),
        (tuple[int, str], [1, 2], "x[1]: expected a string, got integer"),
        (dict[str, int], [1], "x: expected a table, got array"),
        (dict[str, int], {"a": "b"}, "x.a: expected an integer, got string"),
        (dict[str, str], {3: "b"}, "x[3]: expected a string, got integer"),
        (Annotated[int, "a count"], "5", "x: expected an integer, got string"),
        (Path, 5, "x: expected Path, got integer"),
        (Callable[[], int], 5, "x: expected Callable, got integer"),
        (Quiet, 5, "x: expected Quiet, got integer"),
        (Secret, 5, "x: expected a secret reference: env:NAME, file:/path, keyring:service/user or command:program, got integer"),
        (Secret, KEY, "x: expected a secret reference: env:NAME, file:/path, keyring:service/user or command:program"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_told_by_what_it_is_not(wanted: Any, value: Any, text: str) -> None:
    """Nothing is converted that the operator may not have meant; the message names the kind of what is there."""
    assert refused(plugin(wanted), x=value) == [text]


def test_a_secret_is_made_of_a_reference() -> None:
    """A string stands for a reference; a Secret of the program's own is taken as it is."""
    own = Secret.of(KEY)

    assert taken(Secret, "env:NAME") == Secret("env:NAME")
    assert taken(Secret, own) is own
    assert taken(str | Secret, own) is own
    assert taken(dict[str, Secret], {"a": own})["a"] is own


def test_an_object_of_the_programs_own_is_taken_as_it_is() -> None:
    """A mapping may hold what TOML cannot: instances and functions."""
    module, route = ModuleType("m"), Route("b")

    assert taken(ModuleType, module) is module
    assert taken(Callable[[str], int], len) is len
    assert taken(Route, route) is route


def test_tables_become_nested_attrs_classes() -> None:
    """Settings may have a shape of their own, at any depth."""
    routes = taken(dict[str, list[Route]], {"a": [{"to": "b", "weight": 2}]})

    assert [(route.to, route.weight) for route in routes["a"]] == [("b", 2)]


def test_every_fault_of_nested_tables_is_told_at_its_place() -> None:
    """Unknown, missing, mistyped and refused: all at once, each with its path."""
    routes = [{"to": "b", "wieght": 2}, {"weight": 1.5}, 3, {"to": "c", "weight": 0}, {"to": "d"}]

    assert refused(plugin(list[Route]), x=routes) == [
        'x[0].wieght: unknown setting (did you mean "weight"?)',
        "x[1]: setting 'to' is missing",
        "x[1].weight: expected an integer, got float",
        "x[2]: expected a table, got integer",
        "x[3].weight: 'weight' must be >= 1: 0",
    ]


def test_faults_of_keys_and_of_values_are_told_together() -> None:
    """A table may be wrong in both."""
    assert refused(plugin(dict[str, int]), x={1: "a"}) == [
        "x[1]: expected a string, got integer",
        "x[1]: expected an integer, got string",
    ]


@attrs.define(eq=False)
class Whole:
    backend_only: ClassVar[bool] = True

    needed: str
    limit: int = 5
    factory: list[str] = attrs.field(factory=list)
    named: str = attrs.field(default="n", alias="called")
    _cache: dict[str, int] = attrs.field(factory=dict)
    _seen: int = attrs.field(init=False, default=0)
    counted: int = attrs.field(init=False, default=0)


def test_settings_that_are_left_out_have_their_defaults() -> None:
    """Each instance has defaults of its own."""
    one, _ = construct(Whole, {"needed": "a", "called": "b"}, PLACE)
    other, _ = construct(Whole, {"needed": "a"}, PLACE)

    assert (one.needed, one.limit, one.factory, one.named) == ("a", 5, [], "b")
    assert one.factory is not other.factory


@pytest.mark.parametrize("name", ["_cache", "cache", "_seen", "seen", "counted", "backend_only", "named"])
def test_only_public_attributes_of_the_constructor_are_settings(name: str) -> None:
    """Private attributes, computed ones and class variables cannot be set from outside."""
    made, faults = construct(Whole, {"needed": "a", name: 1}, PLACE)

    assert made is None
    assert [fault.expected for fault in faults] == ["unknown setting"]


def test_all_faults_of_a_plugin_are_told_at_once() -> None:
    """The operator need not run it again for the next one; what is missing is told at the table."""
    made, faults = construct(Whole, {"limits": 3, "limit": "3", "quite-else": 1}, PLACE)

    assert made is None
    assert [str(fault) for fault in faults] == [
        'a.toml:7: middleware[0].limits: unknown setting (did you mean "limit"?)',
        "a.toml:7: middleware[0].quite-else: unknown setting (known: called, factory, limit, needed)",
        "a.toml:7: middleware[0]: setting 'needed' is missing",
        "a.toml:7: middleware[0].limit: expected an integer, got string",
    ]


def test_a_required_private_attribute_is_the_plugins_fault() -> None:
    """What no configuration can set makes the class unusable, which is told and not raised."""
    cls = attrs.make_class("Odd", {"_engine": attrs.field(type=int)}, eq=False)

    assert refused(cls) == ["Odd.__init__() missing 1 required positional argument: 'engine'"]


def test_a_name_that_is_no_text_is_unknown() -> None:
    """A program's mapping may have any key."""
    _, faults = construct(Whole, {"needed": "a", 5: 1}, PLACE)  # type: ignore[dict-item]  # on purpose

    assert [fault.expected for fault in faults] == ["unknown setting"]


def test_a_type_that_is_not_there_at_run_time_is_told_with_the_remedy() -> None:
    """An annotation imported for type checkers only cannot be resolved."""
    cls = plugin("Nowhere", default=None)

    (text,) = refused(cls)

    assert text == (
        "a type that Plugin names is not there when it runs: name 'Nowhere' is not defined "
        "(import it outside of TYPE_CHECKING)"
    )


# -- validators ------------------------------------------------------------------------------------------------------


def raises(error: Exception) -> Callable[..., None]:
    def validate(instance: Any, attribute: Any, value: Any) -> None:
        raise error

    return validate


@pytest.mark.parametrize(
    ("validator", "value", "text"),
    [
        (attrs.validators.ge(1), 0, "x: 'x' must be >= 1: 0"),
        (attrs.validators.min_len(1), "", "x: Length of 'x' must be >= 1: 0"),
        (attrs.validators.in_(["a", "b"]), "cc", "x: 'x' must be in ['a', 'b'] (got ***)"),
        (attrs.validators.matches_re("[0-9]+"), "cc", "x: 'x' must match regex '[0-9]+' (*** doesn't)"),
        (attrs.validators.instance_of(str), 5, "x: 'x' must be <class 'str'> (got 5 that is a <class 'int'>)."),
        (raises(ValueError("x: expected an even number")), 5, "x: expected an even number"),
        (raises(ValueError("something else")), 5, "something else"),
        (raises(ValueError()), 5, ""),
        (raises(ConfigError("the port is taken")), 5, "the port is taken"),
        (raises(ConfigError([Fault("a", "one"), Fault("b", "two")])), 5, "a: one;b: two"),
        (raises(FileNotFoundError(2, "No such file")), 5, "FileNotFoundError: [Errno 2] No such file"),
        (raises(ZeroDivisionError("x: by zero")), 5, "x: ZeroDivisionError: x: by zero"),
    ],
)
def test_what_a_validator_says_stands_at_its_setting(validator: Any, value: Any, text: str) -> None:
    """Validators of attrs and of a plugin's own; whatever they raise is a fault and no traceback."""
    cls = plugin(Any, validator=validator)

    assert ";".join(refused(cls, x=value)) == text


def below(instance: Any, _: Any, value: Any) -> None:
    if value >= instance.high:
        raise ValueError("low: expected less than high")


def wordless(*_: Any) -> None:
    raise ValueError("this will not do")


def odd(*_: Any) -> None:
    raise KeyError("high")


@attrs.define(eq=False)
class Range:
    low: int = attrs.field(validator=below)
    high: int = attrs.field(default=10, validator=attrs.validators.le(20))
    size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    name: str = attrs.field(default="", converter=str.upper, validator=attrs.validators.max_len(2))
    parts: list[int] = attrs.field(factory=list, validator=attrs.validators.max_len(1))
    vague: int = attrs.field(default=0, validator=attrs.validators.optional(wordless))
    strange: int = attrs.field(default=0, validator=attrs.validators.optional(odd))


def test_all_that_validators_say_is_told_at_once() -> None:
    """Each is asked, also after the first has refused, and with the defaults of what was not written."""
    assert refused(Range, low=12, size=0, parts=[1, 2]) == [
        "low: expected less than high",
        "size: 'size' must be >= 1: 0",
        "parts: Length of 'parts' must be <= 1: 2",
    ]
    assert refused(Range, low=12, high=30, size=1) == ["high: 'high' must be <= 20: 30"]


def test_validators_are_asked_where_types_are_wrong_too() -> None:
    """One that looks at a value that is wrong says nothing, nor does one that is about no setting."""
    assert refused(Range, low=5, high="x", size=0, vague=1, strange=1, wide=1) == [
        "wide: unknown setting (known: high, low, name, parts, size, strange, vague)",
        "high: expected an integer, got string",
        "size: 'size' must be >= 1: 0",
    ]


@attrs.define(slots=False, eq=False)
class Raised(Exception):  # noqa: N818 - it is a plugin of a kind
    size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    count: int = attrs.field(default=1, validator=attrs.validators.ge(1))


def test_a_class_that_cannot_be_half_built_tells_its_first_fault() -> None:
    """Its other validators are not asked."""
    assert refused(Raised, size=0, count=0) == ["size: 'size' must be >= 1: 0"]


def test_a_class_that_refuses_to_be_built_is_a_fault_of_its_table() -> None:
    """What concerns several settings names none of them."""

    @attrs.define(eq=False)
    class Pair:
        low: int
        high: int

        def __attrs_post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("expected low to be at most high")

    assert refused(Pair, low=2, high=1) == ["expected low to be at most high"]


def echoing(instance: Any, attribute: Any, value: Any) -> None:
    raise ValueError(f"{attribute.name}: {value} is no good")


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (str, KEY),
        (int, KEY),
        (float, KEY),
        (bool, KEY),
        (Literal["a"], KEY),
        (Colour, KEY),
        (Secret, KEY),
        (list[str], KEY),
        (list[str], [KEY]),
        (list[int], [KEY]),
        (tuple[int, ...], (KEY,)),
        (dict[str, int], {"a": KEY}),
        (dict[str, str], {"a": KEY}),
        (int | None, KEY),
        (Route, KEY),
        (Route, {"to": 1, "weight": KEY}),
        (ModuleType, KEY),
        (Any, [{"a": (KEY,)}]),
    ],
)
def test_no_fault_ever_shows_a_text_of_the_settings(wanted: Any, value: Any) -> None:
    """It may be a key that was put where it does not belong."""
    texts = refused(plugin(wanted, validator=echoing), x=value)

    assert not any(KEY in text for text in texts)


def test_a_short_text_is_masked_only_where_it_is_quoted() -> None:
    """A short value may be a part of any word of the message."""
    assert refused(plugin(str, validator=raises(ValueError("expected http or 'ht'"))), x="ht") == [
        "expected http or ***"
    ]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_what_has_any_type_is_taken_unchanged(value: Any) -> None:
    """``Any`` means what it says."""
    assert taken(Any, value) is value


@given(st.dictionaries(st.text(min_size=1), st.lists(st.integers())))
def test_nested_values_come_out_as_they_went_in(value: dict[str, list[int]]) -> None:
    """A table of arrays of integers is one afterwards, and equal."""
    assert taken(dict[str, list[int]], value) == value


def test_nothing_heavy_is_imported_to_construct_plugins() -> None:
    """The module itself brings in cattrs and no more of the clients."""
    import subprocess

    code = "import sys, jackfield.construct; print(sorted(m for m in sys.modules if m in {'urllib3', 'aiohttp', 'msgspec'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
