"""The engine: a stack of generators, and the rules that hold for it whatever the driver.

A call is a stack of frames, one for each flow that has begun: layers, the provider, layers around an HTTP exchange.
The top frame runs until it yields. A request goes inward: a frame is pushed for the next layer. An effect goes straight
to the driver. What a frame returns or raises is the one outcome of what the frame below it had yielded.

A driver begins a call, then gives ``step`` or ``fail`` how the last effect went and gets the next effect, or None when
the call has ended and ``result`` tells how. ``cancel`` takes it down.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from jackfield import stream
from jackfield.binding import check_bound
from jackfield.chain import scrub_chain
from jackfield.ending import Ending
from jackfield.errors import CallError, DeadlineExceededError, JackfieldError, PluginError
from jackfield.flow import Deliver, Effect, Flow, Read, Send, Sleep
from jackfield.frame import CHAT, HTTP, PLAIN, PROVIDER, Frame, blame, misfit
from jackfield.http import HttpRequest, HttpResponse
from jackfield.ledger import complete, end_attempt
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.plan import NOTHING
from jackfield.stack import Stack

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.plan import Plan, Route

Move = tuple[Effect | None, Any, BaseException | None]
"""What comes next: an effect for the driver; else a value or an error for the frame on top."""
GO_ON: Move = (None, None, None)


class Engine:
    """One call. Driven by one thread or task at a time: the driver sees to that.

    Attributes:
        call: what the layers see.
        context: the context in which every step runs, so that no layer's context variable leaks into the host.
        whole: the terminal signal was delivered: closing the stream completes the call.
        done: the call has ended; ``result`` tells how.
        error: what ``result`` raises, or None.
        handled: what the host was dealing with when it last drove the call on; it is the host's own.
    """

    def __init__(self, plan: Plan, call: Call) -> None:
        self.call = call
        self.context = contextvars.copy_context()
        self.whole = False
        self.done = False
        self._stack = Stack(plan, call)
        self._ending = Ending()
        self._delivered = False
        self._value: Any = None
        self.error: BaseException | None = None
        self.handled: BaseException | None = None

    def begin_chat(self, request: CreateChatCompletionRequest) -> Effect | None:
        """Begin a chat completion: the first effect, or None where it ended at once."""
        return self.context.run(self._begin, self._stack.enter, request, None, 0)

    def begin_models(self, route: Route) -> Effect | None:
        """Begin to list the models of a backend."""
        return self.context.run(self._begin, self._stack.enter_provider, None, route)

    def begin_flow(self, flow: Flow[Any]) -> Effect | None:
        """Begin a flow that belongs to no layer."""
        self._stack.frames.append(Frame(PLAIN, flow))
        return self.step(None)

    def step(self, value: Any) -> Effect | None:
        """Go on after an effect that went well."""
        if type(value) is HttpResponse:
            self._stack.frames[-1].own(value)
        return self.context.run(self._run, value, None)

    def fail(self, error: BaseException) -> Effect | None:
        """Go on after an effect that failed. What is no ``Exception`` takes the call down and is raised to the host."""
        if isinstance(error, DeadlineExceededError):
            self._ending.expired = error
        if not isinstance(error, Exception):
            error = self._ending.taken_down(error, "a Run function")
        return self.context.run(self._run, None, error)

    def cancel(self, instead: BaseException | None = None) -> None:
        """Throw ``CallCancelled`` into the innermost layer and outward through all; nothing can be yielded any more.

        Args:
            instead: what ``result`` raises; ``StreamInterruptedError`` unless told.
        """
        if not self.done:
            self.context.run(self._run, None, self._ending.cancel(instead))

    def end(self, instead: BaseException | None) -> None:
        """Cancel a call that has not ended yet, and let its error go without secrets, and without what it came of."""
        self.cancel(instead)
        if self.error is not None:
            self.error = scrub_chain(self.error, self.handled)

    def result(self) -> Any:
        """The outcome of a call that is done: what the outermost layer returned.

        Raises:
            BaseException: what the outermost layer raised, or what took the call down.
        """
        if self.error is not None:
            raise self.error
        return self._value

    # -- the loop ------------------------------------------------------------------------------------------------

    def _begin(self, enter: Any, *args: Any) -> Effect | None:
        try:
            enter(*args)
        except JackfieldError as error:  # no route
            return self._ended(None, error)
        return self._run(None, None)

    def _run(self, value: Any, error: BaseException | None) -> Effect | None:
        stack = self._stack.frames
        while stack:
            frame = stack[-1]
            try:
                if error is None:
                    out = frame.flow.send(value)
                else:
                    frame.error = error
                    out = frame.flow.throw(error)
            except StopIteration as stop:
                value, error = self._returned(frame, stop.value)
            except BaseException as raised:  # noqa: BLE001 - every outcome of a layer is dealt with in one place
                value, error = None, self._raised(frame, raised)
            else:
                effect, value, error = self._yielded(frame, out)
                if effect is not None:
                    return effect
        return self._ended(value, error)

    def _yielded(self, frame: Frame, out: object) -> Move:
        ending = self._ending
        if ending.cancelled is not None or ending.expired is not None:
            return self._shut(frame, "yielded when nothing could be done any more")
        if type(out) in stream.EFFECTS:
            return self._effect(frame, out)
        if frame.kind is CHAT and isinstance(out, CreateChatCompletionRequest):
            return self._inward(frame, out)
        if frame.kind is HTTP and isinstance(out, HttpRequest):
            return self._exchange(frame, out, frame.level + 1)
        return self._broke(frame, f"yielded {type(out).__name__}, which is not a thing it may ask for")

    def _effect(self, frame: Frame, effect: Any) -> Move:
        kind = type(effect)
        if frame.kind is PROVIDER:
            if kind is Send:
                return self._exchange(frame, effect.request, 0)
            if isinstance(effect, Deliver):
                return self._deliver(frame, effect)
        elif isinstance(effect, Deliver):
            return self._broke(frame, "yielded Deliver, which only a provider may")
        elif kind is Sleep:
            self._stack.slept += effect.seconds
        if kind is Read and getattr(effect.response, "reader", None) is not None:
            self._stack.enter_body(effect)
            return GO_ON
        return effect, None, None

    # -- inward --------------------------------------------------------------------------------------------------

    def _inward(self, frame: Frame, request: CreateChatCompletionRequest) -> Move:
        if self.call.committed:
            if frame.error is None:
                return self._broke(frame, "asked again after the host was given a part of the answer")
            return self._shut(frame, None)
        if self.call.clock() >= self.call.deadline:
            return None, None, self._ending.expire()
        try:
            self._stack.enter(request, frame.route, frame.level + 1)
        except JackfieldError as error:  # no route: the outcome of this request
            return None, None, error
        self.whole = False  # of an earlier attempt, all of whose chunks were dropped
        return GO_ON

    def _exchange(self, frame: Frame, http_request: Any, level: int) -> Move:
        route = frame.route
        assert route is not None  # noqa: S101 - of a provider's or an HTTP frame
        if not isinstance(http_request, HttpRequest):
            return self._broke(frame, f"yielded Send of {type(http_request).__name__}, which is no HttpRequest")
        if level < len(route.http):
            self._stack.enter_http(http_request, route, level)
            return GO_ON
        try:
            check_bound(http_request, route.backend)
        except Exception as error:  # noqa: BLE001 - the outcome of this request: its URL may be none
            return None, None, error
        self.call.attempts[-1].exchanges += 1
        return Send(http_request), None, None

    def _deliver(self, frame: Frame, effect: Deliver) -> Move:
        call, attempt, route = self.call, frame.attempt, frame.route
        assert attempt is not None and route is not None and frame.layer is not None  # noqa: S101, PT018 - a provider's
        if not attempt.stream:
            return self._broke(frame, "yielded Deliver for a request that asks for no stream")
        try:
            chunks = stream.given(frame.layer, route.chunk, effect, call)
        except BaseException as raised:  # noqa: BLE001 - raised at the provider's Deliver
            return None, None, self._ending.taken_down(raised, "an on_chunk hook")
        if chunks and attempt.folder is None:
            attempt.folder = stream.folder()
            attempt.first_chunk = call.clock() - call.started - attempt.started
        if attempt.folder is not None:
            attempt.folder.extend(chunks)
        if not call.stream:
            return GO_ON
        self.whole = self.whole or effect.last
        if not chunks:
            return GO_ON
        call.committed = self._delivered = True
        return Deliver(chunks, effect.last), None, None

    # -- outward -------------------------------------------------------------------------------------------------

    def _returned(self, frame: Frame, result: Any) -> tuple[Any, BaseException | None]:
        if self._ending.cancelled is not None:
            self._stack.record(frame, "swallowed CallCancelled")
            return None, self._stack.leave(frame, self._ending.cancelled)
        if frame.kind is PROVIDER:
            result = stream.answer(frame, result)
            if isinstance(result, PluginError):
                return None, self._stack.leave(frame, result)
            assert frame.attempt is not None  # noqa: S101 - of a provider's frame
            end_attempt(self.call, frame.attempt, None, None if frame.request is None else result)
        unfit = misfit(frame, result)
        if unfit is not None:
            return None, self._stack.leave(frame, unfit)
        self._stack.end(frame, result)
        return result, None

    def _raised(self, frame: Frame, raised: BaseException) -> BaseException:
        if self._ending.cancelled is not None:
            if raised is not self._ending.cancelled:
                self._stack.record(frame, f"raised {type(raised).__name__} in place of CallCancelled")
                self._ending.taken_down(raised, frame)
            return self._stack.leave(frame, self._ending.cancelled)
        error = self._ending.taken_down(raised, frame)
        if frame.flow.gi_frame is not None:  # type: ignore[attr-defined]  # a generator
            return error  # an interrupt just after its step: it has not ended, and is to hear of it
        if error is raised is not frame.error and not isinstance(raised, JackfieldError):
            blame(raised, frame)
        return self._stack.leave(frame, error)

    def _shut(self, frame: Frame, fault: str | None) -> Move:
        """Close a layer that may not yield; the error that it was to pass on goes outward."""
        if fault is not None and self._ending.cancelled is not None:
            self._stack.record(frame, fault)
        error = self._ending.expired if frame.error is None else frame.error
        assert error is not None  # noqa: S101 - the reason for shutting it
        return None, None, self._close(frame, error)

    def _broke(self, frame: Frame, how: str) -> Move:
        return None, None, self._close(frame, PluginError(f"{frame}: {how}"))

    def _close(self, frame: Frame, error: BaseException) -> BaseException:
        """Close a layer that may not go on; what it does instead of ending is recorded, and changes nothing."""
        try:
            frame.flow.close()
        except BaseException as raised:  # noqa: BLE001 - a layer's cleanup must not replace the call's outcome
            self._stack.record(frame, f"{type(raised).__name__} while it was closed: {raised}")
            self._ending.taken_down(raised, frame)
        return self._stack.leave(frame, error if self._ending.cancelled is None else self._ending.cancelled)

    def _ended(self, value: Any, error: BaseException | None) -> Effect | None:
        if error is None and self.call.stream and not self._delivered:
            self._delivered = True
            self._value = value
            try:
                chunks = stream.replay(value, self._stack.watching(), self.call)
            except BaseException as raised:  # noqa: BLE001 - of an on_chunk hook: the call's outcome
                error = self._ending.taken_down(raised, "an on_chunk hook")
            else:
                self.whole = True
                self.call.committed = bool(chunks)
                if chunks:
                    return Deliver(chunks, last=True)
        if error is None:
            self._value = value if self._value is None else self._value
        else:
            self.error = self._ending.error(error)
        if isinstance(self.error, CallError):
            complete(self.error, self.call)
        # A handle or an answer that the host keeps shall not keep the plugins of the call's plan.
        self._stack.plan, self._stack.source, self.call.destination = NOTHING, None, None
        self.done = True  # last, for an interrupt that comes before it still ends the call
        return None
