"""Dependencies: few, and none of a release with a known hole."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from walkthrough import ROOT, distributions

HOLES: dict[str, dict[str, str]] = {
    canonicalize_name(name): holes
    for name, holes in tomllib.loads((Path(__file__).parent / "holes.toml").read_text(encoding="utf-8")).items()
}
OWN = {canonicalize_name(name) for name in distributions()}


def requirements(project: dict[str, Any]) -> list[Requirement]:
    """What a distribution asks for, extras included, but no distribution of this repository."""
    extras = project.get("optional-dependencies", {}).values()
    asked = [*project["dependencies"], *(text for extra in extras for text in extra)]
    return [wanted for wanted in map(Requirement, asked) if canonicalize_name(wanted.name) not in OWN]


ASKED = {
    f"{name}: {wanted.name}": wanted for name, project in distributions().items() for wanted in requirements(project)
}


def test_the_core_has_six_dependencies() -> None:
    """Each one more is one more to trust; urllib3 is the only one of them that talks to the network."""
    names = {wanted.name for wanted in map(Requirement, distributions()["jackfield"]["dependencies"])}

    assert names == {"attrs", "cattrs", "msgspec", "platformdirs", "pluggy", "urllib3"}


@pytest.mark.parametrize("wanted", ASKED.values(), ids=list(ASKED))
def test_the_floor_of_a_dependency_is_above_its_holes(wanted: Requirement) -> None:
    """Every direct dependency is in the table of holes, and the lowest release that is allowed has none of them."""
    holes = HOLES[canonicalize_name(wanted.name)]
    (floor,) = [spec.version for spec in wanted.specifier if spec.operator == ">="]

    assert {hole for hole, fixed in holes.items() if Version(floor) < Version(fixed)} == set()


@pytest.mark.parametrize("name", sorted(HOLES))
def test_what_is_installed_has_no_known_hole(name: str) -> None:
    """The environment of these tests has what a user would get today, and none of it has a hole of the table."""
    try:
        installed = Version(version(name))
    except PackageNotFoundError:
        pytest.skip(f"{name} is not needed on this system")

    assert {hole for hole, fixed in HOLES[name].items() if installed < Version(fixed)} == set()


def test_what_tests_ask_for_is_what_users_get() -> None:
    """The group ``test`` has the extras' own requirements: the floors that are tested are those that are published."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = {text for extra in data["project"]["optional-dependencies"].values() for text in extra}

    assert extras <= set(data["dependency-groups"]["test"])


def test_holes_are_told_by_their_ids() -> None:
    """Each entry of the table can be looked up."""
    ids = [hole for holes in HOLES.values() for hole in holes]

    assert [text for text in ids if not re.fullmatch(r"(CVE|PYSEC)-\d{4}-\d+|GHSA(-[a-z0-9]{4}){3}", text)] == []
