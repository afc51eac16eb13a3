"""A world of its own for each test of the command line: a directory, an environment, and plugins that are installed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

SITE = Path(__file__).parent / "site"
CONFIG = """\
default_model = "fast"
[models]
fast = "zoo/parrot"
[backends.zoo]
provider = "parrot"
token = "canary-token"
"""
PLUGINS = """\
[jackfield.providers]
parrot = parrot:Parrot
[jackfield.middleware]
shout = parrot:Shout
"""


class Terminal(io.StringIO):
    """A terminal of a program: what it writes is kept, what it reads are the lines given.

    Args:
        lines: an exception class among them is raised instead of read.
    """

    def __init__(self, lines: Iterable[str | type[BaseException]] = ()) -> None:
        super().__init__()
        self._lines = iter(lines)

    def isatty(self) -> bool:
        return True

    def readline(self, size: int = -1, /) -> str:
        line = next(self._lines, "")
        if isinstance(line, str):
            return line
        raise line


@attrs.frozen
class World:
    """The directory in which the command line is run, and the environment that it sees."""

    directory: Path
    monkeypatch: pytest.MonkeyPatch

    def configure(self, text: str, name: str = "jackfield.toml") -> Path:
        file = self.directory / name
        file.write_text(text, encoding="utf-8")
        return file

    def install(self, distribution: str, version: str, entry_points: str) -> None:
        """Have a distribution installed, as far as importlib.metadata can tell."""
        folder = self.directory / "site" / f"{distribution.replace('-', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (folder / "entry_points.txt").write_text(entry_points)

    def run(self, *arguments: str, input: str | bytes = "") -> Result:  # noqa: A002 - as click has it
        from jackfield.cli.root import root

        return CliRunner().invoke(root, arguments, input=input, prog_name="jackfield")

    def on_terminal(self, *arguments: str, lines: Iterable[str | type[BaseException]] = ()) -> tuple[int, str]:
        """Run on a terminal: the exit code, and what stood on stdout."""
        from jackfield.cli.root import root

        screen = Terminal()
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Terminal(lines))
            patch.setattr(sys, "stdout", screen)
            with pytest.raises(SystemExit) as left:
                root.main(arguments, prog_name="jackfield")
        code: Any = left.value.code
        return code, screen.getvalue()

    def process(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run as a process of its own, to its end."""
        command = [sys.executable, "-m", "jackfield", *arguments]
        given = {
            "encoding": "utf-8",
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        }
        return subprocess.run(command, timeout=120, check=False, **given)


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in list(os.environ):
        if name.startswith(("JACKFIELD", "OPENAI", "PYTHONUNBUFFERED", "NO_COLOR", "FORCE_COLOR", "XDG_")):
            monkeypatch.delenv(name)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    made = World(tmp_path, monkeypatch)
    made.install("jackfield-zoo", "1.2", PLUGINS)
    made.configure(CONFIG)
    paths = [str(tmp_path / "site"), str(SITE)]
    for path in reversed(paths):
        monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return made
