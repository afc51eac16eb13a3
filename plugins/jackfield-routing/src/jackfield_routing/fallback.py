"""Fallback: the next model, where one has failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import APIError, DeadlineExceededError, NotFoundError
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.models.base import replaced
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield_routing.checks import are_names, entry, is_name, some_of
from jackfield_routing.destination import Destination, destination
from jackfield_routing.elsewhere import CONDITIONS, Condition, may_pass

MOST = 4
"""Models after the first one. Who waits for a fifth failure had better be told."""


def _chains(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping) or not value or not all(map(is_name, value)):
        raise ValueError(f"{attribute.name}: expected a table from names of models to the next ones")
    for number, (first, nexts) in enumerate(value.items(), start=1):
        if not are_names(nexts, 1, MOST) or first in nexts:
            text = f"expected 1 to {MOST} names for {entry(number, first)}, none of them twice, nor its own"
            raise ValueError(f"{attribute.name}: {text}")


@attrs.define(eq=False)
class Fallback:
    """Ask the next model where one has failed in a way that another need not.

    What was committed to the host is never asked again, nor anything after the deadline, which is one for all. A
    request with ``store`` goes no further once it may have been carried out.

    Attributes:
        models: the next names, in order, at most four, for each name that a request may have when it comes here.
        on: what else goes to the next model: content_filter, a refusal by the backend's filter; bad_request, a fault
            that the backend finds with the request.
    """

    models: Mapping[str, tuple[str, ...]] = attrs.field(validator=_chains)
    on: tuple[Condition, ...] = attrs.field(default=(), validator=some_of(CONDITIONS))

    @property
    def model_names(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """The names that it asks for, by their places in its settings."""
        for first, nexts in self.models.items():
            yield ("models", first), first
            yield from ((("models", first, index), name) for index, name in enumerate(nexts))

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward, then under each next name, until one answers.

        Raises:
            APIError: the failure after which no other was asked; it has a note for each that failed before.
        """
        left = iter(self.models.get(request.model, ()))
        asked, failed, first = request, list[str](), len(call.attempts)
        while True:
            before = len(call.attempts)
            try:
                response: CreateChatCompletionResponse = yield asked
            except DeadlineExceededError as error:
                _note(error, failed)
                raise
            except APIError as error:
                told = error if asked is request or len(call.attempts) > before else _of_the_table(error, asked.model)
                model = _next(left, call, first) if self._goes_on(error, request, call) else None
                if model is None:
                    _note(told, failed)
                    if told is not error:
                        raise told from None
                    raise
                failed.append(f"fallback: before it {asked.model!r} failed: {type(told).__name__}: {told}")
            else:
                return response
            asked = replaced(request, "model", model)

    def _goes_on(self, error: APIError, request: CreateChatCompletionRequest, call: Call) -> bool:
        if call.committed or call.time_left <= 0:
            return False
        return may_pass(error, store=request.store is True, on=self.on)


def _note(error: Exception, failed: Iterable[str]) -> None:
    for line in failed:
        error.add_note(line)


def _next(left: Iterator[str], call: Call, first: int) -> str | None:
    """The next name that leads to another model than those that were asked already, under whatever name."""
    attempts = call.attempts[first:]
    asked = {Destination(attempt.backend.name, attempt.model, attempt.backend.origin) for attempt in attempts}
    return next((name for name in left if destination(name, call) not in asked), None)


def _of_the_table(error: APIError, name: str) -> APIError:
    """The error of a next name that leads nowhere tells where that name stands; any other is what it was."""
    if not isinstance(error, NotFoundError) or error.stage != "not_sent":
        return error
    text = f"{error.message}; the name {name!r} stands in `models` of the middleware fallback"
    return NotFoundError(text, code=error.code, stage="not_sent")
