"""A gateway in front of a real server, and the environments of its clients."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from system.clients.environments import MissingError, node_with, python_with
from system.clients.relay import Relay
from system.clients.serving import BACKEND_KEY, Served, served
from system.llama import LlamaServer, LlamaUnavailableError

PATIENCE = 200
"""Seconds for one script; the slowest takes ten where nothing else runs."""


@pytest.fixture(scope="session")
def relay() -> Iterator[Relay]:
    """Stands between the gateway and the server."""
    try:
        server = LlamaServer(api_key=BACKEND_KEY)
    except LlamaUnavailableError as error:
        pytest.skip(str(error))
    with server, Relay(urlsplit(server.base_url).port or 0) as found:
        yield found


@pytest.fixture(scope="session")
def gateway(relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``jackfield serve``, with keys demanded, in front of the server."""
    with served(tmp_path_factory.mktemp("gateway"), relay.base_url) as found:
        yield found


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the environments are kept."""
    given = os.environ.get("JACKFIELD_TEST_CLIENTS")
    return Path(given) if given else tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="session")
def run(
    gateway: Served, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a client's script in the environment that has it: ``run("openai2", path, arguments...)``."""

    def start(environment: str, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        home = tmp_path_factory.mktemp("home")
        try:
            if environment == "node":
                # Packages are looked for beside the script.
                node = node_with(cache)
                (home / "node_modules").symlink_to(node / "node_modules")
                (home / script.name).write_bytes(script.read_bytes())
                command = [str(node / "bin" / "node"), str(home / script.name)]
            else:
                command = [str(python_with(environment, cache)), str(script)]
        except MissingError as error:
            pytest.skip(str(error))
        environ = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "OPENAI_BASE_URL": gateway.base_url,
            "OPENAI_API_KEY": gateway.key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it looks for prices on the network
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            [*command, *arguments], cwd=home, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    return start
