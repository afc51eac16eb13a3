"""The model under test, on backends of three kinds: the echo, a scripted server, and llama.cpp's own server."""

from __future__ import annotations

import json
import os
import runpy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from jackfield_langchain import ChatJackfield
from scripted import Scripted

from jackfield.testing.faults import FaultServer

KEY = "sk-canary-7Qd3vT9xLmPq"
HERE = Path(__file__).parent
SYSTEM = HERE.parents[2] / "tests" / "system"


def without(reason: str) -> NoReturn:
    """Leave a test out for want of a package; where that is not allowed, it fails."""
    if os.environ.get("JACKFIELD_NO_SKIPS"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """llama.cpp's server with a hand-made model that says what the standard tests ask for."""
    make = SimpleNamespace(**runpy.run_path(str(HERE / "talkative_model.py")))
    server = SimpleNamespace(**runpy.run_path(str(SYSTEM / "llama.py")))
    path = make.write(tmp_path_factory.mktemp("model") / "talkative.gguf")
    try:
        running = server.LlamaServer(str(path))
    except server.LlamaUnavailableError as error:
        without(f"llama.cpp is not installed: {error}")
    with running:
        yield running


@pytest.fixture
def llama_config(llama: Any) -> dict[str, Any]:
    """A configuration with that server as its only backend, and an alias for its model."""
    return {
        "default_model": "llama/talkative",
        "models": {"talkative": "llama/talkative"},
        # The server closes connections after streams, and a request may meet that.
        "middleware": [{"use": "retry"}],
        "backends": {"llama": {"provider": "openai", "base_url": llama.base_url}},
    }


@pytest.fixture
def dialect() -> Scripted:
    return Scripted()


@pytest.fixture
def service(dialect: Scripted) -> Iterator[FaultServer]:
    with FaultServer(dialect) as server:
        yield server


@pytest.fixture
def config(service: FaultServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A configuration with that service, asked with a key."""
    monkeypatch.setenv("ONE_KEY", KEY)
    bearer = {"use": "bearer", "token": "env:ONE_KEY"}
    backend = {"provider": "openai", "base_url": service.url, "middleware": [bearer]}
    return {"default_model": "one/ok", "backends": {"one": backend}}


@pytest.fixture
def model(config: dict[str, Any]) -> Iterator[ChatJackfield]:
    made = ChatJackfield(config=config)
    yield made
    made.close()


@pytest.fixture
def bodies(service: FaultServer) -> Callable[[], list[Mapping[str, Any]]]:
    """What the service was asked so far."""
    return lambda: [json.loads(received.body) for received in service.ledger.requests]
