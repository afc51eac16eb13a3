"""A request, a provider that fails as it is told, layers, and a bench for circuit breakers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import pytest

from jackfield.engine import Engine
from jackfield.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ContentFilterError,
    ContextLengthExceededError,
    InternalServerError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamInterruptedError,
    UnexpectedRedirectError,
    UnprocessableEntityError,
    UnsupportedParameterError,
)
from jackfield.flow import Deliver, Flow, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.http import Origin
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import ScriptedDriver, make_call, plan, run_call
from jackfield.wire import from_dict
from jackfield_routing import CircuitBreaker, Fallback
from jackfield_routing.circuit import Circuit
from jackfield_routing.destination import Destination

Maker = Callable[[], BaseException]
NEXTS = ("other/a", "other/b", "other/c", "other/d")
CHUNK = from_dict(
    {"id": "x", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]},
    CreateChatCompletionStreamResponse,
)
KINDS: dict[str, Maker] = {
    "refused": lambda: APIConnectionError("refused", code="refused", stage="not_sent"),
    "certificate": lambda: APIConnectionError("no", code="certificate", stage="not_sent"),
    "circuit open": lambda: APIConnectionError("open", code="circuit_open", stage="not_sent", should_retry=False),
    "pool": lambda: APITimeoutError("full", code="pool", stage="not_sent"),
    "reset": lambda: APIConnectionError("reset", code="reset"),
    "first byte": lambda: APITimeoutError("slow", code="first_byte"),
    "stream broke": lambda: StreamInterruptedError("broke"),
    "no answer": lambda: InvalidResponseError("not JSON"),
    "unknown": lambda: APIError("what is it?"),
    "server error inside an answer": lambda: InternalServerError("down"),
    "rate limit inside an answer": lambda: RateLimitError("slow down"),
    "unsupported parameter": lambda: UnsupportedParameterError("no seed", code="unsupported_parameter", param="seed"),
    "unsupported value": lambda: BadRequestError("no", status_code=400, code="unsupported_value"),
    "refused by the provider": lambda: BadRequestError("not with me", stage="not_sent"),
    "too long": lambda: ContextLengthExceededError("too long", status_code=400),
    "filter": lambda: ContentFilterError("refused", status_code=400),
    "filter before sending": lambda: ContentFilterError("refused", stage="not_sent"),
    "no quota": lambda: RateLimitError("used up", status_code=429, code="insufficient_quota", should_retry=False),
    "301": lambda: UnexpectedRedirectError("moved", status_code=301),
    "400": lambda: BadRequestError("bad", status_code=400),
    "bad request inside an answer": lambda: BadRequestError("bad"),
    "401": lambda: AuthenticationError("who?", status_code=401),
    "402": lambda: APIStatusError("pay", status_code=402),
    "403": lambda: PermissionDeniedError("no", status_code=403),
    "404": lambda: NotFoundError("no such model", status_code=404, code="model_not_found"),
    "404 before sending": lambda: NotFoundError("no such file", stage="not_sent"),
    "408": lambda: APIStatusError("slow", status_code=408),
    "409": lambda: ConflictError("busy", status_code=409),
    "410": lambda: APIStatusError("gone", status_code=410),
    "413": lambda: APIStatusError("too large", status_code=413),
    "418": lambda: APIStatusError("a teapot", status_code=418),
    "422": lambda: UnprocessableEntityError("bad", status_code=422),
    "unprocessable inside an answer": lambda: UnprocessableEntityError("bad"),
    "429": lambda: RateLimitError("slow down", status_code=429, retry_after=7.0),
    "500": lambda: InternalServerError("down", status_code=500),
    "503": lambda: InternalServerError("down", status_code=503),
    "529": lambda: InternalServerError("overloaded", status_code=529, should_retry=False),
}
"""Every kind of failure that a backend, or a layer, has."""


@attrs.define(eq=False)
class Failing:
    """Fails as ``failures`` say, in order, then answers; a stream breaks after ``chunks`` chunks.

    It waits ``seconds`` before it begins to answer, and of a stream before the end.
    """

    failures: Iterable[Maker] = ()
    chunks: int = 0
    seconds: float = 0.0
    origin: Origin | None = None
    asked: list[CreateChatCompletionRequest] = attrs.field(init=False, factory=list)
    _left: Any = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = iter(self.failures)

    @hookimpl
    def create_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse | None]:
        self.asked.append(request)
        failure = next(self._left, None)
        for _ in range(self.chunks if request.stream is True else 0):
            yield from self._wait()
            yield Deliver([CHUNK])
        yield from self._wait()
        if failure is not None:
            raise failure()
        if request.stream is not True:
            return CreateChatCompletionResponse(id=request.model, choices=[])
        yield Deliver([CHUNK], last=True)
        return None

    def _wait(self) -> Flow[None]:
        if self.seconds:
            yield Sleep(self.seconds)

    @property
    def models(self) -> list[str]:
        """The names of the models that it was asked for."""
        return [request.model for request in self.asked]


def make_request(model: str = "m", **fields: Any) -> CreateChatCompletionRequest:
    messages = [{"role": "user", "content": "Hello."}]
    return from_dict({"model": model, "messages": messages, **fields}, CreateChatCompletionRequest)


@pytest.fixture
def ask() -> Callable[..., CreateChatCompletionRequest]:
    """Makes a request, of a model name and other fields."""
    return make_request


@pytest.fixture
def failing() -> Callable[..., Failing]:
    """Makes a provider that fails as the names of ``KINDS`` say, or always as one of them."""

    def make(*names: str, always: str | None = None, **fields: Any) -> Failing:
        failures = [KINDS[name] for name in names] if always is None else itertools.repeat(KINDS[always])
        return Failing(failures, **fields)

    return make


@attrs.define(eq=False)
class Shut:
    """Refuses one model, and asks no backend for it."""

    model: str
    error: Maker

    @hookimpl
    def wrap_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[Any]:
        if request.model == self.model:
            raise self.error()
        return (yield request)


@pytest.fixture
def shut() -> Callable[[str, str], Shut]:
    """Makes a layer that refuses a model with one of ``KINDS``."""
    return lambda model, kind: Shut(model, KINDS[kind])


@pytest.fixture
def fallback() -> Callable[..., Fallback]:
    """Makes a fallback from ``m`` to other names, the four of ``NEXTS`` unless told."""
    return lambda *nexts, **settings: Fallback(models={"m": nexts or NEXTS}, **settings)


@pytest.fixture
def kinds() -> dict[str, Maker]:
    """Makers of failures, by what they are."""
    return KINDS


@attrs.define(eq=False)
class Bench:
    """Calls through one breaker, on one clock; ``fails`` says how the backend fails, or is None.

    The backend's name is ``test``, and ``other``'s is the same one's.
    """

    layer: CircuitBreaker
    kinds: Any
    ask: Any
    fails: str | None = None
    outside: tuple[object, ...] = ()
    inside: tuple[object, ...] = ()
    driver: ScriptedDriver = attrs.field(factory=ScriptedDriver)
    asked: list[str] = attrs.field(factory=list)
    plans: dict[Any, Any] = attrs.field(factory=dict)

    @hookimpl
    def create_chat_completion(self, request: Any) -> CreateChatCompletionResponse:
        self.asked.append(request.model)
        if self.fails is not None:
            error = self.kinds[self.fails]()
            raise error
        return CreateChatCompletionResponse(id="x", choices=[])

    def call(self, model: str = "m", times: int = 1, **fields: Any) -> str:
        """What comes of the last of so many calls: ``answer``, or the error's code or class."""
        layers = self._layers()
        told = ""
        for _ in range(times):
            try:
                run_call(layers, self.ask(model), self.driver, **fields)
            except APIError as error:
                told = error.code or type(error).__name__
            else:
                told = "answer"
        return told

    def _layers(self) -> Any:
        around = (*self.outside, self.layer, *self.inside)
        if around not in self.plans:
            self.plans[around] = plan(self, middleware=around, backends={"other": self})
        return self.plans[around]

    def state(self, backend: str = "test", model: str = "m") -> str:
        return self.layer._circuits.state(Destination(backend, model))

    @property
    def circuit(self) -> Circuit:
        return self.layer._circuits._circuits[Destination("test", "m")]

    def standing(self, stream: bool = False) -> tuple[Engine, Any]:
        """A call that stands at its first effect, a second before it is answered, and that effect."""
        layers = plan(Failing(chunks=1, seconds=1.0), middleware=[self.layer])
        engine = Engine(layers, make_call(self.driver, stream=stream, timeout=1000.0))
        return engine, engine.begin_chat(self.ask(stream=stream))


@pytest.fixture
def bench(kinds, ask):
    """Makes a bench with a breaker of some settings."""

    def make(**settings: Any) -> Bench:
        return Bench(CircuitBreaker(**settings), kinds, ask)

    return make
