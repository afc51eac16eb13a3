"""Judge: what holds for every call, whatever happened in it."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield.errors import CallError, PluginError
from jackfield.flow import Read
from jackfield.http import HttpResponse
from jackfield.models.base import WireValue
from jackfield.testing.contract.middleware.subject import Subject, told
from jackfield.testing.contract.middleware.tape import FLOWS, Passage
from jackfield.testing.contract.middleware.trial import Trial
from jackfield.testing.contract.verdict import one_line
from jackfield.testing.driver import DISTRIBUTION

CLEAN_UP = "CallCancelled passes outward; what is to be cleaned up is cleaned up in plain code, without an effect"
NOTHING_LATE = "after CallCancelled, after the deadline and, for requests, after the commit nothing may be yielded"
IMMUTABLE = "requests and answers are immutable: attrs.evolve makes a changed copy"
PASSES = "an answer passes outward, and a failure with its type"
JACKFIELDS = f"{PASSES}; only jackfield's exceptions, CallError and below, may be a layer's own"
BY_LAYER = f" of {DISTRIBUTION}): "
"""The end of a layer's name, before the engine's own words about it."""


def judge(trial: Trial) -> None:
    """Fail the test if the plugin broke a rule that holds for every call."""
    subject, tape = trial.onion.subject, trial.onion.tape
    for hook, error in tape.raised:
        if not _own_failure(subject, error):
            wants = IMMUTABLE if _changing(error) else f"{hook} raises nothing"
            subject.fail(f"raised {told(error)} in {hook}", trial.place, wants=wants)
    passages = [passage for passage in tape.passages if passage.call is trial.call]
    for passage in passages:
        for what, why in passage.late:
            subject.fail(f"yielded {what} {why}", f"{passage.hook}, {trial.place}", wants=NOTHING_LATE)
    for text in trial.call.faults:
        subject.fail(text.partition(BY_LAYER)[2], trial.place, wants=CLEAN_UP)
    outcome = trial.outcome
    if isinstance(outcome, PluginError) and BY_LAYER in outcome.message:
        subject.fail(
            outcome.message.partition(BY_LAYER)[2],
            trial.place,
            wants="a flow yields requests and effects, and returns a response",
        )
    for passage in passages:
        (_chat if passage.hook == FLOWS[0] else _http)(trial, passage)


def _own_failure(subject: Subject, error: BaseException) -> bool:
    """Whether a failure is one that the plugin says it makes."""
    return subject.changes_outcome and isinstance(error, CallError)


def _chat(trial: Trial, passage: Passage) -> None:
    subject, place = trial.onion.subject, trial.place
    if len(passage.inward) > 1 and not subject.repeats:
        subject.fail(
            f"passed the request inward {len(passage.inward)} times",
            place,
            wants="a request is passed inward once; what repeats on purpose declares repeats = True",
        )
    if _failed(trial, passage) or not passage.inward:
        return
    if not passage.answers:
        if not subject.changes_outcome:
            subject.fail(
                f"answered where the request had failed with {told(passage.errors[-1])}",
                place,
                wants="a failure passes outward; what answers it on purpose declares changes_outcome = True",
            )
    elif not subject.changes_answer and not any(passage.outcome == answer for answer in passage.answers):
        what = difference(passage.answers[-1], passage.outcome)
        subject.fail(
            f"returned another answer than it got: {what}",
            place,
            wants="an answer passes outward as it came; what changes it on purpose declares changes_answer = True",
        )


def _http(trial: Trial, passage: Passage) -> None:
    subject, place = trial.onion.subject, f"wrap_http, {trial.place}"
    first = passage.outcomes[0] if passage.outcomes else None
    refused = isinstance(first, HttpResponse) and first.status == 401
    if len(passage.inward) > 1 + refused:
        came = f"status {first.status}" if isinstance(first, HttpResponse) else type(first).__name__
        subject.fail(
            f"sent the HTTP request {len(passage.inward)} times after {came}",
            place,
            wants="an exchange is made once, and once more at most after 401",
        )
    if _failed(trial, passage) or not passage.inward:
        return
    if not any(_stands_for(passage.outcome, answer) for answer in passage.answers) and not subject.changes_answer:
        subject.fail("returned another HTTP response than it got", place, wants="the response passes outward unread")
    if any(isinstance(effect, Read) and effect.response is passage.outcome for effect in passage.effects):
        subject.fail("read a response that it returned", place, wants="a response is Read only if it is not returned")


def _stands_for(response: object, answer: object) -> bool:
    """Whether a response is an answer as it came, or with a reader before its body."""
    names = ("status", "headers", "request", "body")
    return response is answer or (
        getattr(response, "reader", None) is not None
        and all(getattr(response, name) is getattr(answer, name) for name in names)
    )


def _failed(trial: Trial, passage: Passage) -> bool:
    """Whether the flow came to no answer, and had the right to."""
    subject, place, outcome = trial.onion.subject, f"{passage.hook}, {trial.place}", passage.outcome
    if not isinstance(outcome, BaseException):
        if not passage.inward and not subject.answers:
            subject.fail(
                "answered without passing the request inward",
                place,
                wants="a request is passed inward; what answers by itself declares answers = True",
            )
        return False
    mine = not passage.inward and subject.answers and isinstance(outcome, CallError)
    if type(outcome) not in set(map(type, passage.errors)) and not mine and not _own_failure(subject, outcome):
        instead = _instead(passage)
        subject.fail(
            f"raised {told(outcome)}{instead}",
            place,
            wants=_allowed(outcome),
        )
    return True


def _allowed(error: BaseException) -> str:
    """What the contract wants in place of an exception that a flow raised."""
    if _changing(error):
        return IMMUTABLE
    if not isinstance(error, CallError):
        return JACKFIELDS
    return f"{PASSES}; what makes failures of its own declares changes_outcome = True"


def _changing(error: BaseException) -> bool:
    """Whether it came of changing a value that cannot be changed."""
    if isinstance(error, attrs.exceptions.FrozenInstanceError):
        return True
    return isinstance(error, AttributeError) and isinstance(error.obj, tuple) and error.name in dir(list)


def _instead(passage: Passage) -> str:
    if passage.errors:
        return f" in place of {told(passage.errors[-1])}"
    return " where the layer inside had answered" if passage.answers else " before it passed the request inward"


def difference(before: Any, after: Any, path: str = "") -> str:
    """The first thing that differs, of two values; as words."""
    if isinstance(before, WireValue) and type(before) is type(after):
        names = (*before.__wire_fields__, "extra")
        name = next(name for name in names if getattr(before, name) != getattr(after, name))
        return difference(getattr(before, name), getattr(after, name), f"{path}.{name}" if path else name)
    if isinstance(before, tuple) and isinstance(after, tuple):
        if len(before) != len(after):
            return f"the number of {path} was {len(before)} and is {len(after)}"
        at = next(at for at, was in enumerate(before) if was != after[at])
        return difference(before[at], after[at], f"{path}[{at}]")
    return f"{path or 'it'} was {one_line(before, 80)} and is {one_line(after, 80)}"
