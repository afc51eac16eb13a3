"""Providers that break the contract, one rule each."""

from __future__ import annotations

import logging
from typing import Any

import attrs

from jackfield import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    RateLimitError,
    StreamInterruptedError,
    hookimpl,
)
from jackfield.flow import Deliver, Flow, Send
from jackfield.http import HttpRequest
from jackfield.unfold import unfold
from jackfield_openai import OpenAIProvider


@attrs.define(eq=False)
class Good(OpenAIProvider):
    """Breaks nothing."""


class _Altered(OpenAIProvider):
    """Does something else with what the good provider does."""

    @hookimpl
    def create_chat_completion(self, request: Any, call: Any) -> Any:
        """As ``alter`` has it."""
        return (yield from self.alter(self.ask(request, call), request, call))

    def ask(self, request: Any, call: Any) -> Flow[Any]:
        """What the good provider does."""
        return OpenAIProvider.create_chat_completion(self, request, call)

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        """The flow, changed."""
        return (yield from flow)


@attrs.define(eq=False)
class Raw(_Altered):
    """Raises what is not jackfield's."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        try:
            return (yield from flow)
        except APIError:
            raise KeyError("choices") from None


@attrs.define(eq=False)
class Untyped(_Altered):
    """Raises one class for everything."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        try:
            return (yield from flow)
        except APIError as error:
            raise BadRequestError(error.message) from None


@attrs.define(eq=False)
class Optimist(_Altered):
    """Takes a cut stream for a whole one."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        try:
            return (yield from flow)
        except StreamInterruptedError:
            return None


@attrs.define(eq=False)
class Thrifty(_Altered):
    """Loses the usage."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        return attrs.evolve((yield from flow), usage=None)


@attrs.define(eq=False)
class Endless(_Altered):
    """Loses the reason for which the answer ended."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        response = yield from flow
        return attrs.evolve(response, choices=[attrs.evolve(response.choices[0], finish_reason=None)])


@attrs.define(eq=False)
class Lumpy(_Altered):
    """Holds all chunks until the last one is there."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        held: list[Any] = []
        value, error = None, None
        while True:
            try:
                out = flow.send(value) if error is None else flow.throw(error)
            except StopIteration:
                return None
            value, error = None, None
            if isinstance(out, Deliver):
                held += out.chunks
                if not out.last:
                    continue
                out = Deliver(held, last=True)
                held = []
            try:
                value = yield out
            except BaseException as raised:
                error = raised


@attrs.define(eq=False)
class OneChunk(_Altered):
    """Gives a stream in one chunk."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        plain = attrs.evolve(request, stream=False)
        response = yield from self.ask(plain, call)
        head, *_, end = unfold(response)
        delta = attrs.evolve(head.choices[0].delta, content=response.choices[0].message.content)
        choice = attrs.evolve(head.choices[0], delta=delta, finish_reason="stop")
        yield Deliver([attrs.evolve(end, choices=[choice], usage=response.usage)], last=True)
        return None


@attrs.define(eq=False)
class Repeater(_Altered):
    """Tries again by itself."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        try:
            return (yield from flow)
        except APIError:
            return (yield from self.ask(request, call))


@attrs.define(eq=False)
class Teller(_Altered):
    """Logs what the service said, as it came."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        response = yield Send(self.encode(request, call))
        logging.getLogger("teller").warning("the service said %s", response.header("x-echo"))
        raise AuthenticationError("refused", status_code=401)


@attrs.define(eq=False)
class Follower(_Altered):
    """Follows redirects."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        sent: HttpRequest = self.encode(request, call)
        response = yield Send(sent)
        if response.header("location"):
            yield Send(HttpRequest("POST", response.header("location"), sent.headers, sent.body))
        raise RateLimitError("it was a redirect")


@attrs.define(eq=False)
class Mixer(_Altered):
    """Gives each call the answer of the first."""

    first: Any = attrs.field(default=None, init=False)

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        self.first = self.first or request
        mixed = attrs.evolve(request, messages=self.first.messages)
        return (yield from self.ask(mixed, call))


@attrs.define(eq=False)
class Deaf(_Altered):
    """Does not hear what the service asks for."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        try:
            return (yield from flow)
        except APIError as error:
            error.retry_after = None
            raise


@attrs.define(eq=False)
class Vague(_Altered):
    """Does not tell why no connection came about."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        try:
            return (yield from flow)
        except APIConnectionError as error:
            error.code = None
            raise


@attrs.define(eq=False)
class Tired(_Altered):
    """Fails from its second call on."""

    calls: int = attrs.field(default=0, init=False)

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        self.calls += 1
        if self.calls > 1:
            raise RateLimitError("no more today")
        return (yield from flow)


@attrs.define(eq=False)
class Nameless(_Altered):
    """Knows no models."""

    @hookimpl
    def list_models(self, call: Any) -> Any:
        return []


@attrs.define(eq=False)
class Clumsy(_Altered):
    """Loses every tool call but the first."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        response = yield from self.ask(attrs.evolve(request, stream=False), call)
        choice = response.choices[0]
        message = attrs.evolve(choice.message, tool_calls=list(choice.message.tool_calls or ())[:1])
        response = attrs.evolve(response, choices=[attrs.evolve(choice, message=message)])
        if not call.stream:
            return response
        yield Deliver(unfold(response), last=True)
        return None


@attrs.define(eq=False)
class Liar(_Altered):
    """Says something else than the service."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        last = attrs.evolve(request.messages[-1], content="something else")
        return (yield from self.ask(attrs.evolve(request, messages=[last]), call))


@attrs.define(eq=False)
class Unsure(_Altered):
    """Does not say that nothing was sent."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        try:
            return (yield from flow)
        except APIConnectionError as error:
            error.stage = "ambiguous"
            raise


@attrs.define(eq=False)
class Elsewhere(_Altered):
    """Asks another server where the first does not answer."""

    other: str = attrs.field(default="", kw_only=True)

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        try:
            return (yield from flow)
        except APIConnectionError:
            yield Send(HttpRequest("POST", f"{self.other}/chat/completions", {}, self.encode(request, call).body))
            raise


@attrs.define(eq=False)
class Absent(_Altered):
    """Never answers."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        raise RateLimitError("not today")
        yield


@attrs.define(eq=False)
class Knocker(_Altered):
    """Asks for the models before each call."""

    def alter(self, flow: Flow[Any], request: Any, call: Any) -> Flow[Any]:
        yield Send(self.encode_models(call))
        return (yield from flow)
