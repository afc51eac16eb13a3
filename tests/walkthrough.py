"""Runs the examples of a page, in order, as a reader would: in an empty directory, with a service that answers.

Python runs in one namespace a page. ``jackfield`` commands run in processes of their own. Configurations are loaded,
plugins and all. A package that a page writes is installed for it by its entry points. What is not one of these fails,
so that no example can be there unchecked.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

import jackfield
from chat_server import KEY
from markdown import Example, examples

OPENAI = "https://api.openai.com/v1"
"""In examples; a server on this machine stands in for it."""
GATEWAY = "http://127.0.0.1:4000"
"""In examples; the address of a ``jackfield serve`` that was started for them stands in for it."""
ROOT = Path(__file__).parent.parent
DATA = {"json", "text", "console", ""}
"""Languages of blocks that only show something."""


@attrs.define(eq=False)
class Walkthrough:
    """One reader of one page.

    Args:
        directory: where to work; empty.
        base_url: of the service that stands in for OpenAI's.
        environ: changes the environment, for as long as the test lasts.
    """

    directory: Path
    base_url: str
    environ: pytest.MonkeyPatch
    printed: str = attrs.field(default="", init=False)
    names: dict[str, Any] = attrs.field(factory=lambda: {"__name__": "__main__"}, init=False)
    gateway: str = attrs.field(default=GATEWAY, init=False)
    _servers: contextlib.ExitStack = attrs.field(factory=contextlib.ExitStack, init=False)

    def walk(self, page: Path) -> int:
        """Run everything in a page; the number of examples that were run or checked."""
        self._prepare()
        found = [example for example in examples(page) if example.not_run is None]
        with self._servers:
            for example in found:
                self._do(example)
        return len(found)

    def _prepare(self) -> None:
        for name in [name for name in os.environ if name.startswith(("JACKFIELD", "OPENAI"))]:
            self.environ.delenv(name)
        for name, value in {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_MODEL": "gpt-5.4-mini",
            "XDG_CONFIG_HOME": str(self.directory / "none"),
            "XDG_DATA_HOME": str(self.directory / "data"),
            "COLUMNS": "120",
        }.items():
            self.environ.setenv(name, value)
        self.environ.chdir(self.directory)
        self.environ.syspath_prepend(str(self.directory))

    def _do(self, example: Example) -> None:
        text = example.text.replace(OPENAI, self.base_url).replace(GATEWAY, self.gateway)
        if example.file is not None:
            path = self.directory / example.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            importlib.invalidate_caches()
        if example.output:
            assert example.text.rstrip() == self.printed.rstrip(), f"{example}: printed {self.printed!r}"
        elif example.language == "toml":
            self._toml(tomllib.loads(text), str(example))
        elif example.language == "python":
            code = compile(text, str(example), "exec")
            if example.file is None:
                self._python(code)
        elif example.language == "sh":
            for command in text.replace("\\\n", " ").splitlines():
                self._command(command.split("  #")[0].strip(), str(example))
        else:
            assert example.language in DATA, f"{example}: nothing is known of {example.language!r}"

    def _toml(self, data: dict[str, Any], place: str) -> None:
        if "project" in data or "build-system" in data:
            groups = set(data["project"].get("entry-points", {}))
            assert groups <= {"jackfield.providers", "jackfield.middleware"}, place
            return
        for backend in data.setdefault("backends", {"echo": {}}).values():
            backend.setdefault("provider", "echo")  # a piece of a configuration may leave it out
        for name in [None, *data.get("profiles", {})]:
            jackfield.Client(config=data, profile=name).close()

    def _python(self, code: Any) -> None:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(code, self.names)
        self.printed = output.getvalue()

    def _command(self, command: str, place: str) -> None:
        if not command or command.startswith("#"):
            return
        environ = dict(os.environ)
        while match := re.match(r"([A-Z][A-Z0-9_]*)=(\S*) +", command):
            environ[match[1]] = match[2].replace(OPENAI, self.base_url)
            command = command[match.end() :]
        if match := re.fullmatch(r"export ([A-Z][A-Z0-9_]*)=(\S+)", command):
            if match[1] not in {"OPENAI_API_KEY", "OPENAI_BASE_URL"}:
                self.environ.setenv(match[1], match[2])
            return
        first, _, rest = command.partition(" ")
        if (first, rest.partition(" ")[0]) == ("pip", "install"):
            self._install(shlex.split(rest)[1:], place)
            return
        if command.startswith("jackfield serve"):
            self._serve(shlex.split(command.removesuffix("&"))[1:])
            return
        pipe, bar, piped = command.rpartition(" | ")
        if bar:
            assert re.match(r"(echo|printf|cat) ", pipe), f"{place}: {command}"
            first, _, rest = piped.partition(" ")
        assert first in {"jackfield", "python"}, f"{place}: not known how to check {command!r}"

        module = "-m jackfield " if first == "jackfield" else ""
        line = f"{pipe} | " * bool(bar) + f"{shlex.quote(sys.executable)} {module}{rest}"
        done = subprocess.run(
            line, shell=True, cwd=self.directory, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{place}: {command}\n{done.stdout}{done.stderr}"

        self.printed = done.stdout

    def _serve(self, arguments: list[str]) -> None:
        """Serve on a free port until the page has been walked."""
        command = [sys.executable, "-m", "jackfield", *arguments, "--port", "0"]
        server = subprocess.Popen(command, cwd=self.directory, stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        for step in (server.stderr.close, lambda: server.wait(60), server.terminate):
            self._servers.callback(step)
        self.gateway = server.stderr.readline().strip()
        assert self.gateway.startswith("http://127.0.0.1:"), f"{command}: {self.gateway}"

    def _install(self, arguments: list[str], place: str) -> None:
        """Check that what is to be installed exists; install what the page itself wrote, by its entry points."""
        for argument in arguments:
            if argument.startswith("-"):
                continue
            if argument.startswith("./") and (self.directory / argument).exists():
                self._install_own(self.directory / argument)
            else:
                name, _, extras = argument.partition("[")
                project = distributions()[name]
                assert set(filter(None, extras.rstrip("]").split(","))) <= set(
                    project.get("optional-dependencies", {})
                ), place

    def _install_own(self, package: Path) -> None:
        project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        info = package / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        points = project["entry-points"]
        lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in table.items()) for group, table in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))
        self.environ.syspath_prepend(str(package / "src"))
        self.environ.setenv("PYTHONPATH", str(package / "src"), prepend=os.pathsep)


def distributions() -> dict[str, dict[str, Any]]:
    """The ``project`` table of the core and of every plugin, by its name."""
    return _projects([ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))])


def adapters() -> dict[str, dict[str, Any]]:
    """The ``project`` table of every adapter for a host, by its name; the tests' environment does not have these."""
    return _projects(sorted(ROOT.glob("adapters/*/pyproject.toml")))


def _projects(files: list[Path]) -> dict[str, dict[str, Any]]:
    projects = [tomllib.loads(file.read_text(encoding="utf-8"))["project"] for file in files]
    return {project["name"]: project for project in projects}
