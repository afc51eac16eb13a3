"""The model under test, on backends of three kinds: the echo, a scripted server, and llama.cpp's own server."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HERE = Path(__file__).parent
SYSTEM = HERE.parents[2] / "tests" / "system"
sys.path.insert(0, str(HERE))


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """llama.cpp's server with a hand-made model that says what the standard tests ask for."""
    make = SimpleNamespace(**runpy.run_path(str(HERE / "talkative_model.py")))
    server = SimpleNamespace(**runpy.run_path(str(SYSTEM / "llama.py")))
    path = make.write(tmp_path_factory.mktemp("model") / "talkative.gguf")
    try:
        running = server.LlamaServer(str(path))
    except server.LlamaUnavailableError as error:
        pytest.skip(f"llama.cpp is not installed: {error}")
    with running:
        yield running


@pytest.fixture
def llama_config(llama: Any) -> dict[str, Any]:
    """A configuration with that server as its only backend, and an alias for its model."""
    return {
        "default_model": "llama/talkative",
        "models": {"talkative": "llama/talkative"},
        "backends": {"llama": {"provider": "openai", "base_url": llama.base_url}},
    }
