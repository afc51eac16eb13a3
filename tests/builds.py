"""Builds distributions from what is under version control, as a release does, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from walkthrough import ROOT, distributions

NAMES = sorted(distributions())
DIRECTORIES = {name: "." if name == "jackfield" else f"plugins/{name}" for name in NAMES}
"""Where the ``pyproject.toml`` of each distribution is, from the root of the repository."""
TOX = os.environ.get("JACKFIELD_TEST_WHEELS")
"""Where tox put the wheels that it installed; None where the tests run in another way."""


def tracked(*options: str) -> list[Path]:
    """The files that are under version control; where git knows of none, all that do not come of running something.

    Args:
        options: of ``git ls-files``; files that are not under version control yet can be asked for.
    """
    command = ["git", "ls-files", "--cached", *options]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        skipped = {".git", ".tox", ".venv", "venv", "__pycache__", "_build", "build", "dist"}
        listed = [
            str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and not skipped & set(path.parts)
        ]
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def export(target: Path, *, time: int, files: Iterable[Path] | None = None) -> None:
    """Copy the files under version control into an empty directory, as a fresh clone has them.

    Args:
        target: where to.
        time: when they were last changed, seconds since 1970.
        files: the files, in the order in which they are made; all, unless told.
    """
    for path in tracked() if files is None else files:
        copy = target / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        os.utime(copy, (time, time))


@attrs.frozen
class Build:
    """What was built: files by the name of their distribution."""

    wheels: Mapping[str, Path]
    sdists: Mapping[str, Path]


def build(root: Path, output: Path, *, umask: int = 0o022, **variables: str) -> Build:
    """Build the wheel and the source distribution of every distribution.

    Args:
        root: an exported repository.
        output: a directory for what is built.
        umask: of the processes.
        variables: of the environment, besides those that are there.
    """
    for directory in DIRECTORIES.values():
        _hatchling(root / directory, output, "sdist", "wheel", umask=umask, variables=variables)
    return Build(
        wheels={name: next(output.glob(f"{stem(name)}-*.whl")) for name in NAMES},
        sdists={name: next(output.glob(f"{stem(name)}-*.tar.gz")) for name in NAMES},
    )


def wheel_of_sdist(sdist: Path, work: Path) -> Path:
    """The wheel that is built from a source distribution alone, in an empty directory."""
    with tarfile.open(sdist) as archive:
        archive.extractall(work, filter="data")
    (source,) = work.iterdir()
    _hatchling(source, work / "out", "wheel", umask=0o022, variables={})
    return next((work / "out").glob("*.whl"))


def stem(name: str) -> str:
    """The name of a distribution as its files and its package have it."""
    return name.replace("-", "_")


def _hatchling(source: Path, output: Path, *kinds: str, umask: int, variables: Mapping[str, str]) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    targets = [word for kind in kinds for word in ("-t", kind)]
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(output), *targets],
        cwd=source,
        env={**environ, **variables},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
