"""Models to test with, and a driver so small that it hides nothing."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield.call import Call
from jackfield.errors import ConfigError, DeadlineExceededError
from jackfield.flow import Acquire, Deliver, Flow, Run
from jackfield.fold import fold
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.wire import from_dict
from jackfield_local import LocalProvider

TINY_MODEL = Path(__file__).parents[3] / "tests" / "system" / "tiny_model.py"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file of 0.4 MB that always says the same sentence."""
    spec = importlib.util.spec_from_file_location("tiny_model", TINY_MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path: Path = module.write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf")
    return path


@pytest.fixture
def make(tiny: Path) -> Iterator[Callable[..., LocalProvider]]:
    """Make providers, of the tiny model unless told, and closes them."""
    made: list[LocalProvider] = []

    def provider(**settings: Any) -> LocalProvider:
        made.append(LocalProvider(**{"model_path": str(tiny)} | settings))
        return made[-1]

    yield provider
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def smollm2() -> Iterator[LocalProvider]:
    """The packaged model, fetched where it is not there yet."""
    provider = LocalProvider()
    try:
        provider._find(threading.Event())  # as the engine does it
    except ConfigError as error:
        pytest.skip(str(error))
    yield provider
    provider.close()


@attrs.define
class Drive:
    """Drives one call by hand; ``blocks`` are the chunks delivered, ``last`` what was said of the final block.

    Give ``until`` to close the flow as soon as it is true after a block.
    """

    provider: LocalProvider
    timeout: float | None = None
    blocks: list[list[Any]] = attrs.field(factory=list)
    last: list[bool] = attrs.field(factory=list)
    call: Call = attrs.field(init=False)

    def chat(self, content: Any = "Hello.", *, until: Callable[[Drive], bool] | None = None, **fields: Any) -> Any:
        """What the flow returns; ``messages`` or one user message with ``content``."""
        fields.setdefault("messages", [{"role": "user", "content": content}])
        fields.setdefault("model", self.provider._names()[0])
        stream = bool(fields.get("stream"))
        self.call = Call(clock=time.monotonic, model=fields["model"], stream=stream, timeout=self.timeout)
        request = from_dict(fields, CreateChatCompletionRequest)
        return self.run(self.provider.create_chat_completion(request, self.call), until)

    def run(self, flow: Flow[Any], until: Callable[[Drive], bool] | None = None) -> Any:
        value: Any = None
        failure: Exception | None = None
        while True:
            try:
                effect = flow.send(value) if failure is None else flow.throw(failure)
            except StopIteration as stop:
                return stop.value
            value = failure = None
            try:
                value = self.perform(effect)
            except Exception as error:  # all that fails is the flow's to hear
                failure = error
            if isinstance(effect, Deliver) and until is not None and until(self):
                flow.close()
                return None

    def perform(self, effect: Any) -> Any:
        if isinstance(effect, Deliver):
            self.call.committed = True
            self.blocks.append(list(effect.chunks))
            self.last.append(effect.last)
            return None
        if isinstance(effect, Acquire):
            entered = threading.Event()
            ticket = effect.gate.line_up(entered.set)
            if not ticket.granted and not entered.wait(min(self.call.time_left, 60.0)):
                effect.gate.leave(ticket)
                raise DeadlineExceededError
            return None
        assert isinstance(effect, Run)
        value = effect.function(*effect.args)
        if self.call.time_left <= 0:
            raise DeadlineExceededError
        return value

    @property
    def chunks(self) -> list[Any]:
        return [chunk for block in self.blocks for chunk in block]

    @property
    def settled(self) -> bool:
        """Whether the engine has stopped, or does so within ten seconds."""
        running = self.provider._engine._running
        end = time.monotonic() + 10
        while running and time.monotonic() < end:
            time.sleep(0.01)
        return not running

    @property
    def folded(self) -> Any:
        """The response that the chunks tell."""
        return fold(self.chunks)

    @property
    def text(self) -> str:
        return "".join(choice.delta.content or "" for chunk in self.chunks for choice in chunk.choices)


@pytest.fixture
def drive() -> type[Drive]:
    """The driver."""
    return Drive
