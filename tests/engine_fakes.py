"""Fakes and shorthands for the tests of the engine: small plugins that do one thing each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from jackfield import (
    Deliver,
    HttpRequest,
    Read,
    Send,
    hookimpl,
)
from jackfield.call import Call
from jackfield.drivers.scripted import ScriptedDriver
from jackfield.engine import Engine
from jackfield.flow import Effect
from jackfield.models import (
    ChatCompletionChoice,
    ChatCompletionChunkChoice,
    ChatCompletionRequestUserMessage,
    ChatCompletionResponseMessage,
    ChatCompletionStreamResponseDelta,
    CompletionUsage,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
)
from jackfield.plan import Plan

URL = "https://api.example/v1/chat"
Chunk = CreateChatCompletionStreamResponse


def ask(text: str = "hello", *, model: str = "m", stream: bool = False) -> CreateChatCompletionRequest:
    """A request."""
    return CreateChatCompletionRequest(
        messages=[ChatCompletionRequestUserMessage(content=text)], model=model, stream=stream
    )


def answer(text: str = "hi", **fields: Any) -> CreateChatCompletionResponse:
    """A response."""
    message = ChatCompletionResponseMessage(content=text)
    return CreateChatCompletionResponse(
        id="r", model="m", choices=[ChatCompletionChoice(message=message, finish_reason="stop")], **fields
    )


def piece(text: str | None, **fields: Any) -> Chunk:
    """A chunk."""
    delta = ChatCompletionStreamResponseDelta(content=text)
    return Chunk(id="c", model="m", choices=[ChatCompletionChunkChoice(delta=delta)], **fields)


def said(response: CreateChatCompletionResponse) -> str | None:
    """The text of a response."""
    return response.choices[0].message.content


def heard(chunks: Iterable[Chunk]) -> str:
    """The text of chunks."""
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


@attrs.define(eq=False)
class Provider:
    """Answers by a function of request and call: a response, an exception to raise, or a flow."""

    behave: Callable[[CreateChatCompletionRequest, Call], Any]
    requests: list[CreateChatCompletionRequest] = attrs.field(factory=list)

    @hookimpl
    def create_chat_completion(self, request, call):
        self.requests.append(request)
        result = self.behave(request, call)
        if isinstance(result, BaseException):
            raise result
        return result


def in_turn(*results: Any) -> Provider:
    """A provider that gives these, one after the other; a function is called with request and call."""
    left = list(results)

    def behave(request: CreateChatCompletionRequest, call: Call) -> Any:
        result = left.pop(0)
        return result(request, call) if callable(result) else result

    return Provider(behave)


def streaming(*texts: str, error: BaseException | None = None, usage: CompletionUsage | None = None) -> Any:
    """A behaviour: deliver a chunk of each text, the last one with the terminal signal; or break in the end."""

    def behave(request: CreateChatCompletionRequest, call: Call) -> Any:
        for position, text in enumerate(texts, start=1):
            last = position == len(texts) and error is None
            yield Deliver([piece(text, usage=usage if last else None)], last=last)
        if error is not None:
            raise error

    return behave


def sending(request: CreateChatCompletionRequest, call: Call) -> Any:
    """A behaviour: one HTTP exchange, whose body is the answer."""
    response = yield Send(HttpRequest("POST", URL))
    body = yield Read(response, whole=True)
    return answer(f"{response.status} {body.decode()}")


@attrs.define(eq=False)
class Layer:
    """A middleware around calls whose flow is a function of request and call."""

    flow: Callable[[CreateChatCompletionRequest, Call], Any]

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return self.flow(request, call)


@attrs.define(eq=False)
class HttpLayer:
    """A middleware around HTTP exchanges whose flow is a function of request and call."""

    flow: Callable[[HttpRequest, Call], Any]

    @hookimpl
    def wrap_http(self, http_request, call):
        return self.flow(http_request, call)


@attrs.define(eq=False)
class Recorder:
    """Passes everything on and keeps the outcome of each request that it passed inward."""

    name: str = "recorder"
    passed: int = 0
    outcomes: list[Any] = attrs.field(factory=list)
    partials: list[str] = attrs.field(factory=list)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        self.passed += 1
        try:
            response = yield request
        except BaseException as error:
            self.outcomes.append(error)
            self.partials.append("" if call.partial is None else said(call.partial) or "")
            raise
        self.outcomes.append(response)
        return response

    @property
    def words(self) -> list[str]:
        """What came, by class name or text."""
        return [
            said(outcome) or "" if isinstance(outcome, CreateChatCompletionResponse) else type(outcome).__name__
            for outcome in self.outcomes
        ]


@attrs.define(eq=False)
class Retry:
    """Tries again after any Exception."""

    times: int = 3
    kinds: type[Exception] = Exception

    @hookimpl
    def wrap_chat_completion(self, request, call):
        for left in range(self.times - 1, -1, -1):
            try:
                return (yield request)
            except self.kinds:
                if not left:
                    raise
        raise AssertionError("never asked")


@attrs.define(eq=False)
class Chunks:
    """Sees chunks with a function; and gives a tail."""

    see: Callable[[Chunk], Any]
    held: Any = None

    @hookimpl
    def on_chunk(self, chunk):
        return self.see(chunk)

    @hookimpl
    def end_of_stream(self):
        if isinstance(self.held, BaseException):
            raise self.held
        return self.held


@attrs.define(eq=False)
class Driven:
    """A call driven effect by effect, the host's part being played by the test."""

    plan: Plan
    driver: ScriptedDriver = attrs.field(factory=ScriptedDriver)
    engine: Engine = attrs.field(init=False)
    effect: Effect | None = attrs.field(init=False, default=None)

    def begin(self, request: CreateChatCompletionRequest, **fields: Any) -> Driven:
        """Begin, and stop at the first effect."""
        call = Call(clock=self.driver.clock, model=request.model, stream=request.stream is True, **fields)
        self.engine = Engine(self.plan, call)
        self.effect = self.engine.begin_chat(request)
        return self

    def on(self, times: int = 1) -> Driven:
        """Perform so many effects."""
        for _ in range(times):
            assert self.effect is not None, "the call has ended"
            self.effect = self.driver.step(self.engine, self.effect)
        return self

    def finish(self) -> Any:
        """Perform all that is left; the result."""
        return self.driver.run(self.engine, self.effect)
