"""ProviderContract: each of its checks fails for a provider that breaks the rule, by one line that names it."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

import broken_answers as answers
import broken_providers as broken
import jackfield
from jackfield import APIError, InternalServerError, StreamInterruptedError
from jackfield.call import Attempt
from jackfield.fold import fold
from jackfield.http import Backend
from jackfield.models.chunks import (
    ChatCompletionChunkChoice,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
)
from jackfield.testing import ProviderContract
from jackfield.testing.contract.bench import SHORT, Bench, MakeBackend, secret_in_environment
from jackfield.testing.contract.host import HOSTS, AsyncHost, Outcome
from jackfield.testing.faults import FaultServer, name_of
from jackfield.testing.faults.cases import Case, cases

pytest_plugins = ["pytester"]
CHECKS = {name.removeprefix("test_") for name in dir(ProviderContract) if name.startswith("test_")}
CONTRACT = ProviderContract()
CUT = Case("cut", stream=True, expected=(APIError,))
ERROR = Case("status", stream=False, expected=(InternalServerError,))


class TestGoodProvider(ProviderContract):
    """A provider that breaks nothing passes; of the cases a few will do, since plugins' own tests make all of them."""

    @pytest.fixture
    def backend(self) -> MakeBackend:
        return lambda url: {"provider": broken.Good, "base_url": url}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "case" in metafunc.fixturenames:
            few = [case for case in cases(self.dialect) if case.model in {"ok", "cut", "status", "pings"}]
            metafunc.parametrize("case", few, ids=str)
        else:
            super().pytest_generate_tests(metafunc)


def said(text: str | None) -> CreateChatCompletionStreamResponse:
    """A chunk with a text."""
    delta = ChatCompletionStreamResponseDelta(content=text)
    choice = ChatCompletionChunkChoice(delta=delta)
    return CreateChatCompletionStreamResponse(id="x", created=1, model="m", choices=[choice])


@contextmanager
def bench(cls: type, mode: str = "sync", settings: Mapping[str, Any] | None = None) -> Iterator[Bench]:
    """A bench for a provider."""
    key = f"sk-{os.urandom(20).hex()}"
    with secret_in_environment(key), FaultServer(seed=7) as server:
        yield Bench(
            lambda url: {"provider": cls, "base_url": url, **(settings or {})},
            server,
            mode,
            key,
            ("authorization", "Bearer "),
        )


@pytest.mark.parametrize("mode", HOSTS)
@pytest.mark.parametrize(
    ("cls", "check", "arguments", "line"),
    [
        (broken.Raw, "fault", [ERROR], "Raw raised KeyError: 'choices' (status-whole, "),
        (broken.Untyped, "fault", [ERROR], "Untyped raised BadRequestError: HTTP 500"),
        (broken.Optimist, "fault", [CUT], "Optimist gave an answer, 'Grüß' (cut-stream, "),
        (broken.Repeater, "fault", [ERROR], "Repeater sent 2 requests (status-whole, "),
        (broken.Good, "fault", [Case("ok", stream=False, expected=(APIError,))], "Good gave an answer, "),
        (broken.Good, "fault", [Case("status", stream=False, expected=())], "Good raised InternalServerError: HTTP 500"),
        (broken.Liar, "answers", [], "Liar answered 'something else' (whole, "),
        (broken.Thrifty, "answers", [], "Thrifty says usage=None (whole, "),
        (broken.Endless, "answers", [], "Endless says finish_reason=None (whole, "),
        (answers.Hoarder, "answers", [], "Hoarder answered by itself (asked again, "),
        (broken.OneChunk, "streams", [], "OneChunk gave 1 chunk (stream, "),
        (answers.Whole, "streams", [], "Whole asked the service without a stream (stream, "),
        (answers.Whole, "fault", [CUT], "Whole asked the service without a stream (cut-stream, "),
        (broken.Lumpy, "chunks_come_as_they_are_sent", [], "Lumpy held all chunks back (stream, "),
        (broken.Clumsy, "tools", [False], "Clumsy gave the calls [('call_0', 'weather')] (tools, "),
        (broken.Clumsy, "tools_in_every_variant", ["no-done"], "Clumsy gave the calls [('call_0', 'weather')] (tools, "),
        (broken.Tired, "next_call_is_well", [], "Tired raised RateLimitError: no more today (the call after "),
        (broken.Nameless, "lists_models", [], "Nameless listed [] (list_models, "),
        (answers.Curt, "request_arrives_whole", ["max_tokens"], "Curt sent [('user', 'And three and three?')] for messages"),
        (answers.Unlimited, "request_arrives_whole", ["max_tokens"], "Unlimited sent None for max_tokens (a request with"),
        (answers.Unstopped, "request_arrives_whole", ["max_tokens"], "Unstopped sent None for stop (a request with"),
        (broken.Absent, "request_arrives_whole", ["max_tokens"], "Absent sent no request (a request with max_tokens, "),
        (answers.Single, "answer_is_kept_whole", [], "Single gave 1 of 2 choices (n=2, "),
        (answers.Narrow, "answer_is_kept_whole", [], "Narrow gave x_own=None (n=2, "),
        (answers.Tupled, "lists_models", [], "Tupled raised PluginError: "),
        (broken.Mixer, "calls_at_the_same_time", [], "Mixer answered 'number 0, "),
        (broken.Vague, "door", ["refused"], "Vague says None for the code of its error (door refused, "),
        (broken.Tired, "connection_that_went_stale", [], "Tired raised RateLimitError: no more today (after an idle"),
        (broken.Deaf, "error_before_the_next_try", [], "Deaf says retry_after=None (retry_after: 1.5, "),
        (broken.Knocker, "answers", [], "Knocker left success, 200, 2 exchanges in the ledger (whole, "),
        (broken.Endless, "tools", [False], "Endless says finish_reason=None (tools, ok, "),
        (answers.Stopped, "tools", [False], "Stopped says finish_reason='stop' (tools, ok, "),
        (answers.Stopped, "tools", [True], "Stopped says finish_reason='stop' (tools, ok, "),
        (answers.Forgetful, "tools", [True], "Forgetful gave the arguments '' of call_0 (tools, ok, "),
        (broken.Absent, "tools", [False], "Absent raised RateLimitError('not today') (tools, ok, "),
        (broken.Unsure, "door", ["tls-expired"], "Unsure does not say that nothing was sent (door tls-expired, "),
        (broken.Tired, "key_is_sent", [], "Tired raised RateLimitError: no more today (refused, "),
        (broken.Teller, "key_that_comes_back", ["plain"], "Teller shows the key (plain) in log teller (echo-key plain, "),
        (broken.Follower, "key_stays_at_its_origin", [], "Follower followed 15 redirects (redirect, "),
        (broken.Absent, "key_stays_at_its_origin", [], "Absent sent 0 requests for 15 calls (redirect, "),
        (broken.Untyped, "unknown_model", [], "Untyped raised BadRequestError: HTTP 404"),
    ],
)  # fmt: skip
def test_broken_provider_is_named_in_one_line(
    mode: str, cls: type, check: str, arguments: list[Any], line: str
) -> None:
    """The line says which provider did what, where, and what the contract wants."""
    with bench(cls, mode) as tried, pytest.raises(pytest.fail.Exception) as failure:
        getattr(CONTRACT, f"test_{check}")(tried, *arguments)

    said = str(failure.value)
    assert said.startswith(line)
    assert f", {mode}); the contract: " in said
    assert "\n" not in said
    assert len(said) < 500


def test_sleep_on_the_event_loop_is_told() -> None:
    """A provider that sleeps in its flow stops every other call of the loop."""
    with bench(answers.Sleeper, "async") as tried, pytest.raises(pytest.fail.Exception) as failure:
        CONTRACT.test_event_loop_is_not_blocked(tried)

    assert str(failure.value).startswith("Sleeper blocked the event loop (time.sleep) (ok, async); the contract: ")


@pytest.mark.parametrize("mode", HOSTS)
def test_key_that_is_not_sent_is_told(mode: str) -> None:
    """A provider without the credential would pass the tests of secrets, and prove nothing."""
    with (
        bench(broken.Good, mode, {"middleware": []}) as tried,
        pytest.raises(pytest.fail.Exception, match="Good sent a request without the credential"),
    ):
        CONTRACT.test_key_is_sent(tried)


@pytest.mark.parametrize("mode", HOSTS)
def test_trust_in_a_good_certificate_is_needed(mode: str) -> None:
    """A provider whose settings leave out the authority does not pass."""
    with (
        bench(broken.Good, mode, {"transport": {}}) as tried,
        pytest.raises(pytest.fail.Exception, match=r"Good raised APIConnectionError: .* cannot be trusted"),
    ):
        CONTRACT.test_tls(tried)


@pytest.mark.parametrize("mode", HOSTS)
def test_request_to_another_server_is_told(mode: str) -> None:
    """A provider that helps itself where it gets no connection does not pass."""
    with bench(broken.Elsewhere, mode) as tried:
        tried.backend = lambda url: {"provider": broken.Elsewhere, "base_url": url, "other": tried.server.url}
        with pytest.raises(pytest.fail.Exception, match=r"Elsewhere sent a request \(door refused"):
            CONTRACT.test_door(tried, "refused")


@pytest.mark.parametrize("mode", HOSTS)
def test_failure_of_a_closed_stream_is_told(mode: str) -> None:
    """A provider that fails before the host had a chunk to stop at does not pass."""
    with bench(broken.Lumpy, mode) as tried, pytest.MonkeyPatch.context() as patch:
        patch.setattr("jackfield.testing.contract.bench.LONG", SHORT)
        with pytest.raises(pytest.fail.Exception, match=r"Lumpy raised .* \(closed after 1 chunks, "):
            CONTRACT.test_closed_stream_closes_the_connection(tried, 1)


def test_connection_that_is_kept_is_told() -> None:
    """A server that does not see the host leave is told of."""

    async def forever(*_: Any) -> None:
        await asyncio.Event().wait()

    with bench(broken.Good) as tried, pytest.MonkeyPatch.context() as patch:
        patch.setattr("jackfield.testing.faults.connection.Connection.left", forever)
        # A host that leaves while the server still sends is seen by that.
        patch.setattr("jackfield.testing.faults.connection.Connection.gone", lambda *_: None)
        with pytest.raises(pytest.fail.Exception, match=r"Good kept the connection \(closed after 1 chunks, "):
            CONTRACT.test_closed_stream_closes_the_connection(tried, 1)


def test_each_check_is_broken_by_someone() -> None:
    """The table above, and the tests below it, have every check of the contract."""
    source = Path(__file__).read_text(encoding="utf-8")
    missing = {check for check in CHECKS if f'"{check}"' not in source and f"CONTRACT.test_{check}(" not in source}

    assert missing == set()


def test_calls_that_were_never_made_are_a_failure() -> None:
    """A slow answer is told, even where it is right."""
    case = Case(name_of("slow", gap="0.7"), stream=False, expected=())
    with bench(broken.Good) as tried, pytest.MonkeyPatch.context() as patch:
        patch.setattr("jackfield.testing.contract.bench.SLACK", -39.5)
        with pytest.raises(pytest.fail.Exception, match=r"Good took 1\.\d s \(slow"):
            tried.try_case(case)


def test_what_cannot_be_tried_is_skipped() -> None:
    """Providers without functions, or without a list of models, skip what is about them."""

    class Limited(ProviderContract):
        tools = lists_models = False

    with bench(broken.Good) as tried:
        with pytest.raises(pytest.skip.Exception):
            Limited().test_tools(tried, stream=False)
        with pytest.raises(pytest.skip.Exception):
            Limited().test_lists_models(tried)
        Limited().test_request_arrives_whole(tried, "max_tokens")


def test_dialect_that_tells_less_is_tried_with_less() -> None:
    """What only some dialects have is skipped with the others."""

    class Terse(ProviderContract):
        dialect: Any = object()

    with bench(broken.Good) as tried:
        with pytest.raises(pytest.skip.Exception):
            Terse().test_request_arrives_whole(tried, "max_tokens")
        with pytest.raises(pytest.skip.Exception):
            Terse().test_answer_is_kept_whole(tried)


def failed(**fields: Any) -> StreamInterruptedError:
    """An error of a call with an attempt that failed."""
    error = StreamInterruptedError("broken", **fields)
    attempt = Attempt(1, Backend("test", "test"), "m")
    attempt.outcome = "error"
    error.attempts = (attempt,)
    return error


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Outcome(error=APIError("x")), "raised APIError without an attempt"),
        (Outcome(error=failed(), chunks=[said("Was")]), "streamed 'Was'"),
        (Outcome(error=failed(), chunks=[said("Grü")]), "gave '' as partial"),
        (Outcome(error=failed(), chunks=[said("")]), None),
        (Outcome(error=APIError("sk-canary-0123456789")), "shows the key (plain) in traceback of APIError"),
    ],
)
def test_outcome_is_judged(outcome: Outcome, line: str | None) -> None:
    """What no provider can break in a call that the engine drives is judged all the same."""
    judge = Bench(dict, FaultServer(), "sync", "sk-canary-0123456789", ("", ""))
    with pytest.raises(pytest.fail.Exception) if line else nullcontext() as failure:
        judge.judge(outcome, "here", (APIError,))

    if failure is not None:
        assert str(failure.value).startswith(f"the provider {line} (here, sync); the contract: ")
    judge.server.close()


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Outcome(), "gave no choice"),
        (Outcome(response=fold([said("Grüße")]), chunks=[said("Gr")]), "streamed 'Gr'"),
    ],
)
def test_good_outcome_is_judged(outcome: Outcome, line: str) -> None:
    """An answer has a choice, and is what its chunks say."""
    judge = Bench(dict, FaultServer(), "sync", "sk-canary-0123456789", ("", ""))
    with pytest.raises(pytest.fail.Exception, match=line):
        judge.judge(outcome, "here", (), "Grüße")
    judge.server.close()


def test_text_of_no_answer_is_empty() -> None:
    """Nothing, and content that is no text, is no text."""
    assert Outcome().text == ""
    assert Outcome(response=fold([said(None)])).text == ""


def test_provider_may_be_given_by_name() -> None:
    """As in a configuration."""
    with bench(broken.Good, settings={"provider": "openai"}) as tried, tried.host():
        assert tried.subject == "OpenAIProvider"


@pytest.mark.parametrize("mode", HOSTS)
def test_host_with_a_broken_configuration_is_none(mode: str) -> None:
    """What is wrong with the settings is told, and nothing is left open."""
    with bench(broken.Good, mode, {"no_such": 1}) as tried, pytest.raises(jackfield.ConfigError), tried.host():
        pass


def test_what_is_left_on_the_loop_is_told() -> None:
    """An asynchronous host that leaves a task, or makes the loop complain, fails."""
    with bench(broken.Good, "async") as tried:
        host = HOSTS["async"]({"backends": {"test": {"provider": "echo"}}}, {})
        assert isinstance(host, AsyncHost)
        host.complaints.append({"message": "a task was lost"})
        with pytest.raises(AssertionError, match="a task was lost"):
            host.close()
        del tried


def test_backend_has_to_be_written() -> None:
    """A subclass without the fixture is told what it lacks."""
    with pytest.raises(pytest.fail.Exception, match="write the fixture `backend`"):
        inspect.unwrap(ProviderContract.backend)(CONTRACT)


def test_outsider_sees_one_line(pytester: pytest.Pytester) -> None:
    """In a test run of the author's own, the whole report of a broken rule is that line."""
    pytester.makepyfile(
        test_mine="""
        import attrs, pytest, jackfield
        from jackfield.testing import ProviderContract
        from jackfield_openai import OpenAIProvider

        @attrs.define(eq=False)
        class Mine(OpenAIProvider):
            @jackfield.hookimpl
            def create_chat_completion(self, request, call):
                try:
                    return (yield from OpenAIProvider.create_chat_completion(self, request, call))
                except jackfield.APIError:
                    raise RuntimeError("oops") from None

        class TestMine(ProviderContract):
            @pytest.fixture
            def backend(self):
                return lambda url: {"provider": Mine, "base_url": url}
        """
    )
    result = pytester.runpytest_inprocess(
        "-q", "-p", "no:cacheprovider", "-k", "(test_answers or fault[html-whole) and not async"
    )

    result.assert_outcomes(passed=1, failed=1)
    lines = [line for line in result.outlines if "contract:" in line]
    assert lines == [
        "Mine raised RuntimeError: oops (html-whole, sync); the contract: only CallError and what is below it comes out of a call"
    ]
