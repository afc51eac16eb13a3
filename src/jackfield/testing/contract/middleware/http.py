"""Checks of ``wrap_http``: one outcome for each exchange, which is otherwise left as it is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from jackfield.drivers.scripted import Answer, Reply
from jackfield.errors import APIConnectionError, APITimeoutError, status_error
from jackfield.http import HttpRequest
from jackfield.testing.contract.middleware.calls import modes
from jackfield.testing.contract.middleware.faults import STAGES, ForeignError, api_error
from jackfield.testing.contract.middleware.judge import judge
from jackfield.testing.contract.middleware.onion import onion
from jackfield.testing.contract.middleware.secrets import rotate
from jackfield.testing.contract.middleware.service import KitDriver, Service
from jackfield.testing.contract.middleware.source import BODY, HEADERS
from jackfield.testing.contract.middleware.subject import Subject, told
from jackfield.testing.contract.middleware.tape import FLOWS
from jackfield.testing.contract.middleware.trial import Trial, ask

STATUSES = (200, 201, 204, 302, 400, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)
LEFT = "method, URL, body and the headers that are there are left alone; a header may be added"

SET = "headers are set by http_request.with_headers, and those that are there stay, though their values may change"


class Renewed(Service):
    """A service that refuses keys because they have been renewed: after each answer but a success, they are others."""

    def __call__(self, http_request: HttpRequest) -> Answer:
        """The answer to a request."""
        answer = super().__call__(http_request)
        if isinstance(answer, Reply) and answer.status >= 300:
            rotate(self.onion.subject.settings)
        return answer


def exchange(subject: Subject, mode: str, where: str, statuses: Sequence[int | BaseException]) -> tuple[Trial, Service]:
    """A call that has run and been judged, and what its exchanges were answered."""
    if "wrap_http" not in subject.hooks:
        pytest.skip("it has no wrap_http")
    layers = onion(subject)
    service = Renewed(layers, statuses)
    one = Trial(layers, where, ask(mode=mode), driver=KitDriver(service))
    one.run()
    judge(one)
    return one, service


class HttpChecks:
    """One outcome for each exchange."""

    @modes
    def test_http_response_passes_outward(self, subject: Subject, mode: str) -> None:
        """Whatever the status, the response comes to the provider once, unread."""
        for status in STATUSES:
            self._passes(subject, mode, status)

    @staticmethod
    def _passes(subject: Subject, mode: str, status: int) -> None:
        one, _ = exchange(subject, mode, f"status {status}", [status])
        outcome = one.outcome
        error = outcome if isinstance(outcome, BaseException) else None
        wanted = None if 200 <= status < 300 else status_error(status)
        if type(error) is not (type(None) if wanted is None else wanted):
            if subject.answers or subject.changes_outcome or subject.repeats:
                return
            came = "an answer" if error is None else told(error)
            subject.fail(f"made {came} of it", f"wrap_http, {one.place}", wants="a response is passed on unread")

    @modes
    def test_http_failure_passes_outward(self, subject: Subject, mode: str) -> None:
        """Where no response came, the failure passes outward with its type, whatever its stage."""
        for kind in (APIConnectionError, APITimeoutError):
            for stage in STAGES:
                exchange(subject, mode, f"{kind.__name__}, stage {stage}", [api_error(kind, stage)])
        exchange(subject, mode, "a foreign exception", [ForeignError("of another library")])

    @modes
    def test_refused_credentials_are_sent_once_more_at_most(self, subject: Subject, mode: str) -> None:
        """After 401 an exchange may be made once more, and no more than that."""
        exchange(subject, mode, "status 401 always", [401])
        exchange(subject, mode, "status 401 once", [401, 200])

    @modes
    def test_http_request_is_kept(self, subject: Subject, mode: str) -> None:
        """What the provider wants sent is sent, to where it wants it sent."""
        one, service = exchange(subject, mode, "", [200])
        place = f"wrap_http, {one.place}"
        self._has_headers(one, place)
        if subject.changes_request:
            return
        for sent in service.sent:
            if sent.method != "POST":
                subject.fail(f"sent the request as {sent.method}", place, wants=LEFT)
            if sent.body != BODY:
                subject.fail("changed the body of the request", place, wants=LEFT)
            for name, value in HEADERS.items():
                if sent.headers.get(name) != value:
                    subject.fail(f"changed the header {name}", place, wants=LEFT)

    @staticmethod
    def _has_headers(one: Trial, place: str) -> None:
        """Fail the test where a header that was there is not sent, whatever is declared."""
        for passage in one.onion.tape.passages:
            for passed in passage.inward if passage.hook == FLOWS[1] else ():
                lost = [name for name in passage.given.headers if name not in passed.headers]
                if lost:
                    one.onion.subject.fail(f"lost the header {lost[0]}", place, wants=SET)
