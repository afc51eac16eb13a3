"""InProcessContract: the tests that a provider has to pass which answers in this process, without a service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

from jackfield.errors import CallError, DeadlineExceededError
from jackfield.testing.contract.host import HOSTS, Host, Outcome
from jackfield.testing.contract.verdict import fail
from jackfield.wire import to_json

TOGETHER = 4
"""Calls at the same time."""


class InProcessContract:
    """Tests of a provider that needs no network; ``ProviderContract`` is for those that do.

    Subclass it in a module of tests, with a fixture ``backend`` that gives the settings of a backend: as in the
    configuration, or with the class itself as ``provider``.

    Attributes:
        model: a model name that the provider answers.
        question: what it is asked.
        repeatable: whether the same question has the same answer.
        usage: whether it tells how many tokens an answer took.
    """

    model: str = "any"
    question: str = "Count from one to five."
    repeatable: bool = True
    usage: bool = True

    @pytest.fixture
    def backend(self) -> Mapping[str, Any]:
        """The settings of a backend: to be written by the subclass."""
        pytest.fail(f"{type(self).__name__}: write the fixture `backend`, which returns settings", pytrace=False)

    @pytest.fixture(params=list(HOSTS))
    def host(self, request: pytest.FixtureRequest, backend: Mapping[str, Any]) -> Iterator[Host]:
        """A host whose only backend is the provider, sync and async."""
        with hosting(request.param, backend) as host:
            yield host

    def test_answers(self, host: Host) -> None:
        """An answer has a text, a finish reason, its usage and its attempt."""
        outcome = self.ask(host)
        self._whole(host, outcome, "whole")
        (attempt,) = _attempts(outcome)
        if attempt.outcome != "success":
            self.fail(host, f"left an attempt that is {attempt.outcome}", "whole", "it is a success")

    def test_streams(self, host: Host) -> None:
        """A stream has more than one chunk, and its response is what they say: the same as without a stream."""
        outcome = self.ask(host, stream=True)
        self._whole(host, outcome, "stream")
        if len(outcome.chunks) < 2:
            self.fail(host, f"gave {len(outcome.chunks)} chunk", "stream", "chunks come as they are made")
        if outcome.streamed != outcome.text:
            self.fail(
                host, f"streamed {outcome.streamed!r}", "stream", f"its response is what they say, {outcome.text!r}"
            )
        whole = self.ask(host).text
        if self.repeatable and whole != outcome.text:
            self.fail(host, f"says {outcome.text!r}", "stream", f"without a stream it said {whole!r}")

    def test_calls_at_the_same_time(self, host: Host) -> None:
        """Calls at the same time all get an answer; for the same question the same one, where that is so."""
        asked = [{**self.fields, "stream": number % 2 == 1} for number in range(TOGETHER)]
        outcomes = host.ask_all(asked)
        for outcome in outcomes:
            self._whole(host, outcome, "many calls at once")
        texts = {outcome.text for outcome in outcomes}
        if self.repeatable and len(texts) > 1:
            self.fail(host, f"gave {len(texts)} answers", "many calls at once", "the same question has the same answer")

    @pytest.mark.parametrize("after", [1, 2])
    def test_closed_stream_ends_the_work(self, host: Host, after: int) -> None:
        """A stream that the host closes is no failure, and the next call is well."""
        place = f"closed after {after} chunks"
        outcome = self.ask(host, stream=True, stop_after=after)
        if outcome.error is not None:
            self.fail(host, f"raised {outcome.error!r}", place, "closing a stream is no failure")
        self._whole(host, self.ask(host), f"the call after one that was {place}")

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_deadline(self, host: Host, stream: bool) -> None:
        """Where there is no time it says so, or has answered in no time; and the next call is well."""
        outcome = self.ask(host, stream=stream, timeout=0.0001)
        if outcome.error is not None and not isinstance(outcome.error, DeadlineExceededError):
            self.fail(host, f"raised {outcome.error!r}", "no time", "DeadlineExceededError")
        self._whole(host, self.ask(host), "the call after one without time")

    def test_request_that_it_cannot_answer(self, host: Host) -> None:
        """Without a message there is an error of jackfield's own, or an answer."""
        outcome = host.ask(model=f"test/{self.model}", messages=[])
        if outcome.error is not None and not isinstance(outcome.error, CallError):
            self.fail(
                host,
                f"raised {outcome.error!r}",
                "no messages",
                "only CallError and what is below it comes out of a call",
            )

    def test_request_is_not_changed(self, host: Host) -> None:
        """What the host passed in is afterwards what it was."""
        before = to_json(self.fields)
        fields = {**self.fields, "messages": [dict(message) for message in self.fields["messages"]]}
        self.ask(host, **fields)
        if to_json(fields) != before:
            self.fail(host, f"changed the request to {to_json(fields)}", "whole", "requests are immutable")

    def test_lists_models(self, host: Host) -> None:
        """At least one model, each under the name of the backend, the model of these tests among them or not."""
        names = host.models()
        if not names or not all(name.startswith("test/") for name in names):
            self.fail(host, f"listed {names}", "list_models", "at least one, each under the name of its backend")

    # -- helpers -------------------------------------------------------------------------------------------------

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the question."""
        messages = [{"role": "user", "content": self.question}]
        return {"model": f"test/{self.model}", "messages": messages, "max_completion_tokens": 32, "temperature": 0}

    def ask(self, host: Host, **fields: Any) -> Outcome:
        """Ask the question."""
        return host.ask(**{**self.fields, **fields})

    def fail(self, host: Host, did: str, place: str, wants: str) -> NoReturn:
        """Fail the test by one line: who did what, where, and what the contract wants."""
        fail(type(host.provider).__name__, did, f"{place}, {host.name}", wants)

    def _whole(self, host: Host, outcome: Outcome, place: str) -> None:
        if outcome.error is not None:
            self.fail(host, f"raised {outcome.error!r}", place, "this is a question that it answers")
        response: Any = outcome.response
        if not response.choices or not response.choices[0].finish_reason:
            self.fail(host, "gave no choice with a finish_reason", place, "an answer has one")
        if not outcome.text:
            self.fail(host, "said nothing", place, "an answer has a text")
        usage = response.usage
        if self.usage and (usage is None or usage.prompt_tokens + usage.completion_tokens != usage.total_tokens):
            self.fail(host, f"says usage={usage!r}", place, "tokens of prompt and answer, and their sum")


@contextmanager
def hosting(mode: str, backend: Mapping[str, Any]) -> Iterator[Host]:
    """A host with one backend, ``test``."""
    settings, plugins = dict(backend), {}
    if isinstance(settings["provider"], type):
        plugins["under-test"] = settings["provider"]
        settings["provider"] = "under-test"
    host = HOSTS[mode]({"backends": {"test": settings}}, plugins)
    try:
        yield host
    finally:
        host.close()


def _attempts(outcome: Outcome) -> Any:
    response: Any = outcome.response
    return response.call.attempts
