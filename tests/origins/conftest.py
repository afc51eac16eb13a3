"""A backend, a canary at another origin of this machine, and every way in which a credential gets into a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import attrs
import pytest

import fakeserver
from both import Async, Sync
from fakeserver import Exchange, Server, answer, reply

KEY = "sk-canary-0r1g1n5-0123456789"
TOKEN = "token-canary-0r1g1n5-9876543210"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key, which ``env:CANARY`` refers to."""
    monkeypatch.setenv("CANARY", KEY)
    return KEY


@pytest.fixture
def server() -> Iterator[Server]:
    """The backend."""
    with fakeserver.serving(answer) as server:
        yield server


@pytest.fixture
def canary() -> Iterator[Server]:
    """Another port is another origin: nothing may ever come here."""
    with fakeserver.serving(answer) as server:
        yield server


@pytest.fixture
def issuer() -> Iterator[Server]:
    """A token endpoint, which is an origin of its own."""
    with fakeserver.serving(issue) as server:
        yield server


def issue(exchange: Exchange) -> None:
    """A token, whoever asks."""
    exchange.send(reply({"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600}))


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def opened(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes clients that are closed in the end."""
    with ExitStack() as stack:

        def make(configuration: Any, plugins: Any = None) -> Any:
            mode = request.param(configuration, plugins)
            stack.callback(mode.end)
            stack.callback(mode.close)
            return mode

        yield make


@attrs.frozen
class Credential:
    """One way in which a credential gets into a request.

    Attributes:
        value: what arrives at the backend.
        backend: settings of the backend.
        fields: of the call.
        query: of the backend's URL.
    """

    value: str
    backend: dict[str, Any] = attrs.field(factory=dict)
    fields: dict[str, Any] = attrs.field(factory=dict)
    query: str = ""


@pytest.fixture(params=["bearer", "header", "oauth2", "extra_headers", "headers", "query"])
def credential(request: pytest.FixtureRequest, issuer: Server, monkeypatch: pytest.MonkeyPatch) -> Credential:
    """Each of them."""
    monkeypatch.setenv("CANARY", KEY)
    oauth2 = {"token_url": f"{issuer.url}/token", "client_id": "id", "client_secret": "env:CANARY"}
    ways = {
        "bearer": Credential(KEY, {"middleware": [{"use": "bearer", "token": "env:CANARY"}]}),
        "header": Credential(KEY, {"middleware": [{"use": "header", "name": "x-api-key", "value": "env:CANARY"}]}),
        "oauth2": Credential(TOKEN, {"middleware": [{"use": "oauth2", **oauth2}]}),
        "extra_headers": Credential(KEY, fields={"extra_headers": {"Authorization": f"Bearer {KEY}"}}),
        "headers": Credential(KEY, {"headers": {"x-gateway-token": KEY}}),
        "query": Credential(KEY, query=f"?api-key={KEY}"),
    }
    return ways[request.param]
