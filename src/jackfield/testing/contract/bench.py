"""Bench: a provider under test, a fault server, and hosts between them; and how what came of a call is judged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import attrs

from jackfield.errors import CallError, StreamInterruptedError
from jackfield.testing.contract.credential import Credential
from jackfield.testing.contract.host import HOSTS, Host, Outcome
from jackfield.testing.contract.verdict import fail
from jackfield.testing.faults import FaultServer
from jackfield.testing.faults.cases import Case
from jackfield.testing.leaks import artefacts, leaks

TEXT = "Grüße, 世界 👋: said twice, said twice."
VARIABLE = "JACKFIELD_CONTRACT_KEY"
SHORT = {"connect": 0.4, "first_byte": 0.4, "idle": 0.4, "total": 1.2}
"""Seconds, for what ends only where a limit ends it."""
LONG = {"connect": 10.0, "first_byte": 20.0, "idle": 20.0, "total": 40.0}
SLACK = 2.0
"""Seconds that a call may take over its deadline: 0.25 are promised, the rest is for a machine that is busy."""
CAP = 2**20
UNSEEN = "no secret in any artefact"
MakeBackend = Callable[[str], Mapping[str, Any]]


@attrs.define(eq=False)
class Bench:
    """A provider, and what it is tried with.

    Attributes:
        backend: the settings of a backend of the provider at a URL; ``provider`` is a name, or the class.
        server: a fault server that speaks its wire format.
        mode: ``sync`` or ``async``.
        key: what must not be seen.
        header: name and prefix of the credential.
    """

    backend: MakeBackend
    server: FaultServer
    mode: str
    key: str
    header: tuple[str, str]
    subject: str = "the provider"

    @contextmanager
    def host(self, url: str | None = None, *, slow: bool = False) -> Iterator[Host]:
        """A host whose only backend is the provider, at a URL; of the server's usual door unless told."""
        settings = dict(self.backend(self.server.url if url is None else url))
        plugins: dict[str, type] = {"contract-credential": Credential}
        provider = settings["provider"]
        if isinstance(provider, type):
            plugins["under-test"] = provider
            settings["provider"] = "under-test"
        name, prefix = self.header
        layer = {"use": "contract-credential", "token": f"env:{VARIABLE}", "header": name, "prefix": prefix}
        secure = {"ca_file": str(self.server.ca_file)} if str(url).startswith("https") else {}
        given = {
            "timeout": SHORT if slow else LONG,
            "transport": {"max_response_bytes": CAP, **secure},
            "middleware": [layer],
            **settings,
        }
        host = HOSTS[self.mode]({"backends": {"test": given}}, plugins)
        self.subject = type(host.provider).__name__
        try:
            yield host
        finally:
            host.close()

    def ask(self, host: Host, model: str, text: str = TEXT, **fields: Any) -> Outcome:
        """Ask a model of the backend to say a text."""
        return host.ask(model=f"test/{model}", messages=[{"role": "user", "content": text}], **fields)

    def try_case(self, case: Case) -> Outcome:
        """Try one case, and judge what came of it."""
        with self.host(slow=case.slow) as host:
            outcome = self.ask(host, case.model, stream=case.stream)
        if case.stream:
            self.asked_for_stream(case.model, str(case))
        self.judge(outcome, str(case), case.expected)
        deadline = (SHORT if case.slow else LONG)["total"]
        if outcome.seconds > deadline + SLACK:
            self.fail(f"took {outcome.seconds:.1f} s", str(case), f"no call outlives its deadline ({deadline:g} s)")
        hits = len(self.server.ledger.of(case.model))
        if hits != 1:
            self.fail(f"sent {hits} requests", str(case), "a provider sends one; what repeats is a middleware")
        return outcome

    def asked_for_stream(self, model: str, place: str) -> None:
        """Fail the test where the service was asked for a model without a stream."""
        if not all(received.stream for received in self.server.ledger.of(model)):
            self.fail("asked the service without a stream", place, "a stream is asked for as a stream")

    def judge(self, outcome: Outcome, place: str, expected: tuple[type[BaseException], ...], text: str = TEXT) -> None:
        """Fail the test unless what came is what has to come."""
        if outcome.error is not None:
            self._clean(outcome.error, place)
            self._typed(outcome, place, expected, text)
        elif expected:
            names = " or ".join(sorted(error.__name__ for error in expected))
            self.fail(f"gave an answer, {outcome.text[:40]!r}", place, f"{names}; what is cut or broken is no success")
        else:
            self._whole(outcome, place, text)

    def fail(self, did: str, place: str, wants: str) -> NoReturn:
        """Fail the test by one line: who did what, where, and what the contract wants."""
        fail(self.subject, did, f"{place}, {self.mode}", wants)

    def _typed(self, outcome: Outcome, place: str, expected: tuple[type[BaseException], ...], text: str) -> None:
        error = outcome.error
        told = f"{type(error).__name__}: {str(error)[:160]}"
        if not isinstance(error, CallError):
            self.fail(f"raised {told}", place, "only CallError and what is below it comes out of a call")
        if not expected:
            self.fail(f"raised {told}", place, "this is a good answer")
        if not isinstance(error, expected):
            self.fail(f"raised {told}", place, f"expected {' or '.join(kind.__name__ for kind in expected)}")
        if not error.attempts or error.attempts[-1].outcome != "error":
            self.fail(f"raised {type(error).__name__} without an attempt", place, "the ledger tells of each attempt")
        if not text.startswith(outcome.streamed):
            self.fail(f"streamed {outcome.streamed!r}", place, "what came before the failure begins the answer")
        if isinstance(error, StreamInterruptedError) and outcome.streamed:
            partial = Outcome(response=error.partial)
            if partial.text != outcome.streamed:
                self.fail(f"gave {partial.text!r} as partial", place, f"it holds what came, {outcome.streamed!r}")

    def _whole(self, outcome: Outcome, place: str, text: str) -> None:
        response = outcome.response
        if response is None or not response.choices:
            self.fail("gave no choice", place, "an answer has at least one")
        if outcome.text != text:
            self.fail(f"answered {outcome.text!r}", place, f"the service said {text!r}")
        if outcome.chunks and outcome.streamed != outcome.text:
            self.fail(f"streamed {outcome.streamed!r}", place, "the response is what the chunks say")

    def _clean(self, error: BaseException, place: str) -> None:
        for sink, text in artefacts(error):
            for form in leaks(text, self.key):
                self.fail(f"shows the key ({form}) in {sink} of {type(error).__name__}", place, UNSEEN)


@contextmanager
def secret_in_environment(key: str) -> Iterator[None]:
    """Have the kit's key where the credential's reference finds it."""
    os.environ[VARIABLE] = key
    try:
        yield
    finally:
        del os.environ[VARIABLE]
