"""Checks of outcomes: one for each call and for each request passed inward, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from jackfield.call import Call
from jackfield.errors import APIError, JackfieldError
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing.contract.middleware.faults import OTHERS, Maker, api_errors, interrupted, staged
from jackfield.testing.contract.middleware.judge import judge
from jackfield.testing.contract.middleware.onion import onion
from jackfield.testing.contract.middleware.source import FAILING, WELL, Act, Source, said
from jackfield.testing.contract.middleware.subject import Subject, told
from jackfield.testing.contract.middleware.trial import MODES, Trial, ask, trial
from jackfield.testing.contract.verdict import one_line

modes = pytest.mark.parametrize("mode", MODES)
kinds = pytest.mark.parametrize("kind", api_errors(), ids=lambda kind: kind.__name__)
others = pytest.mark.parametrize("other", OTHERS)


def chunk_count(subject: Subject) -> int:
    """How many chunks the source delivers."""
    return len(Source(text=subject.text).chunks(ask()))


def answered(one: Trial) -> None:
    """Run a call that must be answered, and judge it."""
    outcome = one.run()
    judge(one)
    subject = one.onion.subject
    if isinstance(outcome, BaseException) and not subject.answers and not subject.changes_outcome:
        subject.fail(f"made {told(outcome)} of an answer", one.place, wants="an answer passes outward")


def failed(subject: Subject, mode: str, make: Maker, where: str, after: int | None = None) -> None:
    """Run calls that fail always and once, and judge them."""
    for acts, how in (([Act(make, after)], "always"), ([Act(make, after), WELL], "once")):
        one = trial(subject, mode, f"{where}, {how}", acts=acts)
        one.run()
        judge(one)


@attrs.define(eq=False)
class Nested:
    """A layer that makes a nested call, not streamed, before it passes the request on.

    Attributes:
        answer: to the nested call.
    """

    answer: CreateChatCompletionResponse | None = attrs.field(default=None, init=False)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Ask twice."""
        del call
        self.answer = yield attrs.evolve(request, stream=False)
        response: CreateChatCompletionResponse = yield request
        return response


class CallChecks:
    """Exactly one outcome for each call, and for each request passed inward."""

    @modes
    def test_answer_passes_outward(self, subject: Subject, mode: str) -> None:
        """A request is passed inward once, and its answer is the flow's result."""
        answered(trial(subject, mode))

    @modes
    @kinds
    def test_failure_passes_outward(self, subject: Subject, mode: str, kind: type[APIError]) -> None:
        """A failure of the backend before the answer passes outward with its type, whatever its stage."""
        for stage, make in staged(kind):
            failed(subject, mode, make, f"{kind.__name__} before the answer, stage {stage}")

    @modes
    @others
    def test_foreign_failure_passes_outward(self, subject: Subject, mode: str, other: str) -> None:
        """What is no failure of a backend passes outward too: of a plugin, of a library, an interrupt."""
        failed(subject, mode, OTHERS[other], other)

    @modes
    def test_missing_route_passes_outward(self, subject: Subject, mode: str) -> None:
        """A model name that leads nowhere is an outcome like any other."""
        if not subject.in_host:
            pytest.skip("no layer of a backend sees the routing")
        one = Trial(onion(subject, position="innermost"), "no route", ask(mode=mode, model="nowhere/m"))
        one.run()
        judge(one)

    def test_broken_stream_passes_outward(self, subject: Subject) -> None:
        """A stream that breaks after any number of chunks is a failure, and is not made to look whole."""
        for after in range(chunk_count(subject)):
            failed(subject, "streamed", interrupted, f"broken after {after} chunks", after)

    def test_stream_closed_by_the_host(self, subject: Subject) -> None:
        """Where the host closes the stream, after any number of chunks, CallCancelled passes outward."""
        total = chunk_count(subject)
        for chunks in range(total):
            one = trial(subject, "streamed", f"closed by the host after {chunks} of {total} chunks")
            one.until_chunks(chunks)
            one.cancel()
            judge(one)

    @modes
    def test_cancelled_at_each_effect(self, subject: Subject, mode: str) -> None:
        """Where the host leaves, at any effect, CallCancelled passes outward, and the next call goes well."""
        for one in _interrupted(subject, mode, "cancelled"):
            one.cancel()

    @modes
    def test_deadline_at_each_effect(self, subject: Subject, mode: str) -> None:
        """Where the time is over, at any effect, DeadlineExceededError passes outward, and the next call goes well."""
        for one in _interrupted(subject, mode, "the deadline passes"):
            one.expire()

    def test_nested_request_is_answered(self, subject: Subject) -> None:
        """In a streamed call a layer outside may ask for a whole answer first: it passes like any other."""
        nested = Nested()
        one = trial(subject, "streamed", "with a nested request that is not streamed", outside=[nested])
        answered(one)
        whole = trial(subject, "whole").run()
        if nested.answer is None or isinstance(whole, BaseException):
            return
        got, wanted = said(nested.answer), said(whole)
        if got != wanted:
            subject.fail(
                f"gave {one_line(got, 80)!r} where a whole call has {one_line(wanted, 80)!r}",
                one.place,
                wants="request.stream tells whether an answer comes by chunks; call.stream is what the host asked for",
            )


def _interrupted(subject: Subject, mode: str, how: str) -> Iterator[Trial]:
    """Calls that stand at their first effect, at their second, and so on; with a failure at first, too.

    Each has been ended by the check when the next one is asked for; it is judged then, and the next call after it.
    """
    for acts in ([WELL], [FAILING, WELL]):
        effects = 0
        while True:
            one = trial(subject, mode, f"{how} at effect {effects + 1}", acts=acts)
            if not one.on(effects):
                break
            yield one
            judge(one)
            _next(one)
            effects += 1


def _next(before: Trial) -> None:
    """The same instance serves the next call: no gate is left entered, no state half-made."""
    same = before.onion
    same.tape.clear()
    same.source.acts = (WELL,)
    after = Trial(same, f"the call after one where {before.where}", before.request)
    outcome = after.run()
    judge(after)
    subject = same.subject
    own = subject.answers or subject.changes_outcome
    if isinstance(outcome, BaseException) and not (own and isinstance(outcome, JackfieldError)):
        subject.fail(
            f"failed with {told(outcome)}",
            after.place,
            wants="a call that was taken down leaves nothing behind: what was entered is left in finally",
        )
