"""The real ``llm`` command in a directory of its own, and services for it to ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from scripted import Scripted

from jackfield.testing.faults import FaultServer
from system.llama import LlamaServer, LlamaUnavailableError

KEY = "sk-canary-7Qd3vT9xLmPq"
COMMAND = [sys.executable, "-W", "error", "-m", "llm"]


@attrs.frozen
class Llm:
    """``llm`` with nothing of the user's: a configuration, a database and plugins of the test's own.

    Attributes:
        directory: where it runs, and where ``jackfield.toml`` is.
    """

    directory: Path

    @property
    def environ(self) -> dict[str, str]:
        own = {"LLM_USER_PATH": str(self.directory / "user"), "LLM_LOAD_PLUGINS": "llm-jackfield"}
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("LLM", "JACKFIELD", "OPENAI"))
        }
        return kept | own | {"ONE_KEY": KEY, "XDG_CONFIG_HOME": str(self.directory / "config"), "NO_COLOR": "1"}

    def configure(self, text: str) -> None:
        (self.directory / "jackfield.toml").write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str, said: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, which has to come with the exit code ``code``."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=said,
            cwd=self.directory,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=self.environ,
            text=True,
        )

    def logged(self) -> list[dict[str, Any]]:
        """What it logged, oldest first."""
        found: list[dict[str, Any]] = json.loads(self("logs", "-n", "0", "--json").stdout)
        return found


@pytest.fixture
def llm_command(tmp_path: Path) -> Llm:
    (tmp_path / "user").mkdir()
    return Llm(tmp_path)


@pytest.fixture
def dialect() -> Scripted:
    return Scripted()


@pytest.fixture
def service(dialect: Scripted) -> Iterator[FaultServer]:
    with FaultServer(dialect) as server:
        yield server


@pytest.fixture
def asking(llm_command: Llm, service: FaultServer) -> Llm:
    """``llm`` whose default model is the scripted service's."""
    llm_command.configure(configuration(service.url, "ok"))
    return llm_command


@pytest.fixture(scope="session")
def llama() -> Iterator[LlamaServer]:
    try:
        server = LlamaServer()
    except LlamaUnavailableError as error:
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture
def real(llm_command: Llm, llama: LlamaServer) -> Llm:
    """``llm`` whose default model is that of a real server."""
    llm_command.configure(configuration(llama.base_url, llama.model))
    return llm_command


@pytest.fixture
def bodies(service: FaultServer) -> Callable[[], list[Mapping[str, Any]]]:
    """What the service was asked so far."""
    return lambda: [json.loads(received.body) for received in service.ledger.requests]


def configuration(base_url: str, model: str) -> str:
    return f"""
default_model = "fast"

[models]
fast = "one/{model}"

[backends.one]
provider = "openai"
base_url = "{base_url}"
"""
