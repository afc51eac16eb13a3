"""Guesses at what was meant, and names of what was given."""

from __future__ import annotations

from collections import UserDict
from datetime import date, datetime, time
from typing import Any

import pytest

from jackfield.config.hints import closest, did_you_mean, kind


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "string"),
        (" \n", "an empty string"),
        (True, "boolean"),
        (1, "integer"),
        (1.5, "float"),
        ({}, "table"),
        (UserDict(), "table"),
        ([], "array"),
        ((), "array"),
        (date(2026, 1, 1), "date or time"),
        (datetime(2026, 1, 1), "date or time"),  # noqa: DTZ001 - TOML has local times
        (time(1), "date or time"),
        (None, "null"),
        (b"x", "bytes"),
    ],
)
def test_kind_is_never_the_content(value: Any, expected: str) -> None:
    """Values are named by what they are."""
    assert kind(value) == expected


def test_the_closest_name_is_guessed_whatever_its_case() -> None:
    """A typo and a wrong case lead to the name as it is known."""
    assert did_you_mean("DEFALT_model", ["models", "default_model"]) == 'did you mean "default_model"?'
    assert closest("OPENAI", ["local", "OpenAI"]) == "OpenAI"
    assert closest("zzz", ["local"]) is None


def test_without_a_guess_a_short_list_is_shown() -> None:
    """Eight names help, nine are too many, none is no hint."""
    names = [f"name-{number}" for number in range(9)]

    assert did_you_mean("zzz", ["b", "a"]) == "known: a, b"
    assert did_you_mean("zzz", names[:8], what="profiles") == "profiles: " + ", ".join(names[:8])
    assert did_you_mean("zzz", names) is None
    assert did_you_mean("zzz", []) is None
