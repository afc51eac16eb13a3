"""OpenAI's provider keeps the contract of providers."""

from __future__ import annotations

import pytest

from jackfield.testing.contract.bench import MakeBackend
from jackfield.testing.contract.provider import ProviderContract


class TestOpenAI(ProviderContract):
    """Against a server that speaks OpenAI's format."""

    @pytest.fixture
    def backend(self) -> MakeBackend:
        return lambda url: {"provider": "openai", "base_url": url}
