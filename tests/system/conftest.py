"""Real servers for system tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from system.llama import LlamaServer, LlamaUnavailableError


def _running(api_key: str | None = None) -> Iterator[LlamaServer]:
    try:
        server = LlamaServer(api_key=api_key)
    except LlamaUnavailableError as error:
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture(scope="session")
def llama_server() -> Iterator[LlamaServer]:
    """A llama.cpp server with the tiny model, for anyone."""
    yield from _running()


@pytest.fixture(scope="session")
def llama_server_with_key() -> Iterator[LlamaServer]:
    """A llama.cpp server with the tiny model, for requests that bear ``server.api_key``."""
    yield from _running(api_key="sk-test-of-llama-5Jx2")
