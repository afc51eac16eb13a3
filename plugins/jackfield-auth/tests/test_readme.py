"""The README tells the truth about the settings, and the package about its plugins."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs
import pytest

import jackfield_auth

ROOT = Path(__file__).parents[1]
PLUGINS = {"bearer": "Bearer", "header": "Header", "oauth2": "OAuth2"}


@pytest.mark.parametrize("name", PLUGINS)
def test_the_readme_lists_the_settings(name: str):
    """The tables are complete and in order, and tell what is required."""
    section = (ROOT / "README.md").read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", section, re.MULTILINE)
    words = {attrs.NOTHING: "required", None: "none", "": "empty"}
    fields = [field for field in attrs.fields(getattr(jackfield_auth, PLUGINS[name])) if field.init]

    assert rows == [
        (field.name, "none" if isinstance(field.default, attrs.Factory) else words.get(field.default, field.default))
        for field in fields
    ]


def test_the_entry_points_are_the_plugins():
    """Each class is published under its name, and may stand inside a backend only."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["entry-points"] == {
        "jackfield.middleware": {name: f"jackfield_auth:{plugin}" for name, plugin in PLUGINS.items()}
    }
    assert all(getattr(jackfield_auth, plugin).backend_only for plugin in PLUGINS.values())
