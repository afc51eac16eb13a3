"""The scripted driver: performs effects by a script and a clock of its own, so that whole retry schedules take no time.

It is for tests, of jackfield and of plugins. Nothing is sent, nothing is waited for, and all that was done is kept.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from jackfield.call import Call
from jackfield.engine import Engine
from jackfield.errors import APITimeoutError, DeadlineExceededError, PluginError
from jackfield.flow import Acquire, Deliver, Effect, Read, Run, Send, Sleep
from jackfield.headers import check_headers
from jackfield.http import HttpRequest, HttpResponse, Timeouts, Transport
from jackfield.models.chunks import CreateChatCompletionStreamResponse

Block: TypeAlias = bytes | float | BaseException
"""Bytes that come, seconds that pass before what follows, or what reading raises."""


class Headers(dict[str, str]):
    """Headers of an answer, found whatever the case of the name."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header, or ``default``."""
        return super().get(name.lower(), default)


@attrs.frozen(eq=False)
class Reply:
    """A canned answer to one HTTP request.

    Attributes:
        status: HTTP status.
        headers: by name, whatever the case.
        blocks: the body as it comes: bytes, seconds that pass, exceptions that reading raises.
        after: seconds until the head has been read.
    """

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=Headers)
    blocks: Sequence[Block] = ()
    after: float = 0.0

    @classmethod
    def of_json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        """A JSON answer; ``_`` in the names of headers stands for ``-``."""
        import msgspec

        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, {"content-type": "application/json", **named}, [msgspec.json.encode(value)])

    @classmethod
    def of_events(cls, *data: Any, done: bool = True) -> Reply:
        """A stream of server-sent events, each with one JSON value, and ``[DONE]`` at its end if ``done``."""
        import msgspec

        blocks = [b"data: " + msgspec.json.encode(value) + b"\n\n" for value in data]
        return cls(200, {"content-type": "text/event-stream"}, [*blocks, *([b"data: [DONE]\n\n"] if done else [])])


Answer: TypeAlias = Reply | BaseException
Script: TypeAlias = Iterable[Answer] | Callable[[HttpRequest], Answer]
"""Answers in order, or a function of the request; an exception is raised by ``Send``."""


class ScriptedBody:
    """The body of a scripted answer.

    Attributes:
        released: how often it was given back.
        ended: whether it was read to its end.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        self.released = 0
        self.ended = False
        self._blocks: Iterator[Block] = iter(blocks)

    def release(self) -> None:
        """Count that it was given back."""
        self.released += 1

    def next(self) -> Block:
        """What comes next; ``b""`` at the end.

        Raises:
            RuntimeError: it was released before.
        """
        if self.released:
            raise RuntimeError("a body was read after it had been released")
        block = next(self._blocks, b"")
        self.ended = block == b""
        return block


class ScriptedDriver:
    """Performs effects by a script.

    Args:
        script: answers to ``Send``, in order or as a function of the request.

    Attributes:
        now: seconds on the driver's own clock.
        effects: all that was asked for, in order.
        responses: heads of the answers that were given.
        delivered: chunks that the host was given.
        slept: seconds of each ``Sleep`` that was performed.
    """

    def __init__(self, script: Script = ()) -> None:
        self.now = 1000.0
        self.effects: list[Effect] = []
        self.responses: list[HttpResponse] = []
        self.delivered: list[CreateChatCompletionStreamResponse] = []
        self.slept: list[float] = []
        if callable(script):
            self._answer = script
        else:
            answers = iter(script)
            self._answer = lambda request: _next_answer(answers, request)

    def clock(self) -> float:
        """Seconds on the driver's own clock: time passes only by ``Sleep`` and by the script."""
        return self.now

    @property
    def requests(self) -> list[HttpRequest]:
        """The HTTP requests that were sent, in order."""
        return [effect.request for effect in self.effects if type(effect) is Send]

    @property
    def unreleased(self) -> list[HttpResponse]:
        """Answers whose connection nobody gave back."""
        return [response for response in self.responses if not _body(response).released]

    def run(self, engine: Engine, effect: Effect | None) -> Any:
        """Drive a call to its end, the host taking all chunks.

        Args:
            engine: of the call.
            effect: its first, as ``begin_chat`` or its like returned it.

        Returns:
            The call's result.

        Raises:
            BaseException: the call's failure.
        """
        while effect is not None:
            effect = self.step(engine, effect)
        return engine.result()

    def step(self, engine: Engine, effect: Effect) -> Effect | None:
        """Perform one effect of a call, and return the next one; None where the call has ended."""
        try:
            value = self.perform(effect, engine.call, engine.context)
        except BaseException as error:  # noqa: BLE001 - the engine deals with every failure
            return engine.fail(error)
        return engine.step(value)

    def perform(self, effect: Effect, call: Call | None = None, context: contextvars.Context | None = None) -> Any:
        """Perform one effect; returns or raises what a flow is sent.

        Args:
            effect: what to do.
            call: whose deadline and backend's limits hold; None for no limits but the usual ones.
            context: in which ``Run`` calls its function, copied; the current one unless told.
        """
        self.effects.append(effect)
        match effect:
            case Deliver():
                self.delivered.extend(effect.chunks)
                return None
            case Send():
                return self._send(effect, call)
            case Read():
                return self._read(effect, call)
            case Sleep():
                return self._sleep(effect.seconds, call)
            case Run():
                return self._run(effect, call, context)
            case Acquire():
                return self._acquire(effect, call)
        raise PluginError(f"{type(effect).__name__} is no effect that a driver knows")

    # -- effects -------------------------------------------------------------------------------------------------

    def _send(self, effect: Send, call: Call | None) -> HttpResponse:
        check_headers(effect.request.headers)
        self._check(call)
        answer = self._answer(effect.request)
        if isinstance(answer, BaseException):
            raise answer
        self._pass(answer.after, _timeouts(call).first_byte, "first_byte", call)
        response = HttpResponse(answer.status, answer.headers, effect.request, ScriptedBody(answer.blocks))
        self.responses.append(response)
        return response

    def _read(self, effect: Read, call: Call | None) -> bytes:
        if not effect.whole:
            return self._block(effect, call)
        blocks = []
        while block := self._block(effect, call):
            blocks.append(block)
        return b"".join(blocks)

    def _block(self, effect: Read, call: Call | None) -> bytes:
        self._check(call)
        limit = _timeouts(call).idle if effect.within is None else effect.within
        backend = None if call is None else call.backend
        most = (Transport() if backend is None else backend.transport).max_response_bytes
        while True:
            block = _body(effect.response).next()
            if isinstance(block, BaseException):
                raise block
            if isinstance(block, bytes):
                decoded = effect.response.decode(block, most)
                if decoded or not block:
                    return decoded
            else:
                self._pass(block, limit, "idle", call)
                limit -= block

    def _sleep(self, seconds: float, call: Call | None) -> None:
        if call is not None and seconds > call.time_left:
            raise DeadlineExceededError
        self.slept.append(seconds)
        self.now += seconds

    def _run(self, effect: Run, call: Call | None, context: contextvars.Context | None) -> Any:
        self._check(call)
        context = contextvars.copy_context() if context is None else context.copy()
        try:
            value = context.run(effect.function, *effect.args)
        except StopIteration:
            raise PluginError("a Run function raised StopIteration; use Run(next, iterator, None)") from None
        self._check(call)
        return value

    def _acquire(self, effect: Acquire, call: Call | None) -> None:
        self._check(call)
        ticket = effect.gate.line_up(lambda: None)
        if ticket.granted:
            return
        effect.gate.leave(ticket)
        if call is None or call.deadline == float("inf"):
            raise RuntimeError("the gate is full, and nobody is there to leave it")
        self.now = call.deadline
        raise DeadlineExceededError

    # -- time ----------------------------------------------------------------------------------------------------

    def _check(self, call: Call | None) -> None:
        if call is not None and call.time_left <= 0:
            raise DeadlineExceededError

    def _pass(self, seconds: float, limit: float, code: str, call: Call | None) -> None:
        """Let time pass while something is waited for, within its limit and the deadline."""
        left = float("inf") if call is None else call.time_left
        self.now += min(seconds, limit, left)
        if seconds >= left and left <= limit:
            raise DeadlineExceededError
        if seconds > limit:
            raise APITimeoutError(f"nothing came within {limit:g} s ({code})", code=code)


def _next_answer(answers: Iterator[Answer], request: HttpRequest) -> Answer:
    answer = next(answers, None)
    if answer is None:
        raise AssertionError(f"the script has no answer left for {request!r}")
    return answer


def _body(response: HttpResponse) -> ScriptedBody:
    body = response.body
    if not isinstance(body, ScriptedBody):
        raise TypeError("the response is not from a scripted driver")
    return body


def _timeouts(call: Call | None) -> Timeouts:
    backend = None if call is None else call.backend
    return Timeouts() if backend is None else backend.timeouts
