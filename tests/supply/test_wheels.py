"""Wheels and source distributions hold what they should, and nothing else."""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from packaging.requirements import Requirement

import jackfield
from builds import DIRECTORIES, NAMES, TOX, Build, stem, tracked
from walkthrough import ROOT, distributions


def contents(wheel: Path) -> dict[str, bytes]:
    """Every entry of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        assert len(archive.namelist()) == len(set(archive.namelist()))
        return {name: archive.read(name) for name in archive.namelist()}


def sources(name: str) -> dict[str, bytes]:
    """The files of a distribution's package, under version control, as a wheel names them."""
    base = ROOT / DIRECTORIES[name] / "src"
    found = [path for path in tracked() if path.is_relative_to(base)]
    return {path.relative_to(base).as_posix(): path.read_bytes() for path in found}


def info(name: str) -> str:
    """The directory of a wheel's metadata."""
    return f"{stem(name)}-{distributions()[name]['version']}.dist-info"


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_is_its_package_and_its_metadata(wheels: dict[str, Path], name: str) -> None:
    """The files under version control, byte for byte, and five of metadata: no ``.pth`` file, no script, no test."""
    held, package = contents(wheels[name]), sources(name)
    metadata = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}

    assert set(held) - package.keys() == {f"{info(name)}/{file}" for file in metadata}
    assert {path: held.get(path) for path in package} == package
    assert f"{stem(name)}/py.typed" in package
    assert held[f"{info(name)}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert {PurePosixPath(path).suffix for path in package} <= {
        ".py",
        ".typed",
        ".jinja",
        ".html",
        ".css",
        ".js",
        ".svg",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_is_for_every_system_and_runs_nothing_when_it_is_installed(wheels: dict[str, Path], name: str) -> None:
    """It is pure Python, in a directory of its own."""
    held = contents(wheels[name])
    lines = held[f"{info(name)}/WHEEL"].decode().splitlines()

    assert {"Root-Is-Purelib: true", "Tag: py3-none-any"} <= set(lines)
    assert {path.split("/")[0] for path in held} == {stem(name), info(name)}


@pytest.mark.parametrize("name", NAMES)
def test_the_record_of_a_wheel_is_true(wheels: dict[str, Path], name: str) -> None:
    """It lists every file, each with its own hash and size."""
    held = contents(wheels[name])
    record = f"{info(name)}/RECORD"
    rows = {path: (digest, size) for path, digest, size in csv.reader(io.StringIO(held[record].decode()))}

    assert rows.pop(record) == ("", "")
    assert rows == {path: (hash_of(data), str(len(data))) for path, data in held.items() if path != record}


def hash_of(data: bytes) -> str:
    """As a RECORD has it."""
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()}"


def asked(project: dict[str, Any]) -> set[Requirement]:
    """All requirements of a project, those of extras under their condition."""
    extras = project.get("optional-dependencies", {})
    optional = {Requirement(f'{text}; extra == "{extra}"') for extra, texts in extras.items() for text in texts}
    return {*map(Requirement, project["dependencies"]), *optional}


@pytest.mark.parametrize("name", NAMES)
def test_the_metadata_of_a_wheel_is_that_of_the_project(wheels: dict[str, Path], name: str) -> None:
    """Name, version, licence and requirements are those of ``pyproject.toml``; so are the entry points."""
    held, project = contents(wheels[name]), distributions()[name]
    metadata = Parser().parsestr(held[f"{info(name)}/METADATA"].decode())
    points = configparser.ConfigParser(delimiters="=")
    points.read_string(held[f"{info(name)}/entry_points.txt"].decode())
    declared = {**project.get("entry-points", {}), "console_scripts": project.get("scripts", {})}

    assert (metadata["Name"], metadata["Version"]) == (name, project["version"])
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    assert {Requirement(text) for text in metadata.get_all("Requires-Dist", [])} == asked(project)
    assert {section: dict(points[section]) for section in points.sections()} == {
        group: table for group, table in declared.items() if table
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_source_distribution_is_what_its_wheel_is_built_from(builds: tuple[Build, Build], name: str) -> None:
    """The package, its project file, README and licence: no test, and no file of another distribution."""
    with tarfile.open(builds[0].sdists[name]) as archive:
        top, held = f"{stem(name)}-{distributions()[name]['version']}", archive.getnames()
        assert all(member.isfile() for member in archive.getmembers())
    more = {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"} | ({"CHANGELOG.md"} if name == "jackfield" else set())

    assert set(held) - {f"{top}/.gitignore"} == {
        f"{top}/{path}" for path in (more | {f"src/{p}" for p in sources(name)})
    }


@pytest.mark.skipif(TOX is None, reason="JACKFIELD_TEST_WHEELS names no directory of wheels; tox does")
def test_there_is_a_wheel_for_every_distribution() -> None:
    """The wheels that were built are those of all distributions, once each."""
    assert sorted(map(stem, NAMES)) == sorted(wheel.name.split("-")[0] for wheel in Path(str(TOX)).glob("*.whl"))


@pytest.mark.skipif(TOX is None, reason="JACKFIELD_TEST_WHEELS names no directory of wheels; tox does")
def test_what_is_tested_is_the_wheel() -> None:
    """Where wheels were built, ``jackfield`` comes from the environment and not from the checkout."""
    assert not Path(jackfield.__file__).is_relative_to(ROOT / "src")
