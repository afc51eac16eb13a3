"""CircuitBreaker: gives a backend in trouble a rest, and its callers an answer at once."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import APIConnectionError, APIError
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield_routing.checks import are_names, number, whole
from jackfield_routing.circuit import Limits, Pass
from jackfield_routing.circuits import Circuits, Refusal
from jackfield_routing.destination import Destination, destination
from jackfield_routing.verdict import CIRCUIT_OPEN, Verdict, judge

DAY = 86_400.0
SECONDS = "seconds"


def _groups(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, list | tuple) or not all(are_names(group, 2, 1000) for group in value):
        raise ValueError(f"{attribute.name}: expected arrays of at least 2 names of models, none of them twice")


def _longest(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    number(0, DAY, SECONDS)(instance, attribute, value)
    if value < instance.open_for:
        raise ValueError(f"{attribute.name}: expected at least as many seconds as open_for")


@attrs.define(eq=False)
class CircuitBreaker:
    """Send nothing to a model for a while once too many of its calls have failed.

    Each model of each backend has a circuit, whatever alias it is asked for by. Closed, it lets all requests through;
    open, none; after that one at a time, the probe, which closes it or opens it again for twice as long.

    Attributes:
        min_calls: so many calls have to have ended within the window before a circuit opens.
        failure_ratio: part of those that has to have failed.
        window: seconds that are looked back on.
        open_for: seconds for which a circuit is open the first time.
        max_open: seconds for which it is open at most.
        groups: arrays of model names that stand for each other; in each of them one circuit stays closed.
    """

    min_calls: int = attrs.field(default=10, validator=whole(1, 1_000_000))
    failure_ratio: float = attrs.field(default=0.5, validator=number(0, 1))
    window: float = attrs.field(default=30.0, validator=number(0.1, DAY, SECONDS))
    open_for: float = attrs.field(default=5.0, validator=number(0, DAY, SECONDS))
    max_open: float = attrs.field(default=300.0, validator=_longest)
    groups: tuple[tuple[str, ...], ...] = attrs.field(default=(), validator=_groups)
    _circuits: Circuits = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        limits = Limits(self.min_calls, self.failure_ratio, self.window, self.open_for, self.max_open)
        self._circuits = Circuits(limits)

    @property
    def model_names(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """The names in its groups, by their places in its settings."""
        for place, group in enumerate(self.groups):
            yield from ((("groups", place, index), name) for index, name in enumerate(group))

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward, and take down what came of it; or refuse it.

        Raises:
            APIConnectionError: the circuit is open: code ``circuit_open``, nothing was sent, and ``retry_after`` tells
                when a probe will be let through.
            APIError: the same, where the last attempt of this very call failed there: that failure again, not to be
                tried again, with a note of the circuit.
        """
        response: CreateChatCompletionResponse
        key = destination(request.model, call)
        if key is None:
            response = yield request
            return response
        through, before = self._enter(key, call), len(call.attempts)
        verdict = Verdict.NOTHING
        try:
            response = yield request
        except Exception as error:
            asked = len(call.attempts) > before
            verdict = judge(error, call.attempts[-1] if asked else None)
            if asked and isinstance(error, APIError):
                call.state[self] = key, _copied(error)  # without its traceback, in which the call is
            raise
        else:
            verdict = Verdict.SUCCESS if len(call.attempts) > before else verdict
            return response
        finally:
            groups = self._groups(call) if verdict is Verdict.FAILURE else []
            self._circuits.leave(through, verdict, call.clock(), groups)

    def _enter(self, key: Destination, call: Call) -> Pass:
        before = len(call.attempts)

        def answers() -> bool:
            return len(call.attempts) > before and call.attempts[-1].first_chunk is not None

        through = self._circuits.enter(key, call.clock(), answers)
        if isinstance(through, Refusal):
            raise _again(_refused(key, through), key, *call.state.get(self, (None, None)))
        return through

    def _groups(self, call: Call) -> list[set[Destination]]:
        """The groups, by where their names lead."""
        return [{key for name in group if (key := destination(name, call)) is not None} for group in self.groups]


def _again(refusal: APIError, key: Destination, place: Destination | None, failure: APIError | None) -> APIError:
    """What to raise for a refusal: the failure before it, where that was of the same model; else the refusal."""
    if failure is None or place != key:
        return refusal
    error = _copied(failure)
    error.should_retry = False
    error.add_note(f"circuit-breaker: not asked again: {refusal}")
    return error


def _copied(error: APIError) -> APIError:
    copied = copy.copy(error)
    copied.__notes__ = [*getattr(error, "__notes__", ())]  # else layers outside would write on both
    return copied


def _refused(key: Destination, refusal: Refusal) -> APIConnectionError:
    name = f"{key.backend}/{key.model}"
    when = "" if refusal.wait is None else f"; the next probe in {refusal.wait:.1f} s"
    error = APIConnectionError(
        f"the circuit of {name!r} is open: {refusal.reason}{when}",
        code=CIRCUIT_OPEN,
        stage="not_sent",
        should_retry=False,
        retry_after=refusal.wait,
    )
    error.backend, error.model = key.backend, key.model  # else the host would be told those of an earlier attempt
    return error
