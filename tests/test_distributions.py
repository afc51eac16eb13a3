"""The distributions of this repository: each is known wherever all of them are named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from jackfield.cli.others import OWN as COMMANDS
from jackfield.plugins import OWN

ROOT = Path(__file__).parent.parent
PROJECTS = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in ROOT.glob("plugins/*/pyproject.toml")
}


def entry_points(project: dict[str, Any], *groups: str) -> list[str]:
    """Names of the entry points in some of jackfield's groups, in all unless told."""
    found = project["project"]["entry-points"]
    return [name for group in groups or found for name in found.get(group, {})]


@pytest.mark.parametrize(
    ("known", "groups"), [(OWN, ("jackfield.providers", "jackfield.middleware")), (COMMANDS, ("jackfield.commands",))]
)
def test_the_core_knows_which_distribution_brings_a_plugin_or_a_command(known, groups):
    """Its errors name it to whoever has not installed it."""
    assert {name: own for own, project in PROJECTS.items() for name in entry_points(project, *groups)} == known


@pytest.mark.parametrize("name", sorted(PROJECTS))
def test_a_distribution_is_named_where_all_are(name):
    """Types and floors are checked, the README lists it with what it brings, and the documentation has its page."""
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert f"plugins{{/}}{name}{{/}}src" in tox
    assert f"-e plugins{{/}}{name}" in tox
    row = next(line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if f"[`{name}`]" in line)
    assert all(f"`{plugin}`" in row for plugin in entry_points(PROJECTS[name]))
    page = name.removeprefix("jackfield-")
    assert page in (ROOT / "docs/reference/plugins/index.md").read_text(encoding="utf-8").split()
    assert (ROOT / f"docs/reference/plugins/{page}.md").exists()
