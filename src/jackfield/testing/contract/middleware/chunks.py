"""Checks of streams: each chunk reaches the host once, in order, and makes the response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import APIError
from jackfield.flow import Flow
from jackfield.fold import fold
from jackfield.hookspecs import hookimpl
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing.contract.middleware.answers import FORMS, USUAL, Chunk, answer_chunks
from jackfield.testing.contract.middleware.calls import answered, modes
from jackfield.testing.contract.middleware.faults import interrupted
from jackfield.testing.contract.middleware.judge import difference, judge
from jackfield.testing.contract.middleware.onion import usual
from jackfield.testing.contract.middleware.source import SIZE, WELL, Act, said
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.trial import Trial, trial
from jackfield.testing.contract.verdict import one_line

END = "after the last one"
ORDER = "each chunk reaches the host once, in order"
SIZES = (SIZE, 1, 3, 1000)
"""Characters in each piece of a stream: nothing may depend on where the backend cuts."""


def facts(response: Any) -> dict[str, Any]:
    """What an answer tells besides its text, by name."""
    choices = response.choices
    return {
        "usage": response.usage,
        "tool calls": [choice.message.tool_calls for choice in choices],
        "finish reason": [choice.finish_reason for choice in choices],
        "unknown fields": [dict(response.extra), *(dict(choice.extra) for choice in choices)],
    }


def compare(one: Trial) -> None:
    """Fail the test unless the host got the source's chunks, where the call was answered and none may be changed."""
    subject, tape = one.onion.subject, one.onion.tape
    if subject.changes_answer or isinstance(one.outcome, BaseException):
        return
    sent = one.onion.source.chunks(attrs.evolve(one.request, model="m"))
    did = _change(sent, one.driver.delivered)
    if did is not None:
        late = did.endswith(END) and any(tape.tails)
        hook = "end_of_stream, " if late else "on_chunk, " if tape.chunks else ""
        subject.fail(
            did, f"{hook}{one.place}", wants=f"{ORDER}; end_of_stream gives what was held back" if late else ORDER
        )


def _change(sent: list[Chunk], got: list[Chunk]) -> str | None:
    """The first thing that was done to the chunks, in words; None where nothing was."""
    at = next((at for at, (one, other) in enumerate(zip(sent, got, strict=False)) if one != other), None)
    at = min(len(sent), len(got)) if at is None else at
    if at == len(sent):
        if len(got) == len(sent):
            return None
        return f"{'repeated a chunk' if got[at] in sent else 'added a chunk of its own'} {END}"
    number = f"chunk {at + 1} of {len(sent)}"
    if at == len(got) or got[at : at + 2] == sent[at + 1 : at + 3]:
        return f"lost {number}"
    if at and got[at] == sent[at - 1]:
        return f"repeated chunk {at} of {len(sent)}"
    if got[at] not in sent:
        return f"changed {number}" if len(got) == len(sent) else f"put a chunk of its own before {number}"
    return f"gave chunk {sent.index(got[at]) + 1} in place of {number}"


@attrs.define(eq=False)
class Again:
    """A layer that asks again where a stream broke before the host was given anything of it."""

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Ask at most twice."""
        try:
            response: CreateChatCompletionResponse = yield request
        except APIError:
            if call.committed:
                raise
            response = yield request
        return response


class ChunkChecks:
    """Chunks are not lost, repeated or reordered."""

    def test_chunks_reach_the_host_once_in_order(self, subject: Subject) -> None:
        """Unless it changes answers, the host gets the very chunks of the backend, however they are cut."""
        for size in SIZES:
            one = trial(subject, "streamed", size=size)
            answered(one)
            compare(one)

    def test_text_does_not_depend_on_mode_and_cuts(self, subject: Subject) -> None:
        """The text of a stream, however it is cut, is that of the whole answer."""
        for position in (usual(subject), "alone in a backend"):
            whole = trial(subject, "whole", position=position).run()
            if isinstance(whole, BaseException):
                continue
            for size in SIZES:
                one = trial(subject, "streamed", f"pieces of {size} characters", size=size, position=position)
                one.run()
                judge(one)
                text = said(fold(one.driver.delivered)) if one.driver.delivered else ""
                if text != said(whole):
                    streamed, once = one_line(text, 80), one_line(said(whole), 80)
                    subject.fail(
                        f"made the text {streamed!r} of a stream and {once!r} of a whole answer",
                        one.place,
                        wants="a stream says the same as the whole answer, wherever the backend cuts",
                    )

    def test_response_is_what_the_host_was_given(self, subject: Subject) -> None:
        """The response of a stream, which layers outside see, is put together from the chunks that the host got."""
        for size in SIZES:
            one = trial(subject, "streamed", size=size)
            response = one.run()
            judge(one)
            if not isinstance(response, BaseException):
                self._same(one, response)

    @staticmethod
    def _same(one: Trial, response: Any) -> None:
        given = fold(one.driver.delivered)
        response = attrs.evolve(response, object=given.object)
        if response != given:
            one.onion.subject.fail(
                f"returned another response than the host was given: {difference(given, response)}",
                one.place,
                wants="in a stream the flow returns what came of its request; chunks are changed by on_chunk",
            )

    @modes
    def test_what_is_not_text_survives(self, subject: Subject, mode: str) -> None:
        """Usage, tool calls, the finish reason and unknown fields come through, also where texts are changed."""
        for size, form in (*((size, USUAL) for size in SIZES), *((SIZE, form) for form in FORMS if form != USUAL)):
            where = "" if form == USUAL else f"an answer {form}"
            one = trial(subject, mode, where, size=size, form=form)
            outcome = one.run()
            judge(one)
            if isinstance(outcome, BaseException):
                continue
            got = fold(one.driver.delivered) if mode == "streamed" else outcome
            wanted = one.onion.source.whole(attrs.evolve(one.request, model="m"))
            for name, before in facts(wanted).items():
                after = facts(got)[name]
                if before != after:
                    one.onion.subject.fail(
                        f"lost the {name} of the answer: {before!r} became {after!r}",
                        one.place,
                        wants="usage, tool calls, finish reasons and unknown fields survive",
                    )

    def test_text_held_back_is_of_its_attempt(self, subject: Subject) -> None:
        """What was held back of an attempt that failed does not come with the next one."""
        chunks = answer_chunks(f"{subject.text} (why?)", "m", 3)
        for after in range(len(chunks)):
            acts = [Act(interrupted, after), WELL]
            where = f"asked again after {after} chunks were held back"
            one = trial(subject, "streamed", where, acts=acts, size=3, outside=[Again()])
            outcome = one.run()
            judge(one)
            if not isinstance(outcome, BaseException) and len(one.onion.source.requests) > 1:
                self._fresh(subject, one, chunks)

    @staticmethod
    def _fresh(subject: Subject, one: Trial, chunks: Sequence[Chunk]) -> None:
        alone = trial(subject, "streamed", size=3)
        alone.run()
        wanted, got = (said(fold(each.driver.delivered or chunks)) for each in (alone, one))
        if wanted != got:
            subject.fail(
                f"gave {one_line(got, 80)!r} where {one_line(wanted, 80)!r} was said",
                one.place,
                wants="what belongs to one attempt is in attempt.state[self]",
            )
