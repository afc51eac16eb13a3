"""The real ``llm`` command in a directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

KEY = "sk-canary-7Qd3vT9xLmPq"
COMMAND = [sys.executable, "-W", "error", "-m", "llm"]
PLUGIN = {"LLM_LOAD_PLUGINS": "llm-jackfield"}


def environment() -> dict[str, str]:
    """What the tests' own environment says to anyone but ``llm`` and jackfield."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("LLM", "JACKFIELD", "OPENAI"))}


class Forks:
    """Commands whose processes are forked from one that has ``llm`` imported; see ``fork_llm.py``."""

    def __init__(self) -> None:
        program = str(Path(__file__).with_name("fork_llm.py"))
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", program],
            env=environment() | PLUGIN,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: list[str], directory: Path, environ: dict[str, str], said: str) -> tuple[int, str, str]:
        """Run a command to its end: its exit code, and what it wrote on stdout and stderr."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        files = {name: directory / f".{name}" for name in ("stdin", "stdout", "stderr")}
        for name, file in files.items():
            file.write_text(said if name == "stdin" else "", encoding="utf-8")
        order = {"arguments": arguments, "directory": str(directory), "environ": environ}
        self._process.stdin.write(json.dumps(order | {name: str(file) for name, file in files.items()}) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return code, files["stdout"].read_text(encoding="utf-8"), files["stderr"].read_text(encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate("", timeout=30)


@attrs.frozen
class Llm:
    """``llm`` with nothing of the user's: a configuration, a database and plugins of the test's own.

    Attributes:
        directory: where it runs, and where ``jackfield.toml`` is.
        forks: what makes its processes, where the system has that.
        fresh: start commands from nothing, as a shell does; what is logged is read by a fork all the same.
        more: variables of its environment.
    """

    directory: Path
    forks: Forks | None
    fresh: bool = False
    more: dict[str, str] = attrs.field(factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        own = {"LLM_USER_PATH": str(self.directory / "user"), "XDG_CONFIG_HOME": str(self.directory / "config")}
        return environment() | PLUGIN | own | {"ONE_KEY": KEY, "NO_COLOR": "1"} | self.more

    def configure(self, text: str) -> None:
        (self.directory / "jackfield.toml").write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str, said: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, which has to come with the exit code ``code``."""
        if self.fresh or self.forks is None:
            process = self.start(*arguments, stdin=subprocess.PIPE)
            out, told = process.communicate(said, timeout=60)
            found = process.returncode
        else:
            found, out, told = self.forks.run(list(arguments), self.directory, self.environ, said)
        assert found == code, told
        return subprocess.CompletedProcess(arguments, found, out, told)

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=self.environ,
            text=True,
        )

    def logged(self) -> list[dict[str, Any]]:
        """What it logged, oldest first."""
        found: list[dict[str, Any]] = json.loads(attrs.evolve(self, fresh=False)("logs", "-n", "0", "--json").stdout)
        return found


def configuration(base_url: str, model: str) -> str:
    """One backend, its model and an alias of it."""
    return f"""
default_model = "fast"

[models]
fast = "one/{model}"

[backends.one]
provider = "openai"
base_url = "{base_url}"
"""
