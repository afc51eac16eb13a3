"""The settings are checked, and the README tells the truth about them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

import jackfield
import jackfield_routing
from jackfield_routing import Balance, CircuitBreaker, Fallback

ROOT = Path(__file__).parents[1]
PLUGINS = {"balance": Balance, "circuit-breaker": CircuitBreaker, "fallback": Fallback}
WRONG: dict[type, dict[str, list[Any]]] = {
    Fallback: {
        "models": [
            *({}, None, [], "m", {"m": "n"}, {"m": []}, {"m": ["m"]}, {"m": ["n", "n"]}, {"m": [""]}, {"": ["n"]}),
            *({"m": ["a", "b", "c", "d", "e"]}, {"m": [1]}, {1: ["n"]}, {"m": ["n"], "o": []}),
        ],
        "on": ["content_filter", ["filter"], [1], None, {"content_filter": True}],
    },
    Balance: {
        "models": [
            *({}, None, [], {"m": {}}, {"m": ["n"]}, {"m": {"n": 0}}, {"m": {"n": -1}}, {"m": {"n": 1.5}}),
            *({"m": {"n": True}}, {"m": {"n": "1"}}, {"m": {"": 1}}, {"": {"n": 1}}, {"m": {"n": 10**7}}),
            *({"m": {"n": 1, "o": -1}}, {"m": {"n": None}}),
        ],
        "by": ["", "random", None, ["weight"]],
        "sticky": ["", " ", 1, ["user"]],
    },
    CircuitBreaker: {
        "min_calls": [0, -1, 1.5, True, "3", None],
        "failure_ratio": [0, -0.1, 1.1, float("nan"), True, "1", None],
        "window": [0, 0.1, -1, float("inf"), float("nan"), True, "30", None, 1e9],
        "open_for": [0, -1, float("inf"), float("nan"), True, "5", None, 1e9],
        "max_open": [0, 4.9, float("inf"), float("nan"), True, "5", None, 1e9],
        "groups": [["m"], [["m"]], [["m", "m"]], [["m", ""]], "m", None, [[]], [["m", 1]]],
    },
}
CASES = [(cls, name, value) for cls, table in WRONG.items() for name, values in table.items() for value in values]


@pytest.mark.parametrize(("cls", "name", "value"), CASES, ids=str)
def test_settings_are_checked(cls: type, name: str, value: Any):
    """A value that does not fit is refused with the setting's name and what was expected, and is not repeated."""
    needed = {Fallback: {"models": {"m": ["n"]}}, Balance: {"models": {"m": {"n": 1}}}}.get(cls, {})

    with pytest.raises(ValueError, match=f"^{name}: expected"):
        cls(**{**needed, name: value})


def test_the_entry_of_a_table_that_does_not_fit_is_named():
    """It may have many."""
    with pytest.raises(ValueError, match=r'^models: expected 1 to 4 names for "o" \(number 2\), none of them twice'):
        Fallback(models={"m": ["n"], "o": []})
    with pytest.raises(ValueError, match=r'^models: expected names of models for "o" \(number 2\), with their weights'):
        Balance(models={"m": {"n": 1}, "o": {}})
    with pytest.raises(
        ValueError, match=r'^models: expected weights for "o" \(number 2\) that are whole numbers from 0'
    ):
        Balance(models={"m": {"n": 1}, "o": {"n": 1, "p": -1}})


def test_a_probe_cannot_come_later_than_the_latest():
    """``open_for`` above ``max_open`` is told at ``max_open``."""
    with pytest.raises(ValueError, match="max_open: expected at least as many seconds as open_for"):
        CircuitBreaker(open_for=400.0)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"use": "fallback"}, "middleware[0]"),
        ({"use": "fallback", "models": {"m": ["m"]}}, "middleware[0].models"),
        ({"use": "balance", "models": {"m": {"n": 0.5}}}, "middleware[0].models.m.n"),
        ({"use": "balance", "models": {"m": {"n": 1}}, "by": "chance"}, "middleware[0].by"),
        ({"use": "circuit-breaker", "windows": 3}, "middleware[0].windows"),
        ({"use": "circuit-breaker", "groups": [["a/m"]]}, "middleware[0].groups"),
    ],
)
def test_a_configuration_is_refused_at_its_place(settings: dict[str, Any], path: str):
    """The error names the setting."""
    with pytest.raises(jackfield.ConfigError) as caught:
        jackfield.Client({"backends": {"b": {"provider": "echo"}}, "middleware": [settings]})

    assert [fault.path for fault in caught.value.faults] == [path]


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"use": "fallback", "models": {"b/m": ["b/n", "nowhere/n"]}}, "middleware[0].models.b/m[1]"),
        ({"use": "fallback", "models": {"nowhere/n": ["b/n"]}}, "middleware[0].models.nowhere/n"),
        ({"use": "balance", "models": {"pool": {"b/n": 1, "nowhere/n": 1}}}, "middleware[0].models.pool.nowhere/n"),
        ({"use": "circuit-breaker", "groups": [["b/m", "b/n"], ["b/m", "nowhere/n"]]}, "middleware[0].groups[1][1]"),
    ],
)
def test_a_name_that_leads_nowhere_is_a_fault_of_the_configuration(settings: dict[str, Any], path: str):
    """It is told where it stands; in a backend any name is the backend's own."""
    with pytest.raises(jackfield.ConfigError, match="nowhere/n") as caught:
        jackfield.Client({"backends": {"b": {"provider": "echo"}}, "middleware": [settings]})

    assert [fault.path.replace('"', "") for fault in caught.value.faults] == [path]
    jackfield.Client({"backends": {"b": {"provider": "echo", "middleware": [settings]}}}).close()


def test_a_name_that_is_shared_out_inside_leads_somewhere():
    """A fallback to a name of ``balance`` is no fault."""
    layers = [{"use": "fallback", "models": {"b/m": ["pool"]}}, {"use": "balance", "models": {"pool": {"b/n": 1}}}]

    backends = {"b": {"provider": "echo"}, "c": {"provider": "echo"}}
    jackfield.Client({"backends": backends, "middleware": layers}).close()


def shown(default: Any) -> str:
    """A default as the README writes it."""
    if default is attrs.NOTHING:
        return "required"
    if default is None:
        return "none"
    return f"{default:g}" if isinstance(default, float) else "[]" if default == () else str(default)


@pytest.mark.parametrize("name", PLUGINS)
def test_the_readme_lists_the_settings(name: str):
    """The tables are complete and in order, with the defaults."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    table = section.partition("| setting |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", table, re.MULTILINE)

    assert rows == [(field.name, shown(field.default)) for field in attrs.fields(PLUGINS[name]) if field.init]


def test_the_entry_points_are_the_plugins():
    """Each class is published under its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["entry-points"] == {
        "jackfield.middleware": {name: f"jackfield_routing:{cls.__name__}" for name, cls in PLUGINS.items()}
    }
    assert sorted(jackfield_routing.__all__) == sorted(cls.__name__ for cls in PLUGINS.values())
