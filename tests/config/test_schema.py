"""The JSON Schema of the whole file agrees with what jackfield itself takes and refuses."""

from __future__ import annotations

import copy
import json
from typing import Any, ClassVar, Literal

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from jackfield import Secret, hookimpl
from jackfield.catalogue import catalogue
from jackfield.config.load import load
from jackfield.config.schema import DIALECT, schema
from jackfield.errors import ConfigError
from jackfield.plugins import assemble
from jackfield.registry import Registry


@attrs.define(eq=False)
class Inner:
    to: str
    weight: int = attrs.field(default=1, validator=attrs.validators.ge(1))


@attrs.define(eq=False)
class Zoo:
    """Answer as an animal.

    Attributes:
        animal: which.
    """

    animal: Literal["cat", "dog"]
    name: str = ""
    legs: int = attrs.field(default=4, validator=attrs.validators.ge(0))
    weight: float = 1.0
    tame: bool = True
    key: Secret | None = None
    nest: Inner | None = None
    nests: tuple[Inner, ...] = ()
    either: int | str = 0
    counts: dict[str, int] = attrs.field(factory=dict)

    @hookimpl
    def create_chat_completion(self, request, call):
        yield from ()


@attrs.define(eq=False)
class Plain:
    """A provider without settings."""

    @hookimpl
    def create_chat_completion(self, request, call):
        yield from ()


@attrs.define(eq=False)
class Loud:
    """Shout.

    Attributes:
        volume: how loud.
    """

    volume: int
    echo: bool = False

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@attrs.define(eq=False)
class Pass:
    backend_only: ClassVar[bool] = True
    token: Secret

    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield http_request)


PROVIDERS = {"zoo": Zoo, "a/b~c %": Plain}
MIDDLEWARE = {"loud": Loud, "pass": Pass}
SCHEMA = schema(PROVIDERS, MIDDLEWARE)
VALIDATOR = Draft202012Validator(SCHEMA)
CAT = {"provider": "zoo", "animal": "cat"}


def taken(data: dict[str, Any]) -> bool:
    """Whether jackfield takes a configuration, by itself and with each of its profiles."""
    for profile in (None, *data.get("profiles", {})):
        registry = Registry({**PROVIDERS, **MIDDLEWARE})
        loaded = load(copy.deepcopy(data), profile=profile, environ={}, installed=registry)
        try:
            assemble(loaded.settings, loaded.faults, registry)
        except ConfigError:
            return False
    return True


def test_the_schema_is_one() -> None:
    """It keeps to its dialect's own schema."""
    assert SCHEMA["$schema"] == DIALECT
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_the_schema_of_what_is_installed_here_is_one() -> None:
    """The plugins of this repository too, none of which is left out."""
    found = catalogue(Registry())
    whole = schema(found.providers, found.middleware)

    Draft202012Validator.check_schema(whole)
    assert "provider.echo" in whole["$defs"]
    assert found.faults == ()


def settings(**table: Any) -> dict[str, Any]:
    """A configuration with these settings of the provider."""
    return {"backends": {"x": {**CAT, **table}}}


def layer(**table: Any) -> dict[str, Any]:
    """A configuration with this layer of the host."""
    return {**settings(), "middleware": [table]}


def profile(**table: Any) -> dict[str, Any]:
    """A configuration with this profile."""
    return {**settings(nest={"to": "a"}), "profiles": {"p": table}}


GOOD: list[dict[str, Any]] = [
    settings(),
    {**settings(), "default_model": "x/y", "models": {"fast": "x/z"}},
    settings(timeout=5),
    settings(timeout={"total": 1.5, "connect": 1}),
    settings(transport={"proxy": "HTTP://proxy", "ca_file": __file__, "max_connections": 1}),
    settings(name="", legs=0, weight=1, tame=False, key="env:KEY", either="x", counts={"a": 1}),
    settings(nest={"to": "a"}, nests=[{"to": "a", "weight": 2}]),
    settings(middleware=[{"use": "pass", "token": "file:/x"}, {"use": "loud", "volume": 1}]),
    {"backends": {"x": {"provider": "a/b~c %"}, "y": CAT}},
    layer(use="loud", volume=3),
    {**settings(), "middleware": []},
    profile(),
    profile(default_model="x/y", models={"a": "x/y"}),
    profile(backends={"x": {"legs": 3}}),
    profile(backends={"x": {"timeout": {"total": 1}, "transport": {"proxy": "http://p"}}}),
    profile(backends={"x": {"nest": {"weight": 5}}}),
    profile(backends={"y": CAT}),
    profile(backends={"x": {"provider": "zoo"}}),
    profile(backends={}),
    profile(middleware=[{"use": "loud", "volume": 3}]),
    profile(backends={"x": {"middleware": [{"use": "pass", "token": "env:A"}]}}),
]
BAD: list[dict[str, Any]] = [
    {},
    {"backends": {}},
    {"backends": []},
    {**settings(), "bakends": {}},
    {**settings(), "default_model": 1},
    {**settings(), "default_model": " "},
    {**settings(), "models": {"": "x/y"}},
    {**settings(), "models": {"a": ""}},
    {"backends": {"x/y": CAT}},
    {"backends": {" ": CAT}},
    {"backends": {"x": 1}},
    {"backends": {"x": {}}},
    {"backends": {"x": {"animal": "cat"}}},
    {"backends": {"x": {"provider": "zoo"}}},
    {"backends": {"x": {"provider": "loud"}}},
    {"backends": {"x": {"provider": "a/b~c %", "animal": "cat"}}},
    settings(animl="cat"),
    settings(animal="cow"),
    settings(name=1),
    settings(legs=-1),
    settings(legs="4"),
    settings(legs=True),
    settings(weight="1"),
    settings(tame=1),
    settings(key="sk-plain"),
    settings(nest={"weight": 1}),
    settings(nest={"to": "a", "wait": 1}),
    settings(nests=[{"to": "a", "weight": 0}]),
    settings(either=[]),
    settings(counts={"a": "b"}),
    settings(timeout=0),
    settings(timeout=True),
    settings(timeout="5"),
    settings(timeout={"totl": 1}),
    settings(timeout={"total": 1e9}),
    settings(transport={"proxy": "socks://x"}),
    settings(transport={"ca_file": " "}),
    settings(transport={"max_connections": 0}),
    settings(transport={"proxi": "http://x"}),
    settings(transport=5),
    settings(middleware={"use": "loud"}),
    settings(middleware=[{"volume": 3}]),
    layer(use="loud"),
    layer(use="loud", volume="3"),
    layer(use="loud", volume=3, ecko=True),
    layer(use="zoo"),
    layer(use="pass", token="env:KEY"),
    layer(volume=3),
    {**settings(), "middleware": ["loud"]},
    {**settings(), "profiles": []},
    {**settings(), "profiles": {"p": 1}},
    profile(profiles={}),
    profile(nonsense=1),
    profile(backends={"x": {"legs": "3"}}),
    profile(backends={"x": {"lgs": 3}}),
    profile(backends={"x": {"provider": "nope"}}),
    profile(backends={"x": {"timeout": {"totl": 1}}}),
    profile(backends={"x": {"nests": [{"weight": 5}]}}),
    profile(backends={"x": {"nest": {"wait": 5}}}),
    profile(middleware=[{"use": "loud"}]),
    profile(middleware=[{"volume": 1}]),
    profile(backends={"x": {"middleware": [{"use": "pass"}]}}),
]


@pytest.mark.parametrize("data", GOOD, ids=json.dumps)
def test_what_jackfield_takes_the_schema_takes(data: dict[str, Any]) -> None:
    """No editor underlines what works."""
    assert taken(data)
    assert list(VALIDATOR.iter_errors(data)) == []


@pytest.mark.parametrize("data", BAD, ids=json.dumps)
def test_what_jackfield_refuses_for_its_shape_the_schema_refuses(data: dict[str, Any]) -> None:
    """Unknown keys and names, wrong types, what is missing or out of bounds."""
    assert not taken(data)
    assert not VALIDATOR.is_valid(data)


VALUES = st.one_of(
    st.booleans(),
    st.integers(-2, 5),
    st.sampled_from(
        [0.5, -1.5, "", "cat", "zoo", "loud", "env:KEY", "http://x", "x/y", [], {}, [1], ["cat"], {"a": 1}]
    ),
    st.dictionaries(
        st.sampled_from(["to", "weight", "total", "use", "volume"]), st.sampled_from(["a", 1, 0.5]), max_size=2
    ),
)
SETTINGS = st.dictionaries(
    st.sampled_from([*(field.name for field in attrs.fields(Zoo)), "timeout", "transport", "middleware", "other"]),
    VALUES,
    max_size=3,
)
LAYERS = st.lists(
    st.fixed_dictionaries(
        {}, optional={"use": st.sampled_from(["loud", "pass", "no"]), "volume": VALUES, "token": VALUES}
    ),
    max_size=2,
)
CONFIGURATIONS = st.fixed_dictionaries(
    {"backends": st.fixed_dictionaries({"x": SETTINGS.map(lambda table: {**CAT, **table})})},
    optional={
        "middleware": LAYERS,
        "profiles": st.dictionaries(
            st.just("p"),
            st.fixed_dictionaries(
                {}, optional={"middleware": LAYERS, "backends": st.dictionaries(st.just("x"), SETTINGS)}
            ),
        ),
    },
)


@given(CONFIGURATIONS)
@example(GOOD[-1])
def test_the_schema_agrees_with_jackfield(data: dict[str, Any]) -> None:
    """Whatever stands in it, so long as no alias and no name is at fault."""
    assert VALIDATOR.is_valid(data) == taken(data), json.dumps(data)


def test_help_and_defaults_are_in_it() -> None:
    """What an editor shows beside a setting, from the docstring of its plugin."""
    zoo, loud = SCHEMA["$defs"]["provider.zoo"], SCHEMA["$defs"]["middleware.loud"]

    assert zoo["description"] == "Answer as an animal."
    assert zoo["properties"]["animal"]["description"] == "which."
    assert zoo["properties"]["legs"]["default"] == 4
    assert zoo["required"] == ["provider", "animal"]
    assert loud["required"] == ["use", "volume"]
    assert SCHEMA["$defs"]["transport"]["properties"]["max_connections"]["default"] == 1000


def test_a_fault_is_told_where_it_is() -> None:
    """One error at the setting, and none that the table fits no alternative."""
    (error,) = VALIDATOR.iter_errors(settings(legs="four"))

    assert list(error.absolute_path) == ["backends", "x", "legs"]
    assert error.message == "'four' is not of type 'integer'"


def test_a_key_of_every_backend_is_not_a_setting_of_one() -> None:
    """A provider whose setting has the name of one can never be given it; the schema says what the file has."""

    @attrs.define(eq=False)
    class Odd(Plain):
        timeout: str = ""

    assert schema({"odd": Odd}, {})["$defs"]["provider.odd"]["properties"]["timeout"] == {"$ref": "#/$defs/timeout"}
