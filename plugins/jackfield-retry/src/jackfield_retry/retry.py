"""Retry: the one retry loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import APIError
from jackfield.flow import Flow, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield_retry.budget import Budget
from jackfield_retry.policy import delay, judge


def _attempts(_: Any, attribute: attrs.Attribute[int], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{attribute.name}: expected a whole number of at least 1")


def _seconds(_: Any, attribute: attrs.Attribute[float], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"{attribute.name}: expected a number of seconds, at least 0")


def _draw(low: float, high: float) -> float:
    from random import uniform  # only a failure needs it

    return uniform(low, high)  # noqa: S311 - spreads load, guards nothing


@attrs.frozen(eq=False)
class _Again:
    """Another try: after how long, and what it cost whom."""

    delay: float
    budget: Budget
    cost: int


@attrs.define(eq=False)
class Retry:
    """Try again after a failure that may pass: a lost connection, too many requests, a server in trouble.

    What was committed to the host is never repeated, and what the backend may have carried out already is repeated at
    most once a call, with ``store`` never. Each backend has a budget of retries, so that one in trouble is not buried.

    Attributes:
        max_attempts: how often a request is sent at most, the first time included.
        max_retry_after: seconds; where the backend asks for a longer wait, its error is raised at once.
    """

    max_attempts: int = attrs.field(default=3, validator=_attempts)
    max_retry_after: float = attrs.field(default=120.0, validator=_seconds)
    _budgets: dict[str, Budget] = attrs.field(init=False, repr=False, factory=dict)
    _uniform: Callable[[float, float], float] = attrs.field(init=False, repr=False, default=_draw)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward until it succeeds, or another try could not help.

        Raises:
            APIError: the last failure; ``retry_budget_exhausted`` tells that the budget forbade another try.
        """
        again: _Again | None = None
        failures = 0
        while True:
            try:
                response: CreateChatCompletionResponse = yield request
            except APIError as error:
                failures += 1
                again = self._again(error, request, call, failures)
                if again is None:
                    raise
            else:
                self._succeeded(call, again)
                return response
            yield Sleep(again.delay)

    def _again(self, error: APIError, request: CreateChatCompletionRequest, call: Call, failures: int) -> _Again | None:
        """Another try after a failure, paid for; or None."""
        if call.committed or failures >= self.max_attempts:
            return None
        verdict = judge(error, store=request.store is True)
        if verdict is None or (verdict.ambiguous and self in call.state):
            return None
        wait = delay(verdict.kind, failures, error.retry_after, self._uniform)
        if (error.retry_after or 0.0) > self.max_retry_after or wait >= call.time_left:
            return None
        budget = self._budget(error.backend, call)
        if not budget.spend(verdict.kind.cost):
            error.retry_budget_exhausted = True
            return None
        if verdict.ambiguous:
            call.state[self] = True
        return _Again(wait, budget, verdict.kind.cost)

    def _succeeded(self, call: Call, again: _Again | None) -> None:
        """Give back what the last retry cost; for a success at once, one token."""
        if again is not None:
            again.budget.refund(again.cost)
        elif call.attempts:  # without one, a layer inside answered
            self._budget(None, call).refund(1)

    def _budget(self, name: str | None, call: Call) -> Budget:
        if name is None:
            name = "" if call.backend is None else call.backend.name
        budget = self._budgets.get(name)
        return self._budgets.setdefault(name, Budget()) if budget is None else budget
