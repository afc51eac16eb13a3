"""A gateway in front of a service that fails as the model name says, and a client that says exactly what it sends."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest

import jackfield
from jackfield.testing.faults import FaultServer
from jackfield_gateway import running
from jackfield_gateway.metrics import Metrics, known
from jackfield_gateway.record import Record
from jackfield_gateway.recorder import Recorder
from jackfield_gateway.ring import digest, make_key, make_token
from jackfield_gateway.settings import GatewaySettings, Inspector
from jackfield_gateway.store import store_of
from jackfield_gateway.watch import Watch

MESSAGES = [{"role": "user", "content": "hello"}]


@attrs.frozen
class Told:
    """An answer as it came: status, headers by name in lower case, and bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The object in its body that tells a failure."""
        return self.json["error"]

    @property
    def events(self) -> list[Any]:
        """The data of its events: JSON, or ``[DONE]``."""
        data = [line.removeprefix("data: ") for line in self.body.decode().split("\n\n") if line]
        return [one if one == "[DONE]" else json.loads(one) for one in data]


@attrs.frozen
class Asker:
    """Asks a gateway."""

    url: str

    def __call__(
        self, path: str, body: Any = None, *, method: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Told:
        """What it answers.

        Args:
            path: with its query.
            body: sent as JSON, or as it is where it is bytes.
            method: POST with a body, GET without, unless given.
            headers: sent besides.
        """
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = {} if data is None else {"content-type": "application/json"}
        try:
            connection.request(method or ("GET" if data is None else "POST"), path, data, {**kind, **(headers or {})})
            answer = connection.getresponse()
            return Told(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def chat(self, model: str, **fields: Any) -> Told:
        """What it answers to a chat completion."""
        return self("/v1/chat/completions", {"model": model, "messages": MESSAGES, **fields})


@pytest.fixture
def asker() -> type[Asker]:
    """What asks a gateway at a base URL: ``asker(url)``."""
    return Asker


@pytest.fixture
def service() -> Iterator[FaultServer]:
    """What answers behind the gateway, as the model name says."""
    with FaultServer() as server:
        yield server


def configured(service: FaultServer, **more: Any) -> dict[str, Any]:
    """A configuration with that service as the backend ``b``."""
    backend = {"provider": "openai", "base_url": f"{service.url}/v1"}
    return {"models": {"fast": "b/ok"}, "backends": {"b": backend}, **more}


@pytest.fixture
def gateway(service: FaultServer) -> Iterator[Callable[..., Asker]]:
    """Starts a gateway in front of the service: ``gateway(settings=None, **configuration)``."""
    with ExitStack() as stack:

        def start(settings: GatewaySettings | None = None, **more: Any) -> Asker:
            plugins = more.pop("plugins", None)
            config = configured(service, **more)
            return Asker(stack.enter_context(running(config, settings=settings, plugins=plugins)))

        yield start


@attrs.define(eq=False)
class Watched:
    """What the gateway's own layer takes down of the calls of a client.

    Attributes:
        config: of the client; one whose backend answers with what it was asked where it is left out.
        calls, content: as in ``Inspector``.
    """

    config: Mapping[str, Any] = attrs.field(factory=lambda: {"backends": {"echo": {"provider": "echo"}}})
    calls: int = 10
    content: bool = False
    recorder: Recorder = attrs.field(init=False, factory=Recorder)
    metrics: Metrics = attrs.field(init=False, factory=Metrics)

    def __attrs_post_init__(self) -> None:
        settings = GatewaySettings(inspector=Inspector(calls=self.calls, content=self.content))
        self.recorder.begin(settings)
        self.metrics.models = known(self.config.get("models", ()), settings)

    def client(self, kind: Any = jackfield.Client, **plugins: type) -> Any:
        """A client of that kind, with more plugins by their names."""
        layer = {"use": "gateway-watch", "recorder": self.recorder, "metrics": self.metrics}
        return kind(self.config, plugins={"gateway-watch": Watch, **plugins}, outermost=[layer])

    @property
    def last(self) -> Record:
        """The last call."""
        return next(self.recorder.newest())

    def told(self, *, whole: bool = True) -> dict[str, Any]:
        """It as JSON."""
        return self.last.shown({}, whole=whole)

    @property
    def exposed(self) -> str:
        """The metrics."""
        return "\n".join(self.metrics.lines({}))


@pytest.fixture
def watched() -> type[Watched]:
    """What is taken down of a client's calls: ``watched(config=None, calls=10, content=False)``."""
    return Watched


@attrs.define(eq=False)
class Keys:
    """A store with keys in a file.

    Attributes:
        settings: of a gateway that demands one of them.
    """

    settings: GatewaySettings

    def make(self, **how: Any) -> str:
        """The token of a new key; ``revoked=True`` revokes it."""
        token, revoked = make_token(), how.pop("revoked", False)
        key = make_key(token, "a label", **how)

        async def main() -> None:
            store = store_of(self.settings)
            await store.open()
            await store.add_key(key, digest(token))
            if revoked:
                await store.revoke_key(key.id, time.time())
            await store.close()

        asyncio.run(main())
        return token


@pytest.fixture
def keys(tmp_path) -> Keys:
    """Keys, and the settings of a gateway that demands one."""
    return Keys(GatewaySettings(store=f"sqlite:{tmp_path / 'g.db'}", inspector=Inspector(content=True)))
