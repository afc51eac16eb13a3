"""Environments of client libraries, apart from that of the tests: each is made once, from versions that are pinned.

They are kept in the directory that ``JACKFIELD_TEST_CLIENTS`` names, under names that change with the pins, so that a
second run finds them. One that was left half made is made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE = 300
"""Seconds for one command that installs; it takes five where nothing else runs."""


class MissingError(Exception):
    """A program that makes environments is not there; the text says which."""


def program(name: str) -> str:
    """The path of a program, beside the running Python or elsewhere.

    Raises:
        MissingError: there is none.
    """
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise MissingError(f"{name} is not installed")
    return found


def python_with(name: str, cache: Path) -> Path:
    """A Python that has what ``NAME.txt`` pins.

    Raises:
        MissingError: uv is not there.
    """
    uv = program("uv")

    def make(directory: Path) -> None:
        run(uv, "venv", "--quiet", "--python", sys.executable, str(directory))
        run(uv, "pip", "install", "--quiet", "--python", str(directory), "--requirements", str(HERE / f"{name}.txt"))

    return made(name, [HERE / f"{name}.txt"], f"{sys.version_info}", cache, make) / "bin" / "python"


def node_with(cache: Path) -> Path:
    """A directory with a Node.js, ``bin/node``, and with what ``package-lock.json`` pins, in ``node_modules``.

    Its Node.js comes from the registry of Python packages: those of systems differ, and some are older than the clients want.

    Raises:
        MissingError: uv is not there.
    """
    uv, pins = program("uv"), [HERE / name for name in ("node.txt", "package.json", "package-lock.json")]

    def make(directory: Path) -> None:
        run(uv, "venv", "--quiet", "--python", sys.executable, str(directory))
        run(uv, "pip", "install", "--quiet", "--python", str(directory), "--requirements", str(pins[0]))
        for file in pins[1:]:
            shutil.copy(file, directory)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        run(str(directory / "bin" / "npm"), "ci", *quiet, cwd=directory)

    return made("node", pins, f"{sys.version_info}", cache, make)


def made(name: str, pins: list[Path], version: str, cache: Path, make: Callable[[Path], None]) -> Path:
    """The directory of an environment, which is made where it is not there.

    Args:
        name: of the environment.
        pins: files that say what is in it.
        version: of what runs it.
        cache: where it is kept.
        make: makes it in the directory that it is given, which is not there yet.
    """
    digest = hashlib.sha256(b"\0".join([version.encode(), *(file.read_bytes() for file in pins)])).hexdigest()[:12]
    cache.mkdir(parents=True, exist_ok=True)
    directory, done = cache / f"{name}-{digest}", cache / f"{name}-{digest}.done"
    with open(cache / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(directory, ignore_errors=True)
            make(directory)
            done.touch()
    return directory


def run(*command: str, cwd: Path | None = None) -> None:
    """Run what installs.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    environ = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
