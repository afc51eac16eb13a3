"""What is published can be built again by anyone, to the same bytes."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest

from builds import NAMES, Build, build, export, wheel_of_sdist

BEGINNING = (2020, 2, 2, 0, 0, 0)
"""The date of every file in an archive, where ``SOURCE_DATE_EPOCH`` says nothing: hatchling's own choice."""


def digest(path: Path) -> str:
    """Of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", NAMES)
def test_two_builds_have_the_same_bytes(builds: tuple[Build, Build], name: str) -> None:
    """Directory, order and dates of files, umask, time zone, locale and hash seed leave no trace."""
    first, second = builds

    assert digest(first.wheels[name]) == digest(second.wheels[name])
    assert digest(first.sdists[name]) == digest(second.sdists[name])


@pytest.mark.parametrize("name", NAMES)
def test_no_archive_tells_when_it_was_built(builds: tuple[Build, Build], name: str) -> None:
    """Nor who built it: two builds within a second of each other would not show that."""
    with zipfile.ZipFile(builds[0].wheels[name]) as wheel:
        assert {entry.date_time for entry in wheel.infolist()} == {BEGINNING}
    with tarfile.open(builds[0].sdists[name]) as sdist:
        owners = {(member.mtime, member.uid, member.gid, member.uname, member.gname) for member in sdist}
    assert owners == {(1580601600, 0, 0, "", "")}


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_built_from_the_source_distribution_is_the_same(
    builds: tuple[Build, Build], name: str, tmp_path: Path
) -> None:
    """Whoever has only the source distribution gets what was published."""
    assert digest(wheel_of_sdist(builds[0].sdists[name], tmp_path)) == digest(builds[0].wheels[name])


def test_the_date_of_the_source_is_taken_where_it_is_told(tmp_path: Path) -> None:
    """``SOURCE_DATE_EPOCH`` is the date of all files, and of nothing else."""
    pytest.importorskip("hatchling")
    export(tmp_path / "src", time=1_600_000_000)
    built = build(tmp_path / "src", tmp_path / "out", SOURCE_DATE_EPOCH="1700000000", TZ="Asia/Tokyo")

    for path in built.wheels.values():
        with zipfile.ZipFile(path) as wheel:
            assert {entry.date_time for entry in wheel.infolist()} == {(2023, 11, 14, 22, 13, 20)}
