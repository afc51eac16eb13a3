"""Checks of values: what a middleware is given is not its own to change."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import attrs
import pytest

from jackfield.errors import InternalServerError
from jackfield.http import HttpRequest, HttpResponse
from jackfield.models.base import WireValue
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.testing.contract.middleware.calls import modes
from jackfield.testing.contract.middleware.faults import api_error
from jackfield.testing.contract.middleware.judge import judge
from jackfield.testing.contract.middleware.source import WELL, Act
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.tape import FLOWS, Tape
from jackfield.testing.contract.middleware.trial import Trial, trial
from jackfield.testing.contract.verdict import one_line
from jackfield.wire import to_dict

COPY = "what it is given stays as it is; a changed copy is made by attrs.evolve"


def plain(value: Any) -> Any:
    """A value as data that can be compared later; None where it is none that is looked after."""
    if isinstance(value, WireValue):
        return copy.deepcopy(to_dict(value))
    if isinstance(value, HttpRequest):
        return {"method": value.method, "url": value.url, "body": value.body, **_headers(value)}
    if isinstance(value, HttpResponse):
        return {"status": value.status, **_headers(value)}
    return None


def _headers(message: HttpRequest | HttpResponse) -> dict[str, str]:
    return {f"header {name}": value for name, value in message.headers.items()}


@attrs.define(eq=False)
class Witness:
    """Keeps values beside what they were when the plugin got them."""

    kept: list[tuple[Any, Any]] = attrs.field(factory=list)

    def __call__(self, value: Any) -> None:
        """Take down a value."""
        data = plain(value)
        if data is not None:
            self.kept.append((value, data))

    def check(self, one: Trial, *kinds: type) -> None:
        """Fail the test if one of them was changed."""
        for value, before in self.kept:
            if isinstance(value, kinds) and (after := plain(value)) != before:
                place = f"{one.place}"
                name = type(value).__name__
                one.onion.subject.fail(f"changed the {name} it was given: {_change(before, after)}", place, wants=COPY)


def _change(before: dict[str, Any], after: dict[str, Any]) -> str:
    name = next(name for name in (*before, *after) if before.get(name) != after.get(name))
    return f"{name} was {one_line(before.get(name), 80)} and is {one_line(after.get(name), 80)}"


def witnessed(subject: Subject, mode: str, acts: list[Act]) -> tuple[Trial, Witness]:
    """A call that has run, and a witness of all that the plugin was given."""
    witness = Witness()
    one = trial(subject, mode, acts=acts, tape=Tape(subject, witness=witness))
    one.run()
    return one, witness


def scripts() -> list[list[Act]]:
    """Answers at once, and one after a failure that may pass."""
    return [[WELL], [Act(partial(api_error, InternalServerError, "answered")), WELL]]


class ValueChecks:
    """Nothing that it is given is changed."""

    @modes
    def test_request_is_not_mutated(self, subject: Subject, mode: str) -> None:
        """The host's request, with its messages and its JSON, and what the call carries stay as they were."""
        for acts in scripts():
            one, witness = witnessed(subject, mode, acts)
            witness.check(one, CreateChatCompletionRequest)
            for name, before in one.told.items():
                if before != (after := getattr(one.call, name)):
                    subject.fail(
                        f"changed call.{name}: it was {one_line(before, 80)} and is {one_line(after, 80)}",
                        one.place,
                        wants="the call's own fields are the host's; a layer keeps its things in call.state[self]",
                    )
            judge(one)

    @modes
    def test_request_is_passed_on_as_it_came(self, subject: Subject, mode: str) -> None:
        """What is passed inward is what was given; only a repetition may name another model."""
        if subject.changes_request:
            pytest.skip("changes_request = True")
        for acts in scripts():
            one, _ = witnessed(subject, mode, acts)
            judge(one)
            for passage in one.onion.tape.passages:
                if passage.hook == FLOWS[0]:
                    self._as_it_came(one, passage.given, passage.inward)

    @staticmethod
    def _as_it_came(one: Trial, given: Any, inward: list[Any]) -> None:
        for number, request in enumerate(inward):
            passed = attrs.evolve(request, model=given.model) if number else request
            if passed != given:
                one.onion.subject.fail(
                    f"passed another request inward: {_change(plain(given), plain(passed))}",
                    one.place,
                    wants="a request is passed on as it came; what changes it declares changes_request = True",
                )

    @modes
    def test_answer_is_not_mutated(self, subject: Subject, mode: str) -> None:
        """Responses and chunks stay as they were: other layers, and the host, have the same objects."""
        for acts in scripts():
            one, witness = witnessed(subject, mode, acts)
            sent = [value for value, _ in witness.kept if isinstance(value, WireValue)]
            witness.check(one, *{type(value) for value in sent if not isinstance(value, CreateChatCompletionRequest)})
            judge(one)

    @modes
    def test_http_is_not_mutated(self, subject: Subject, mode: str) -> None:
        """HTTP requests and responses, and their headers, stay as they were."""
        if "wrap_http" not in subject.hooks:
            pytest.skip("it has no wrap_http")
        one, witness = witnessed(subject, mode, [WELL])
        witness.check(one, HttpRequest, HttpResponse)
        judge(one)
