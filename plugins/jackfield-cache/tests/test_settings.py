"""Settings: checked when they are loaded, and listed in the README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield.secret import Secret
from jackfield_cache import Cache

README = Path(__file__).parents[1] / "README.md"
WRONG: dict[str, list[Any]] = {
    "path": ["", " ", "\0", "a\0b", 1, True, b"x"],
    "url": ["redis://127.0.0.1/0", 1, True],
    "ttl": [0, -1, float("nan"), float("inf"), True, "60", None],
    "max_bytes": [0, -1, 1.5, True, "1", None],
    "only_deterministic": [1, 0, "true", None],
    "by_labels": ["tenant", [""], [" "], [1], None, ["a", "a"], {"a": 1}],
    "single_flight": [1, 0, "true", None],
}


@pytest.mark.parametrize(("setting", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_settings_are_checked(setting: str, value: Any):
    """A value that does not fit is refused with the setting's name and what was expected, and is not repeated."""
    with pytest.raises(ValueError, match=f"^{setting}: expected [^0-9]*[01]?$"):
        Cache(**{setting: value})


def test_every_setting_is_looked_at():
    """A new one has its wrong values here."""
    assert {field.name for field in attrs.fields(Cache) if field.init} == WRONG.keys()


def test_a_file_and_a_server_are_one_too_many():
    """Only one of them can be meant."""
    with pytest.raises(ValueError, match=r"^url: expected a path or a url, not both$"):
        Cache(path="x", url=Secret("env:X"))


def test_the_readme_lists_the_settings():
    """The table of settings in the README is complete, and its defaults are those of the class."""
    table = README.read_text().partition("| setting |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", table, re.MULTILINE))
    shown = {None: "none", (): "none", True: "`true`"}
    defaults = {
        field.name: str(shown.get(field.default, field.default)).removesuffix(".0")
        for field in attrs.fields(Cache)
        if field.init
    }

    assert rows == defaults
