"""Stack: the frames of a call, the innermost last; where each begins and leaves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jackfield import stream
from jackfield.frame import BODY, CHAT, HTTP, PROVIDER, Frame, begin, begin_body
from jackfield.ledger import begin_attempt, end_attempt
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.redaction import scrub

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.flow import Read
    from jackfield.http import HttpRequest
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.plan import Layer, Plan, Route
    from jackfield.span import Span


class Stack:
    """The frames of one call.

    Attributes:
        frames: themselves; a plain list, which the loop of the engine reads fastest.
        plan: whose layers they are of.
        slept: seconds that layers slept since the last attempt.
        source: where the last answer came from: the provider, or a layer that answered by itself.
    """

    __slots__ = ("_call", "frames", "plan", "slept", "source")

    def __init__(self, plan: Plan, call: Call) -> None:
        self.plan, self._call = plan, call
        self.frames: list[Frame] = []
        self.slept = 0.0
        self.source: Frame | None = None
        call.destination = partial(_destination, plan, self.frames)  # no method: the call would keep itself

    def enter(self, request: CreateChatCompletionRequest, route: Route | None, level: int) -> None:
        """Begin what a request comes to next: a layer of the host, of the backend, or the provider.

        Raises:
            JackfieldError: no backend answers for its model.
        """
        request, route, level, layer = self.plan.inward(request, route, level)
        if layer is not None:
            flow = begin(layer, "wrap_chat_completion", None, request, self._call)
            self._push(Frame(CHAT, flow, layer=layer, route=route, level=level))
        else:
            assert route is not None  # noqa: S101 - where no layer is left, it was routed
            self.enter_provider(request, route)

    def enter_provider(self, request: CreateChatCompletionRequest | None, route: Route) -> None:
        """Begin an attempt: a chat completion, or without a request the list of models."""
        layer, call = route.provider, self._call
        streamed = request is not None and request.stream is True
        model = "" if request is None else request.model
        attempt = begin_attempt(call, route, model, stream=streamed, wait=self.slept)
        self.slept = 0.0
        if request is None:
            flow = begin(layer, "list_models", list, call)
        else:
            flow = begin(layer, "create_chat_completion", CreateChatCompletionResponse, request, call)
            if streamed:
                flow = stream.with_tail(flow, route.chunk, call)
        self._push(Frame(PROVIDER, flow, layer=layer, route=route, request=request, attempt=attempt))

    def enter_http(self, http_request: HttpRequest, route: Route, level: int) -> None:
        """Begin a layer around an HTTP exchange."""
        layer = route.http[level]
        flow = begin(layer, "wrap_http", None, http_request, self._call)
        self._push(Frame(HTTP, flow, layer=layer, route=route, level=level))

    def enter_body(self, effect: Read) -> None:
        """Begin to read a body before which a layer stands."""
        assert effect.response.reader is not None  # noqa: S101 - else the driver reads it
        self.frames.append(Frame(BODY, begin_body(effect.response.reader, effect)))

    def _push(self, frame: Frame) -> None:
        """Put the frame of a layer on top."""
        if self._call.trace is not None:
            _trace(self._call, self._call.trace, frame)
        self.frames.append(frame)

    def end(self, frame: Frame, result: object) -> None:
        """Take the frame on top off the stack with what it returned."""
        frames = self.frames
        frames.pop()
        if frame.span is not None:
            frame.span.ended, frame.span.outcome = self._call.elapsed, "success"
        frame.release(kept=result)
        chat = frame.kind is CHAT or frame.kind is PROVIDER
        if chat and not frame.answered:
            self.source = frame
        if not frames:
            return
        below = frames[-1]
        below.error = None
        if chat:
            below.answered = True
        elif frame.kind is HTTP:
            below.own(result)  # type: ignore[arg-type]  # a response, as was looked at before

    def watching(self) -> tuple[Layer, ...]:
        """Who sees the chunks of an answer that came whole: the layers outside of its source, innermost first."""
        source = self.source
        assert source is not None and source.layer is not None  # noqa: S101, PT018 - a call has ended well
        layers = self.plan.chunk if source.route is None else source.route.chunk
        if source.kind is PROVIDER:
            return layers
        return tuple(layer for layer in layers if layer.position < source.layer.position)

    def leave(self, frame: Frame, error: BaseException) -> BaseException:
        """Take the frame on top off the stack with an error as its outcome."""
        frame.release()
        if frame.span is not None:
            frame.span.ended, frame.span.outcome = self._call.elapsed, type(error).__name__
        if frame.attempt is not None:
            end_attempt(self._call, frame.attempt, error)
        self.frames.pop()
        if self.frames:
            self.frames[-1].answered = False
        return error

    def record(self, frame: Frame, text: str) -> None:
        """Note what a layer did wrong while the call was taken down."""
        self._call.faults.append(scrub(f"{frame}: {text}"))


def _trace(call: Call, trace: list[Span], frame: Frame) -> None:
    """Note that a layer begins."""
    from jackfield.span import Span  # few want to know

    layer = frame.layer
    assert layer is not None  # noqa: S101 - of a layer's frame
    frame.span = Span(frame.kind, layer.name, layer.backend, len(call.attempts), call.elapsed)
    trace.append(frame.span)


def _destination(plan: Plan, frames: list[Frame], model: str) -> tuple[Route, str]:
    """Where a model name leads from the layer that runs: one of a backend cannot leave it."""
    route = frames[-1].route if frames else None
    return plan.route(model) if route is None else (route, model)
