"""The README tells the truth about the settings, and the package about its plugins."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs
import pytest

import jackfield_replay
from jackfield_replay.text import read

ROOT = Path(__file__).parents[1]
PLUGINS = {"record": "Record", "replay": "Replay"}
WORDS = {attrs.NOTHING: "required", None: "none", (): "none"}


@pytest.mark.parametrize("name", PLUGINS)
def test_the_readme_lists_the_settings(name):
    """The tables are complete and in order, and tell what is required."""
    section = (ROOT / "README.md").read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", section, re.MULTILINE)
    fields = [field for field in attrs.fields(getattr(jackfield_replay, PLUGINS[name])) if field.init]
    defaults = {"repeat": "false", "pace": "0"}

    assert rows == [
        (field.name, defaults.get(field.name) or WORDS.get(field.default, field.default)) for field in fields
    ]
    assert (jackfield_replay.Replay("x").repeat, jackfield_replay.Replay("x").pace) == (False, 0.0)


def test_the_entry_points_are_the_plugins():
    """Each class is published under its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["entry-points"] == {
        "jackfield.middleware": {name: f"jackfield_replay:{plugin}" for name, plugin in PLUGINS.items()}
    }


def test_the_example_of_a_document_is_one():
    """It is read as it stands, once what is left out in it is filled in."""
    text = (ROOT / "README.md").read_text().partition("```text\n---\n")[2].partition("...\n```")[0]
    exchange = read(text.replace("[ … ]", "[]").encode())

    assert (exchange.end, exchange.failure.code, len(exchange.response.blocks)) == ("failed", "reset", 2)
    assert exchange.response.blocks[1].after == 0.031
