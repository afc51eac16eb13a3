"""OpenAI's providers keep the contract of providers."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.testing.contract.bench import MakeBackend
from jackfield.testing.contract.provider import ProviderContract


class TestOpenAI(ProviderContract):
    """Against a server that speaks OpenAI's format."""

    @pytest.fixture
    def backend(self) -> MakeBackend:
        return lambda url: {"provider": "openai", "base_url": url}


@pytest.mark.long
class TestPreset(ProviderContract):
    """As a service that is asked in words of its own, and tells usage unasked."""

    @pytest.fixture
    def backend(self) -> MakeBackend:
        return lambda url: {"provider": "openai", "preset": "mistral", "base_url": url}


def azure(**settings: Any) -> MakeBackend:
    """The settings of a backend at the root of a server."""
    return lambda url: {"provider": "azure", "base_url": url.removesuffix("/v1"), **settings}


@pytest.mark.long
class TestAzureDeployment(ProviderContract):
    """At the endpoint of a deployment, with a key in a header of its own."""

    credential = ("api-key", "")

    @pytest.fixture
    def backend(self) -> MakeBackend:
        return azure(api_version="2024-10-21")


@pytest.mark.long
class TestAzure(ProviderContract):
    """At the endpoint that needs no version, with a token."""

    @pytest.fixture
    def backend(self) -> MakeBackend:
        return azure()
