"""Tape: what the flows of a plugin were given, asked for and came to, kept while the engine drives them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext, suppress
from types import GeneratorType
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import CallCancelled, DeadlineExceededError
from jackfield.flow import Effect, Flow
from jackfield.plan import Layer
from jackfield.testing.contract.middleware.subject import Subject

FLOWS = ("wrap_chat_completion", "wrap_http")
PLAIN = ("on_chunk", "end_of_stream")
MOST, MOST_EFFECTS = 64, 1000
"""So often one flow passes something inward, and yields effects; more never ends."""
RUNNING = object()
"""The outcome of a flow that has not ended, or was closed before it could."""


@attrs.define(eq=False)
class Passage:
    """One run of one flow.

    Attributes:
        hook: whose flow it is.
        given: the request, or HTTP request, that it was given.
        call: the call.
        inward: what it passed inward, in order.
        outcomes: what came of each: a value, or an exception.
        thrown: exceptions that came of its effects.
        effects: what it asked the driver for.
        late: what it asked for when nothing could be done any more, and why that was so.
        outcome: what it returned, or the exception that it raised.
    """

    hook: str
    given: Any
    call: Call
    inward: list[Any] = attrs.field(factory=list)
    outcomes: list[Any] = attrs.field(factory=list)
    thrown: list[BaseException] = attrs.field(factory=list)
    effects: list[Effect] = attrs.field(factory=list)
    late: list[tuple[str, str]] = attrs.field(factory=list)
    outcome: Any = RUNNING
    _over: str | None = attrs.field(init=False, default=None)

    def asks(self, out: object) -> None:
        """Take down what it yields."""
        name = type(out).__name__
        if self._over is not None:
            self.late.append((name, self._over))
        elif isinstance(out, Effect):
            self.effects.append(out)
        else:
            if self.hook == FLOWS[0] and self.call.committed:
                self.late.append((name, "after the commit"))
            self.inward.append(out)

    def gets(self, out: object, outcome: Any) -> None:
        """Take down what came of what it had yielded."""
        if isinstance(outcome, CallCancelled):
            self._over = "after CallCancelled"
        elif isinstance(outcome, DeadlineExceededError):
            self._over = self._over or "after the deadline"
        if not isinstance(out, Effect):
            self.outcomes.append(outcome)
        elif isinstance(outcome, BaseException):
            self.thrown.append(outcome)

    @property
    def endless(self) -> str | None:
        """What it has done too often to come to an end."""
        if len(self.inward) > MOST:
            return f"passed the {'request' if self.hook == FLOWS[0] else 'HTTP request'} inward more than {MOST} times"
        return f"yielded more than {MOST_EFFECTS} effects" if len(self.effects) > MOST_EFFECTS else None

    @property
    def errors(self) -> list[BaseException]:
        """All exceptions that came to it."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, BaseException)] + self.thrown

    @property
    def answers(self) -> list[Any]:
        """All answers that came from inside."""
        return [outcome for outcome in self.outcomes if not isinstance(outcome, BaseException)]


@attrs.define(eq=False)
class Tape:
    """Records the hooks of some layers.

    Attributes:
        subject: fails the test where a flow goes on for ever.
        guard: a context manager that is entered while code of the plugin runs.
        witness: told of each value before the plugin gets it.
        passages: flows, in the order in which they began.
        chunks: what ``on_chunk`` was given, and what came of it: None, a list of chunks, or an exception.
        tails: what ``end_of_stream`` gave.
        raised: what the plain hooks raised, and which.
    """

    subject: Subject
    guard: Callable[[], AbstractContextManager[Any]] = nullcontext
    witness: Callable[[Any], None] = attrs.field(default=lambda _: None)
    passages: list[Passage] = attrs.field(factory=list, init=False)
    chunks: list[tuple[Any, Any]] = attrs.field(factory=list, init=False)
    tails: list[Any] = attrs.field(factory=list, init=False)
    raised: list[tuple[str, BaseException]] = attrs.field(factory=list, init=False)

    def clear(self) -> None:
        """Forget what was recorded."""
        for kept in (self.passages, self.chunks, self.tails, self.raised):
            kept.clear()

    def tap(self, layer: Layer) -> None:
        """Record the hooks of a layer from now on."""
        for hook in FLOWS:
            if hook in layer.hooks:
                layer.hooks[hook] = self._flow(hook, layer.hooks[hook])
        for hook in PLAIN:
            if hook in layer.hooks:
                layer.hooks[hook] = self._plain(hook, layer.hooks[hook])

    def _flow(self, hook: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def begin(given: Any, call: Call) -> Any:
            self.witness(given)
            with self.guard():
                flow = function(given, call)
            if type(flow) is not GeneratorType:
                return flow  # the engine has something to say about it
            passage = Passage(hook, given, call)
            self.passages.append(passage)
            return self._run(passage, flow)

        return begin

    def _run(self, passage: Passage, flow: Flow[Any]) -> Generator[Any, Any, Any]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                with self.guard():
                    out = flow.send(value) if error is None else flow.throw(error)
            except StopIteration as stop:
                passage.outcome = stop.value
                return stop.value
            except BaseException as raised:
                passage.outcome = raised
                raise
            passage.asks(out)
            self._ends(passage, flow)
            try:
                value, error = (yield out), None
            except GeneratorExit:
                flow.close()
                raise
            except BaseException as raised:  # noqa: BLE001 - thrown into the flow, which may deal with it
                value, error = None, raised
            passage.gets(out, value if error is None else error)
            self.witness(value)

    def _ends(self, passage: Passage, flow: Flow[Any]) -> None:
        """Fail the test where a flow goes on and on."""
        if passage.endless is None:
            return
        with suppress(RuntimeError):  # of a flow that does not even let itself be closed
            flow.close()
        place = f"{passage.hook}, {self.subject.pulse.place}"
        self.subject.fail(passage.endless, place, wants="every call comes to an end: what repeats counts how often")

    def _plain(self, hook: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            self.witness(given[0])
            try:
                with self.guard():
                    after = function(*given)
                    after = list(after) if hasattr(after, "__iter__") else after
            except BaseException as raised:
                self.raised.append((hook, raised))
                raise
            if hook == "on_chunk":
                self.chunks.append((given[0], after))
            else:
                self.tails.append(after)
            return after

        return run
