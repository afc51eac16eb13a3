"""The real ``llm`` command, ``llm`` in this process, and services for both to ask."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import attrs
import pytest
from command import KEY, Forks, Llm, configuration
from scripted import Scripted

from jackfield.testing.faults import FaultServer
from system.llama import LlamaServer, LlamaUnavailableError


def without(reason: str) -> NoReturn:
    """Leave a test out for want of a package; where that is not allowed, it fails."""
    if os.environ.get("JACKFIELD_NO_SKIPS"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks | None]:
    if not hasattr(os, "fork"):
        yield None
        return
    with Forks() as forks:
        yield forks


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory, forks: Forks | None) -> Path:
    """An empty one, made by ``llm`` itself, which takes longer for it than for most of what is tested here."""
    directory = tmp_path_factory.mktemp("database")
    (directory / "user").mkdir()
    llm = Llm(directory, forks)
    llm.configure(configuration("http://127.0.0.1:9/v1", "ok"))
    llm("-m", "fast", "Hello", code=1)
    return directory / "user" / "logs.db"


@pytest.fixture
def llm_command(tmp_path: Path, database: Path, forks: Forks | None) -> Llm:
    (tmp_path / "user").mkdir()
    shutil.copy(database, tmp_path / "user")
    return Llm(tmp_path, forks)


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
        without(str(error))
    with server:
        yield server


@pytest.fixture
def real(llm_command: Llm, llama: LlamaServer) -> Llm:
    """``llm`` whose default model is that of a real server; each command is started as a shell starts it."""
    llm_command.configure(configuration(llama.base_url, llama.model))
    return attrs.evolve(llm_command, fresh=True)


@pytest.fixture
def bodies(service: FaultServer) -> Callable[[], list[Mapping[str, Any]]]:
    """What the service was asked so far."""
    return lambda: [json.loads(received.body) for received in service.ledger.requests]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that ``llm`` in this process takes for the user's; what it read and made is gone after the test."""
    from llm_jackfield import clients, configured

    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    monkeypatch.setenv("JACKFIELD_CONFIG", str(tmp_path / "jackfield.toml"))
    monkeypatch.setenv("ONE_KEY", KEY)
    configured.configured.cache_clear()
    yield tmp_path
    clients.close()
    configured.configured.cache_clear()


@pytest.fixture
def asked_here(here: Path, service: FaultServer) -> Path:
    """The same, with a configuration whose backend is the scripted service."""
    (here / "jackfield.toml").write_text(configuration(service.url, "ok"), encoding="utf-8")
    return here
