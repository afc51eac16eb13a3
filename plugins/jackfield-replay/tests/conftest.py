"""Hosts that record and replay, and a layer that sees what the provider is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield import CallError, HttpRequest, HttpResponse, Read, Send, hookimpl
from jackfield.engine import Engine
from jackfield.models.messages import ChatCompletionRequestUserMessage
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import ScriptedDriver, make_call, plan, run_call
from jackfield.testing.contract.host import HOSTS, Outcome
from jackfield.testing.faults import FaultServer

NOWHERE = "http://127.0.0.1:9/v1"


def told(error: BaseException | None) -> Any:
    """All that a host can see of an error, but for the ledger."""
    if error is None:
        return None
    unlike = {"attempts", "partial"}
    return type(error), str(error), {name: value for name, value in vars(error).items() if name not in unlike}


def _seen(outcome: Outcome) -> Any:
    """All that a host can see of a call."""
    partial = getattr(outcome.error, "partial", None)
    return told(outcome.error), outcome.response, partial, outcome.chunks


@attrs.define(eq=False)
class Tap:
    """Notes each block and failure that comes from the layers inside, of all instances made by ``tap``."""

    blocks: list[Any] = attrs.field(factory=list, init=False)

    @hookimpl
    def wrap_http(self, http_request, call):
        try:
            response = yield http_request
        except CallError as error:
            self.blocks.append(told(error)[:2])
            raise
        self.blocks.append(response.status)

        def reader(effect):
            try:
                block = yield attrs.evolve(effect, response=response)
            except CallError as error:
                self.blocks.append(told(error)[:2])
                raise
            self.blocks.append(block)
            return block

        return HttpResponse(response.status, response.headers, response.request, response.body, reader)


def tap(blocks: list[Any]) -> type:
    """A class of middleware whose instances note into this list."""

    @attrs.define(eq=False)
    class Noting(Tap):
        def __attrs_post_init__(self):
            self.blocks = blocks

    return Noting


@contextmanager
def _host(
    mode: str,
    layer: Mapping[str, Any],
    url: str = NOWHERE,
    *,
    backend: Mapping[str, Any] | None = None,
    blocks: list[Any] | None = None,
    more: tuple[Mapping[str, Any], ...] = (),
) -> Iterator[Any]:
    """A host with one backend, ``test``, and the layer outermost, but for a tap."""
    config = {
        "default_model": "test/ok",
        "backends": {"test": {"provider": "openai", "base_url": url, **(backend or {})}},
        "middleware": [{"use": "tap"}, layer, *more],
    }
    made = HOSTS[mode](config, {"tap": tap([] if blocks is None else blocks)})
    try:
        yield made
    finally:
        made.close()


@attrs.define(eq=False)
class Asking:
    """A provider that sends requests and keeps the blocks of their answers; at most ``most`` of each."""

    requests: list[HttpRequest] = attrs.field(factory=list)
    most: int | None = None
    whole: bool = False
    within: float | None = None
    got: list[Any] = attrs.field(factory=list, init=False)

    @hookimpl
    def create_chat_completion(self, request, call):
        for http_request in self.requests:
            response = yield Send(http_request)
            self.got.append(response.status)
            blocks = 0
            while blocks != self.most and (block := (yield Read(response, self.whole, self.within))):
                self.got.append(block)
                blocks += 1
        return CreateChatCompletionResponse(choices=[])

    @hookimpl
    def list_models(self, call):
        yield from self.create_chat_completion(None, call)
        return []


@attrs.define(eq=False)
class Bench:
    """Sends requests through a layer, without a network."""

    driver: ScriptedDriver = attrs.field(init=False, factory=ScriptedDriver)

    def send(
        self,
        layer: Any,
        *requests: HttpRequest,
        script: Any = (),
        inner: tuple[Any, ...] = (),
        timeout: float | None = None,
        **options: Any,
    ) -> Any:
        """What the provider got."""
        provider = Asking(list(requests), **options)
        self.driver = ScriptedDriver(script)
        made = plan(provider, middleware=[layer], backend_middleware=inner)
        run_call(made, ASKED, self.driver, timeout=timeout)
        return provider.got

    def take_down(self, layer: Any, request: HttpRequest, script: Any) -> None:
        """Take a call down when the provider has got the first block."""
        provider = Asking([request])
        self.driver = ScriptedDriver(script)
        engine = Engine(plan(provider, middleware=[layer]), make_call(self.driver, model="m"))
        effect = engine.begin_chat(ASKED)
        while not provider.got[1:]:
            assert effect is not None
            effect = self.driver.step(engine, effect)
        engine.cancel()
        assert engine.call.faults == []

    def list_models(self, layer: Any, request: HttpRequest, script: Any, **options: Any) -> None:
        """Send a request for the list of models, which no layer around calls sees."""
        made = plan(Asking([request], **options), middleware=[layer])
        self.driver = ScriptedDriver(script)
        engine = Engine(made, make_call(self.driver, model="", timeout=100.0))
        self.driver.run(engine, engine.begin_models(made.routes["test"]))


ASKED = CreateChatCompletionRequest(messages=[ChatCompletionRequestUserMessage(content="hello")], model="test/m")


@pytest.fixture
def bench() -> Bench:
    """Sends requests."""
    return Bench()


@pytest.fixture(params=["sync", "async"])
def mode(request) -> str:
    return request.param


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the recording of a test is."""
    return tmp_path / "tape.yaml"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def host() -> Any:
    """Makes hosts."""
    return _host


@pytest.fixture
def seen() -> Any:
    """From an outcome to all that a host can see of it."""
    return _seen
