"""ProviderContract: the tests that a provider of an HTTP service has to pass."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from jackfield.errors import APIConnectionError, APITimeoutError, AuthenticationError, NotFoundError
from jackfield.testing.contract.answer import TOOLS, called, complete, kept
from jackfield.testing.contract.arrival import REQUEST, arrived
from jackfield.testing.contract.bench import TEXT, UNSEEN, Bench, MakeBackend, secret_in_environment
from jackfield.testing.contract.host import HOSTS
from jackfield.testing.contract.middleware.audit import watched
from jackfield.testing.faults import Dialect, FaultServer, OpenAIDialect, name_of
from jackfield.testing.faults.cases import Case, cases
from jackfield.testing.faults.dialect import Ask, GivesChoices, TellsRequests
from jackfield.testing.faults.status import FORMS
from jackfield.testing.leaks import Capture, leaks

DOORS: Mapping[str, tuple[str, ...]] = {
    "refused": ("refused",),
    "reset": ("reset", "connect"),
    "tls-self-signed": ("certificate",),
    "tls-wrong-host": ("certificate",),
    "tls-expired": ("certificate",),
    "tls-reset": ("tls", "connect"),
    "tls-eof": ("tls", "connect"),
    "tls-garbage": ("tls",),
    "silent": ("first_byte",),
    "tls-silent": ("connect",),
}
"""What an error's code says of each door that no request comes through."""
BLOCKING = ("ftplib.", "http.client.", "smtplib.", "sqlite3.", "subprocess.", "time.sleep", "urllib.")
"""Beginnings of the names of audit events for which an event loop has to wait."""
REDIRECTS = 15
"""Calls that are answered by a redirect: five kinds, to three targets."""
TOGETHER = 20
"""Calls at the same time."""


class ProviderContract:
    """Tests of a provider that speaks HTTP, against a server that answers well, badly and not at all.

    Subclass it in a module of tests, with a fixture ``backend`` that gives the function from a base URL to the settings
    of a backend: as in the configuration, or with the class itself as ``provider``. The kit adds a credential, by
    ``env:JACKFIELD_CONTRACT_KEY``, unless the settings have ``middleware`` of their own.

    Attributes:
        dialect: the wire format that the provider speaks; see ``jackfield.testing.faults.Dialect``.
        credential: header and prefix by which the service takes its key.
        tools: whether functions can be called.
        lists_models: whether the models of the service can be listed.
    """

    dialect: Dialect = OpenAIDialect()
    credential: tuple[str, str] = ("authorization", "Bearer ")
    tools: bool = True
    lists_models: bool = True

    @pytest.fixture
    def backend(self) -> MakeBackend:
        """The settings of a backend at a URL: to be written by the subclass."""
        pytest.fail(f"{type(self).__name__}: write the fixture `backend`, which returns url -> settings", pytrace=False)

    @pytest.fixture(params=list(HOSTS))
    def bench(self, request: pytest.FixtureRequest, backend: MakeBackend) -> Iterator[Bench]:
        """The provider, a server and a host, sync and async."""
        key = f"sk-{os.urandom(20).hex()}"
        with secret_in_environment(key), FaultServer(self.dialect, seed=7) as server:
            yield Bench(backend, server, request.param, key, self.credential)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each case of the dialect."""
        if "case" in metafunc.fixturenames:
            metafunc.parametrize("case", cases(self.dialect), ids=str)
        if "variant" in metafunc.fixturenames:
            metafunc.parametrize("variant", list(self.dialect.variants(Ask(""))))
        if "door" in metafunc.fixturenames:
            metafunc.parametrize("door", list(DOORS))
        if "form" in metafunc.fixturenames:
            metafunc.parametrize("form", list(FORMS))

    # -- when all is well ----------------------------------------------------------------------------------------

    def test_answers(self, bench: Bench) -> None:
        """An answer says what the service said, with finish reason, usage and attempt; and so does the next one."""
        with bench.host() as host:
            outcome = bench.ask(host, "ok")
            bench.judge(outcome, "whole", ())
            complete(bench, outcome, "whole")
            bench.judge(bench.ask(host, "ok"), "asked again", ())
        if len(bench.server.ledger.of("ok")) < 2:
            bench.fail("answered by itself", "asked again", "each call asks the service; what answers is a middleware")

    def test_streams(self, bench: Bench) -> None:
        """A stream says the same, in more than one chunk, and its response is made of them."""
        with bench.host() as host:
            outcome = bench.ask(host, "ok", stream=True)
        bench.judge(outcome, "stream", ())
        complete(bench, outcome, "stream")
        if len(outcome.chunks) < 2:
            bench.fail(f"gave {len(outcome.chunks)} chunk", "stream", "chunks come as the service sends them")
        bench.asked_for_stream("ok", "stream")

    def test_chunks_come_as_they_are_sent(self, bench: Bench) -> None:
        """What the service has sent is with the host, though the rest never comes."""
        with bench.host(slow=True) as host:
            outcome = bench.ask(host, name_of("break", how="stall", events=4), stream=True)
        if not outcome.chunks:
            bench.fail("held all chunks back", "stream", "chunks come as the service sends them")

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_tools(self, bench: Bench, stream: bool) -> None:
        """Parallel calls of functions arrive, each with its id, its name and its arguments."""
        self._tools(bench, "ok", stream=stream)

    def test_tools_in_every_variant(self, bench: Bench, variant: str) -> None:
        """They arrive in every form that servers send them in, two calls at one index among them."""
        self._tools(bench, name_of("variant", name=variant), stream=True)

    @pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
    def test_request_arrives_whole(self, bench: Bench, limit: str) -> None:
        """All messages, the functions and the parameters come to the service as the host gave them."""
        if not isinstance(self.dialect, TellsRequests):
            pytest.skip("the dialect cannot say what stands in a request")
        fields = {**REQUEST, limit: 77, **({"tools": TOOLS} if self.tools else {})}
        with bench.host() as host:
            host.ask(model="test/ok", **fields)
        arrived(bench, self.dialect, fields, limit)

    def test_answer_is_kept_whole(self, bench: Bench) -> None:
        """All choices of an answer come, and the fields that only this service has."""
        if not isinstance(self.dialect, GivesChoices):
            pytest.skip("the dialect has no answer with several choices")
        with bench.host() as host:
            outcome = bench.ask(host, "ok", n=2)
        bench.judge(outcome, "n=2", ())
        kept(bench, outcome, 2, self.dialect.own_fields)

    def test_lists_models(self, bench: Bench) -> None:
        """The models that the service lists, under the name of the backend."""
        if not self.lists_models:
            pytest.skip("the provider lists no models")
        with bench.host() as host:
            try:
                names = host.models()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what the host gets
                did = f"raised {type(error).__name__}: {error}"
                bench.fail(did, "list_models", "a list of Model, as decode_models and list_models return it")
        if not names or not all(name.startswith("test/") for name in names):
            bench.fail(f"listed {names}", "list_models", "at least one model, each under the name of its backend")

    def test_calls_at_the_same_time(self, bench: Bench) -> None:
        """Each of many calls gets its own answer."""
        texts = [f"number {number}, {TEXT}" for number in range(TOGETHER)]
        asked = [
            {"model": "test/split", "messages": [{"role": "user", "content": text}], "stream": number % 2 == 1}
            for number, text in enumerate(texts)
        ]
        with bench.host() as host:
            for text, outcome in zip(texts, host.ask_all(asked), strict=True):
                bench.judge(outcome, "many calls at once", (), text)

    @pytest.mark.parametrize("bench", ["async"], indirect=True)
    def test_event_loop_is_not_blocked(self, bench: Bench) -> None:
        """Nothing sleeps, starts a process or asks by another client on the thread of the event loop."""
        events: list[str] = []
        with bench.host() as host, watched(events):
            bench.ask(host, "ok")
            bench.ask(host, "ok", stream=True)
        for event in events:
            if event.startswith(BLOCKING):
                bench.fail(f"blocked the event loop ({event})", "ok", "a flow yields Sleep, Send or Run instead")

    # -- when something is wrong ---------------------------------------------------------------------------------

    def test_fault(self, bench: Bench, case: Case) -> None:
        """What is cut, broken, late or no answer is an error of jackfield's own; what is only unusual is an answer."""
        bench.try_case(case)

    def test_door(self, bench: Bench, door: str) -> None:
        """Where no connection comes about, nothing is sent, and the error tells why."""
        with bench.host(bench.server.door(door), slow=True) as host:
            outcome = bench.ask(host, "ok")
        silent = door in {"silent", "tls-silent"}
        bench.judge(outcome, f"door {door}", (APITimeoutError if silent else APIConnectionError,))
        code = getattr(outcome.error, "code", None)
        if code not in DOORS[door]:
            bench.fail(f"says {code!r} for the code of its error", f"door {door}", f"it is {' or '.join(DOORS[door])}")
        if door.startswith("tls") and getattr(outcome.error, "stage", None) != "not_sent":
            bench.fail("does not say that nothing was sent", f"door {door}", "stage is 'not_sent' before a handshake")
        if bench.server.ledger.requests:
            bench.fail("sent a request", f"door {door}", "nothing is sent to a server that cannot be trusted")

    def test_tls(self, bench: Bench) -> None:
        """A certificate of a trusted authority is good."""
        with bench.host(bench.server.door("tls")) as host:
            bench.judge(bench.ask(host, "ok"), "door tls", ())

    def test_connection_that_went_stale(self, bench: Bench) -> None:
        """A connection that the server closed while it was idle is no failure of the next call."""
        with bench.host() as host:
            bench.judge(bench.ask(host, "stale"), "before", ())
            time.sleep(0.2)  # by when the end of the connection has come
            bench.judge(bench.ask(host, "ok"), "after an idle connection was closed", ())

    def test_next_call_is_well(self, bench: Bench) -> None:
        """No fault of one call is found in the next one."""
        with bench.host() as host:
            for model in ("bad-chunk", "short-length", "cut", "two-lengths", "error", "huge-line"):
                bench.ask(host, name_of(model), stream=True, timeout=5)
                bench.judge(bench.ask(host, "ok", stream=True), f"the call after {model}", ())

    def test_error_before_the_next_try(self, bench: Bench) -> None:
        """The wait that the service asks for is in the error: seconds, or by its own clock."""
        waits: dict[str, list[tuple[str, float | None]]] = {
            "retry_after": [("1.5", 1.5), ("date:30", 30.0), ("-1", None)],
            "retry_after_ms": [("250", 0.25)],
        }
        with bench.host() as host:
            for name, values in waits.items():
                for sent, wanted in values:
                    outcome = bench.ask(host, name_of("status", code=429, **{name: sent}))
                    told = getattr(outcome.error, "retry_after", "missing")
                    if told != wanted:
                        bench.fail(f"says retry_after={told!r}", f"{name}: {sent}", f"it is {wanted}")

    # -- when the host leaves ------------------------------------------------------------------------------------

    @pytest.mark.parametrize("after", [1, 3])
    def test_closed_stream_closes_the_connection(self, bench: Bench, after: int) -> None:
        """The service sees the host leave within a second."""
        model, place = name_of("break", how="stall", events=5), f"closed after {after} chunks"
        with bench.host() as host:
            outcome = bench.ask(host, model, stream=True, stop_after=after)
            if outcome.error is not None:
                bench.fail(f"raised {outcome.error!r}", place, "closing a stream is no failure")
            (received,) = bench.server.ledger.of(model)
            if not received.left.wait(1.0 + 2.0):  # a second is promised, the rest is for a machine that is busy
                bench.fail("kept the connection", place, "it is closed within a second")
            bench.judge(bench.ask(host, "ok"), "the call after a closed stream", ())

    # -- what is secret ------------------------------------------------------------------------------------------

    def test_key_is_sent(self, bench: Bench) -> None:
        """The credential comes with each request: else the other tests of secrets would prove nothing."""
        with bench.host() as host:
            bench.judge(bench.ask(host, "ok"), "with a credential", ())
            bench.judge(bench.ask(host, name_of("unauthorised", key="another")), "refused", (AuthenticationError,))
        if not all(
            key.endswith(bench.key) for received in bench.server.ledger.requests for key in received.keys or "-"
        ):
            bench.fail("sent a request without the credential", "with a credential", "it comes with each")

    def test_key_that_comes_back(self, bench: Bench, form: str) -> None:
        """A service that repeats the key in its error does not bring it into an error, a log or an attempt."""
        with Capture() as capture, bench.host() as host:
            for model in (name_of("echo-key", form=form), name_of("echo-key", form=form, code=500)):
                for stream in (False, True):
                    outcome = bench.ask(host, model, stream=stream)
                    bench.judge(outcome, model, (AuthenticationError if "500" not in model else Exception,))
        for sink, text in capture.texts():
            for found in leaks(text, bench.key):
                bench.fail(f"shows the key ({found}) in {sink}", f"echo-key {form}", UNSEEN)

    def test_key_stays_at_its_origin(self, bench: Bench) -> None:
        """No redirect is followed: neither the prompt nor the key comes to another place."""
        with bench.host(bench.server.door("tls")) as host:
            for to, code in product(("other", "plain", "same"), (301, 302, 303, 307, 308)):
                bench.ask(host, name_of("redirect", code=code, to=to))
        requests = bench.server.ledger.requests
        strays = [received for received in requests if received.door != "tls"]
        if strays or len(requests) > REDIRECTS:
            followed = max(len(requests) - REDIRECTS, len(strays))
            bench.fail(f"followed {followed} redirects", "redirect", "none is followed")
        if len(requests) < REDIRECTS:
            did = f"sent {len(requests)} requests for {REDIRECTS} calls"
            bench.fail(did, "redirect", "each call sends one: else nothing is proved of redirects")

    def test_unknown_model(self, bench: Bench) -> None:
        """A model that the service does not know is ``NotFoundError``."""
        with bench.host() as host:
            bench.judge(bench.ask(host, "no such fault"), "unknown model", (NotFoundError,))

    # -- helpers -------------------------------------------------------------------------------------------------

    def _tools(self, bench: Bench, model: str, *, stream: bool) -> None:
        if not self.tools:
            pytest.skip("the service calls no functions")
        with bench.host() as host:
            outcome = bench.ask(host, model, tools=TOOLS, stream=stream)
        place = f"tools, {model}"
        if outcome.error is not None:
            bench.fail(f"raised {outcome.error!r}", place, "this is a good answer")
        called(bench, outcome, place)
