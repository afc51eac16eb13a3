"""Single values from the environment reach the key that their name means, or are a fault."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.config.environment import overlay, value_of
from jackfield.config.place import Places


def tree() -> dict[str, Any]:
    """A configuration with all that a variable can reach."""
    return {
        "default_model": "openai/a",
        "models": {"gpt-5.4": "openai/x"},
        "backends": {
            "OpenAI": {
                "provider": "openai",
                "base_url": "https://one",
                "timeout": {"total": 5},
                "middleware": [{"use": "bearer", "token": "env:A"}, {"use": "header", "name": "a"}, {"use": "header"}],
            },
            "my-llm": {"provider": "openai"},
        },
        "middleware": [{"use": "retry", "max_attempts": 3}, "broken"],
    }


def laid(variables: dict[str, str]) -> tuple[dict[str, Any], list[str], Places]:
    """The tree after the variables, and the faults."""
    changed, places = tree(), Places("x.toml")
    faults = overlay(changed, variables, places)
    return changed, [str(fault) for fault in faults], places


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("DEFAULT_MODEL", ("default_model",)),
        ("default_model", ("default_model",)),
        ("BACKENDS__OPENAI__BASE_URL", ("backends", "OpenAI", "base_url")),
        ("BACKENDS__OPENAI__NEW_ONE", ("backends", "OpenAI", "new_one")),
        ("BACKENDS__MY_LLM__BASE_URL", ("backends", "my-llm", "base_url")),
        ("BACKENDS__NEW__PROVIDER", ("backends", "new", "provider")),
        ("BACKENDS__OPENAI__HEADERS__X_TEAM", ("backends", "OpenAI", "headers", "x_team")),
        ("BACKENDS__OPENAI__TIMEOUT__CONNECT", ("backends", "OpenAI", "timeout", "connect")),
        ("BACKENDS__OPENAI__MIDDLEWARE__BEARER__TOKEN", ("backends", "OpenAI", "middleware", 0, "token")),
        ("BACKENDS__OPENAI__MIDDLEWARE__2__NAME", ("backends", "OpenAI", "middleware", 2, "name")),
        ("MIDDLEWARE__RETRY__MAX_ATTEMPTS", ("middleware", 0, "max_attempts")),
        ("MIDDLEWARE__0__USE", ("middleware", 0, "use")),
        ("MIDDLEWARE__1", ("middleware", 1)),
        ("MODELS__GPT_5_4", ("models", "gpt-5.4")),
        ("MODELS__FAST", ("models", "fast")),
    ],
)
def test_a_name_reaches_its_key(name: str, path: tuple[str | int, ...]) -> None:
    """Case does not matter, ``_`` stands for what a name cannot have, middleware goes by use or index."""
    changed, faults, places = laid({f"JACKFIELD__{name}": "new-value"})
    value: Any = changed
    for key in path:
        value = value[key]

    assert faults == []
    assert value == "new-value"
    assert places.place(path).file == f"JACKFIELD__{name}"


def test_nothing_else_changes() -> None:
    """A variable that is set changes its own value only; an empty one, and other programs', none."""
    changed, faults, _ = laid(
        {"JACKFIELD__BACKENDS__OPENAI__BASE_URL": "u", "JACKFIELD__MODELS": "", "JACKFIELD_X": "1", "HOME": "/"}
    )
    expected = tree()
    expected["backends"]["OpenAI"]["base_url"] = "u"

    assert (changed, faults) == (expected, [])


def test_a_table_is_merged_and_an_array_replaced() -> None:
    """The whole is laid before its parts, whatever the order of the variables."""
    changed, faults, places = laid(
        {
            "JACKFIELD__BACKENDS__OPENAI__TIMEOUT__IDLE": "7",
            "JACKFIELD__BACKENDS__OPENAI__TIMEOUT": "{connect = 1, idle = 2}",
            "JACKFIELD__MIDDLEWARE__LOGGING__LEVEL": "debug",
            "JACKFIELD__MIDDLEWARE": '[{use = "logging"}]',
        }
    )

    assert faults == []
    assert changed["backends"]["OpenAI"]["timeout"] == {"total": 5, "connect": 1, "idle": 7}
    assert changed["middleware"] == [{"use": "logging", "level": "debug"}]
    assert places.place(("backends", "OpenAI", "timeout", "total")).file == "x.toml"
    assert places.place(("backends", "OpenAI", "timeout", "connect")).file == "JACKFIELD__BACKENDS__OPENAI__TIMEOUT"
    assert places.place(("middleware", 0, "level")).file == "JACKFIELD__MIDDLEWARE__LOGGING__LEVEL"


def test_a_layer_takes_a_table_too() -> None:
    """A table for an entry of middleware is merged with it."""
    changed, faults, _ = laid({"JACKFIELD__MIDDLEWARE__RETRY": "{max_attempts = 9}"})

    assert faults == []
    assert changed["middleware"][0] == {"use": "retry", "max_attempts": 9}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BAKENDS__X", 'bakends: nothing of that name can be set by the environment (did you mean "backends"?)'),
        (
            "PROFILES__P__DEFAULT_MODEL",
            (
                "profiles: nothing of that name can be set by the environment "
                "(known: backends, default_model, middleware, models)"
            ),
        ),
        ("", "expected names of keys, two underscores between them"),
        ("MODELS__", "expected names of keys, two underscores between them"),
        ("MODELS____X", "expected names of keys, two underscores between them"),
        ("DEFAULT_MODEL__X", "default_model: expected a table to put x in, got string"),
        ("MIDDLEWARE__1__X", "middleware[1]: expected a table to put x in, got string"),
        ("MIDDLEWARE__RETYR__X", 'middleware.retyr: no middleware of that name is configured (did you mean "retry"?)'),
        ("MIDDLEWARE__7__X", "middleware.7: no middleware of that name is configured (known: retry)"),
        (
            f"MIDDLEWARE__{'9' * 4400}__X",  # of more digits than Python reads
            f"middleware.{'9' * 4400}: no middleware of that name is configured (known: retry)",
        ),
        (
            "BACKENDS__MY_LLM__MIDDLEWARE__BEARER__TOKEN",
            "backends.my-llm.middleware.bearer: no middleware of that name is configured",
        ),
        (
            "BACKENDS__OPENAI__MIDDLEWARE__HEADER__NAME",
            "backends.OpenAI.middleware: more than one middleware is meant (give its index, one of [1, 2])",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_a_fault(name: str, expected: str) -> None:
    """The variable stands for the file, and its value is not repeated."""
    _, faults, _ = laid({f"JACKFIELD__{name}": "sk-secret"})

    assert faults == [f"JACKFIELD__{name}: {expected}"]


def test_two_keys_of_one_name_are_a_fault() -> None:
    """Which of them is meant cannot be told."""
    faults = overlay(
        {"models": {"my-llm": "a", "my_llm": "b", 5: "c"}}, {"JACKFIELD__MODELS__MY_LLM": "x"}, Places(None)
    )

    assert [str(fault) for fault in faults] == [
        "JACKFIELD__MODELS__MY_LLM: models: more than one key is meant: my-llm, my_llm"
    ]


def test_the_short_cut_sets_the_default_model_as_text() -> None:
    """``JACKFIELD_MODEL`` is never parsed, and gives way to the long form; empty counts as not set."""
    changed, faults, places = laid({"JACKFIELD_MODEL": "5"})
    assert (changed["default_model"], faults) == ("5", [])
    assert places.place(("default_model",)).file == "JACKFIELD_MODEL"
    long, _, _ = laid({"JACKFIELD__DEFAULT_MODEL": "long", "JACKFIELD_MODEL": "short"})

    assert long["default_model"] == "long"
    assert laid({"JACKFIELD_MODEL": ""})[0] == tree()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        (" false ", False),
        ("5", 5),
        ("-1_000", -1000),
        ("0x1F", 31),
        ("2.5e3", 2500.0),
        ('"5"', "5"),
        ("'a'", "a"),
        ('""', ""),
        ("[1, 'a']", [1, "a"]),
        ('{a = 1, b.c = "x"}', {"a": 1, "b": {"c": "x"}}),
        # Text that only looks like TOML stays what it is.
        ("True", "True"),
        ("007", "007"),
        ("1.2.3", "1.2.3"),
        ("2024-08-06", "2024-08-06"),
        ("2024-08-06 07:00:00", "2024-08-06 07:00:00"),
        ("inf", "inf"),
        ("nan", "nan"),
        ("5 # five", "5 # five"),
        ("[::1]:80", "[::1]:80"),
        ("{prompt}", "{prompt}"),
        ('"open', '"open'),
        ('"a"\nvalue2 = 1', '"a"\nvalue2 = 1'),
        ("env:KEY", "env:KEY"),
        ("https://host/v1", "https://host/v1"),
        ("", ""),
        (" text ", " text "),
    ],
)
def test_values_are_toml_only_where_they_are_written_so(text: str, expected: Any) -> None:
    """Numbers, booleans, quoted strings, arrays and inline tables are parsed; all else is text."""
    value = value_of(text)

    assert value == expected
    assert type(value) is type(expected)


def test_endless_nesting_is_text() -> None:
    """A value cannot exhaust the stack."""
    text = "[" * 50_000

    assert value_of(text) == text


def test_middleware_is_put_before_all_other() -> None:
    """It has the variable as its place, and what stood there before keeps its own."""
    variables = {
        "JACKFIELD_OUTERMOST": '{use = "record", file = "x"}',
        "JACKFIELD__MIDDLEWARE__0__MAX_ATTEMPTS": "5",
    }
    changed, faults, places = laid(variables)

    assert faults == []
    assert changed["middleware"] == [{"use": "record", "file": "x"}, {"use": "retry", "max_attempts": 5}, "broken"]
    assert (
        str(places.place(("middleware", 0)).fault("file", "wrong")) == "JACKFIELD_OUTERMOST: middleware[0].file: wrong"
    )
    assert places.origin(("middleware", 1, "use")).file == "x.toml"
    assert places.origin(("middleware", 1, "max_attempts")).file == "JACKFIELD__MIDDLEWARE__0__MAX_ATTEMPTS"


def test_each_middleware_that_was_there_keeps_its_place() -> None:
    """However many are put before it."""
    layers = [{"use": "a"}, {"use": "b"}, {"use": "c"}]
    lines = {("middleware", index): 10 * index for index in range(3)}
    for many in (1, 2, 4):
        places = Places("x.toml", lines)
        outer = ", ".join(['{use = "z"}'] * many)
        overlay({"middleware": layers}, {"JACKFIELD_OUTERMOST": f"[{outer}]"}, places)
        assert [places.origin(("middleware", many + index)).line for index in range(3)] == [0, 10, 20]


@pytest.mark.parametrize("there", [None, [], ()])
def test_middleware_is_put_where_there_is_none(there: Any) -> None:
    """Several come in their order."""
    changed: dict[str, Any] = {} if there is None else {"middleware": there}
    overlay(changed, {"JACKFIELD_OUTERMOST": '[{use = "a"}, {use = "b"}]'}, Places())

    assert changed == {"middleware": [{"use": "a"}, {"use": "b"}]}


def test_middleware_is_put_before_nothing_that_is_none() -> None:
    """What is no array is told of by the check of the whole."""
    changed: dict[str, Any] = {"middleware": "broken"}
    overlay(changed, {"JACKFIELD_OUTERMOST": '{use = "a"}'}, Places())

    assert changed == {"middleware": "broken"}
