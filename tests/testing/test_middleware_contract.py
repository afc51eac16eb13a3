"""The contract of middleware: each of its checks names what breaks it, in one line."""

from __future__ import annotations

import inspect
import itertools
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import broken_chunks as chunks
import broken_crowd as crowd
import broken_flows as flows
import broken_http as http
import broken_state as state
from jackfield import Secret
from jackfield.testing import MiddlewareContract
from jackfield.testing.contract import middleware as kit
from jackfield.testing.contract.middleware.quiet import kept
from jackfield.testing.contract.middleware.secrets import plant
from jackfield.testing.contract.middleware.subject import Subject
from markdown import section
from walkthrough import ROOT

pytest_plugins = ["pytester"]

CHANGES = {"changes_answer": True}
OWN = {"answers": True, "changes_outcome": True}
REPEATS = {"repeats": True}
TOKEN = {"token": "env:BROKEN_TOKEN"}

BROKEN: list[tuple[type, str, str, dict[str, Any], dict[str, Any]]] = [
    # class, check, what it says of the class, declared, settings
    (flows.Forgetful, "answer_passes_outward", "returned NoneType, expected CreateChatCompletionResponse (whole call, between others)", {}, {}),
    (flows.Soothing, "failure_passes_outward", "passed the request inward 2 times (whole call, between others, NotFoundError before the answer, stage not_sent, always)", {}, {}),
    (flows.Translating, "failure_passes_outward", "raised RuntimeError('log in first') in place of AuthenticationError('the backend failed (not_sent)') (wrap_chat_completion, whole call,", {}, {}),
    (flows.Wrapping, "foreign_failure_passes_outward", "raised ValueError('something went wrong') in place of ForeignError('of another library') (wrap_chat_completion, whole call, between others, a foreign exception, always)", {}, {}),
    (flows.Trusting, "missing_route_passes_outward", "raised TypeError(\"unsupported operand type(s) for +=: 'NoneType' and 'int'\") in place of NotFoundError(\"no backend is named 'nowhere'\") (wrap_chat_completion, whole call, innermost, no route)", {}, {}),
    (flows.Whitewashing, "broken_stream_passes_outward", "answered where the request had failed with StreamInterruptedError('the stream broke off') (streamed call, between others, broken after 1 chunks, always)", {}, {}),
    (flows.Contented, "broken_stream_passes_outward", "answered where the request had failed with StreamInterruptedError('the stream broke off') (streamed call, between others, broken after 1 chunks, always)", {}, {}),
    (flows.Stubborn, "broken_stream_passes_outward", "yielded CreateChatCompletionRequest after the commit (wrap_chat_completion, streamed call, between others, broken after 1 chunks, always)", REPEATS, {}),
    (flows.Swallowing, "stream_closed_by_the_host", "swallowed CallCancelled (streamed call, between others, closed by the host after 0 of 12 chunks)", {}, {}),
    (flows.Polite, "cancelled_at_each_effect", "yielded Sleep after CallCancelled (wrap_chat_completion, whole call, between others, cancelled at effect 1)", {}, {}),
    (crowd.Hogging, "cancelled_at_each_effect", "failed with DeadlineExceededError('the deadline of the call has passed') (whole call, between others, the call after one where cancelled at effect 2)", {}, {}),
    (flows.Late, "deadline_at_each_effect", "yielded CreateChatCompletionRequest after the deadline (wrap_chat_completion, whole call, between others, the deadline passes at effect 1)", {}, {}),
    (crowd.Hogging, "deadline_at_each_effect", "failed with DeadlineExceededError('the deadline of the call has passed') (whole call, between others, the call after one where the deadline passes at effect 2)", {}, {}),
    (flows.Streaming, "nested_request_is_answered", "raised AttributeError(\"'NoneType' object has no attribute 'choices'\") where the layer inside had answered (wrap_chat_completion, streamed call, between others, with a nested request that is not streamed)", {}, {}),
    (chunks.Shouting, "nested_request_is_answered", "gave 'The quick brown fox jumps over the lazy dog. (why?)' where a whole call has 'THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG. (WHY?)' (streamed call, between others, with a nested request that is not streamed)", CHANGES, {}),
    (chunks.Lowering, "question_of_any_form_is_answered", "raised AttributeError(\"'tuple' object has no attribute 'lower'\") before it passed the request inward (wrap_chat_completion, whole call, between others, a question with content parts)", {}, {}),
    (chunks.Stripping, "answer_of_any_form_passes_outward", "raised AttributeError(\"'NoneType' object has no attribute 'strip'\") where the layer inside had answered (wrap_chat_completion, whole call, between others, an answer with tool calls and content None)", {}, {}),
    (chunks.Pricing, "answer_of_any_form_passes_outward", "raised AttributeError(\"'NoneType' object has no attribute 'total_tokens'\") where the layer inside had answered (wrap_chat_completion, whole call, between others, an answer without usage)", {}, {}),
    (chunks.Choosing, "answer_of_any_form_passes_outward", "returned another answer than it got: the number of choices was 2 and is 1 (whole call, between others, an answer with two choices)", {}, {}),
    (chunks.Choosing, "what_is_not_text_survives", "lost the tool calls of the answer: ", CHANGES, {}),
    (chunks.FirstChoice, "answer_of_any_form_passes_outward", "gave chunk 3 in place of chunk 2 of 23 (on_chunk, streamed call, between others, an answer with two choices)", {}, {}),
    (chunks.FirstChoice, "what_is_not_text_survives", "lost the tool calls of the answer: ", CHANGES, {}),
    (chunks.Deduplicating, "answer_of_any_form_passes_outward", "lost chunk 3 of 13 (on_chunk, streamed call, between others, an answer with two equal chunks in a row)", {}, {}),
    (chunks.Losing, "chunks_reach_the_host_once_in_order", "lost chunk 3 of 12 (on_chunk, streamed call, between others)", {}, {}),
    (chunks.Echoing, "chunks_reach_the_host_once_in_order", "repeated chunk 9 of 12 (on_chunk, streamed call, between others)", {}, {}),
    (chunks.Reordering, "chunks_reach_the_host_once_in_order", "gave chunk 3 in place of chunk 2 of 12 (on_chunk, streamed call, between others)", {}, {}),
    (chunks.Appending, "chunks_reach_the_host_once_in_order", "repeated a chunk after the last one (end_of_stream, streamed call, between others)", {}, {}),
    (chunks.Greeting, "chunks_reach_the_host_once_in_order", "put a chunk of its own before chunk 1 of 12 (on_chunk, streamed call, between others)", {}, {}),
    (chunks.Fussy, "chunks_reach_the_host_once_in_order", "raised ZeroDivisionError('division by zero') in on_chunk (streamed call, between others)", {}, {}),
    (chunks.ByChunk, "text_does_not_depend_on_mode_and_cuts", "made the text 'The quick brown fox jumps over the lazy dog. (why?)' of a stream and 'The quick brown *** jumps over the lazy dog. (why?)' of a whole answer (streamed call, between others, pieces of 1 characters)", CHANGES, {}),
    (chunks.Footer, "response_is_what_the_host_was_given", "returned another response than the host was given: choices[0].message.content was The quick brown fox", CHANGES, {}),
    (chunks.Footer, "answer_passes_outward", "returned another answer than it got: choices[0].message.content was The quick brown fox", {}, {}),
    (chunks.Thrifty, "what_is_not_text_survives", "lost the usage of the answer: CompletionUsage(prompt_tokens=3, completion_tokens=5, total_tokens=8) became None (whole call, between others)", CHANGES, {}),
    (chunks.Hoarding, "text_held_back_is_of_its_attempt", "gave 'TheThe quick brown fox jumps over the lazy dog. (why?)' where 'The quick brown fox jumps over the lazy dog. (why?)' was said (streamed call, between others, asked again after 2 chunks were held back)", CHANGES, {}),
    (flows.Stamping, "request_is_not_mutated", "changed the CreateChatCompletionRequest it was given: metadata was {'customer': 'c-1'} and is {'customer': 'c-1', 'seen_by': 'stamping'} (whole call, between others)", {}, {}),
    (flows.Labelling, "request_is_not_mutated", "changed call.labels: it was {'job': 'contract'} and is {'job': 'contract', 'seen': 'yes'} (whole call, between others)", {}, {}),
    (flows.Cooling, "request_is_passed_on_as_it_came", "passed another request inward: temperature was 0.5 and is 0 (whole call, between others)", {}, {}),
    (flows.Rewriting, "answer_is_not_mutated", "changed the CreateChatCompletionResponse it was given: usage was {'prompt_tokens': 3,", {}, {}),
    (http.HeaderSetting, "http_is_not_mutated", "changed the HttpRequest it was given: header x-mine was None and is 1 (whole call, between others)", {}, {}),
    (flows.HostOnly, "position", "raised AssertionError before it passed the request inward (wrap_chat_completion, whole call, in host and backend)", {}, {}),
    (flows.Singleton, "position", "raised AssertionError before it passed the request inward (wrap_chat_completion, whole call, twice)", {}, {}),
    (http.Insistent, "refused_credentials_are_sent_once_more_at_most", "sent the HTTP request 4 times after status 401 (wrap_http, whole call, between others, status 401 always)", {}, {}),
    (http.Resending, "http_response_passes_outward", "sent the HTTP request 2 times after status 500 (wrap_http, whole call, between others, status 500)", {}, {}),
    (http.Endless, "http_response_passes_outward", "passed the HTTP request inward more than 64 times (wrap_http, whole call, between others, status 500)", {}, {}),
    (flows.Persistent, "missing_route_passes_outward", "passed the request inward more than 64 times (wrap_chat_completion, whole call, innermost, no route)", REPEATS, {}),
    (flows.Spinning, "answer_passes_outward", "yielded more than 1000 effects (wrap_chat_completion, whole call, between others)", {}, {}),
    (state.Sleeping, "nothing_is_kept_of_finished_calls", "did time.sleep in a hook (whole call)", {}, {}),
    (http.Peeking, "http_response_passes_outward", "read a response that it returned (wrap_http, whole call, between others, status 400)", {}, {}),
    (http.Throttling, "http_response_passes_outward", "made RuntimeError('a body was read after it had been released') of it (wrap_http, whole call, between others, status 429)", {}, {}),
    (http.Relabelling, "http_response_passes_outward", "returned another HTTP response than it got (wrap_http, whole call, between others, status 200)", {}, {}),
    (http.Forging, "http_response_passes_outward", "returned another HTTP response than it got (wrap_http, whole call, between others, status 302)", {}, {}),
    (http.Unwired, "http_failure_passes_outward", "raised OSError('the backend failed (not_sent)') in place of APIConnectionError('the backend failed (not_sent)') (wrap_http, whole call, between others, APIConnectionError, stage not_sent)", {}, {}),
    (http.Repeating, "http_failure_passes_outward", "sent the HTTP request 2 times after APIConnectionError (wrap_http, whole call, between others, APIConnectionError, stage not_sent)", {}, {}),
    (http.Rerouting, "http_request_is_kept", "lost the header content-type (wrap_http, whole call, between others)", {}, {}),
    (http.Retyping, "http_request_is_kept", "changed the header content-type (wrap_http, whole call, between others)", {}, {}),
    (http.Agent, "http_request_is_kept", "lost the header accept (wrap_http, whole call, between others)", {"changes_request": True}, {}),
    (http.Emptying, "http_request_is_kept", "changed the body of the request (wrap_http, whole call, between others)", {}, {}),
    (http.Diverting, "http_request_is_kept", "moved the provider's request to https://mirror.example/v1 (wrap_http, whole call, between others)", {}, {}),
    (http.Replacing, "http_request_is_kept", "sent POST https://mirror.example/v1 (whole call, between others)", {}, {}),
    (flows.Renaming, "answer_passes_outward", "raised FrozenInstanceError", {}, {}),
    (flows.Adding, "answer_passes_outward", "raised AttributeError(\"'tuple' object has no attribute 'append'\")", {}, {}),
    (flows.Canned, "answer_passes_outward", "answered without passing the request inward (wrap_chat_completion, whole call, between others)", {}, {}),
    (flows.Vain, "answer_passes_outward", "yielded str, which is not a thing it may ask for (whole call, between others)", {}, {}),
    (crowd.Mixing, "calls_do_not_mix", "answered '' where alone it answers 'The quick brown fox jumps over the lazy dog. (question ", CHANGES, {}),
    (crowd.Refusing, "calls_do_not_mix", "answered '' where alone it answers 'The quick brown fox jumps over the lazy dog. (question ", CHANGES | OWN, {}),
    (crowd.Locking, "calls_do_not_mix", "did not come to an end within 1 s (streamed call, between others, while 5 calls were driven by turns, order 0)", {}, {}),
    (crowd.Locking, "no_lock_is_held_over_a_yield", "blocked (whole call, between others, while another call waits at effect 1)", {}, {}),
    (crowd.Bound, "many_threads", "raised RuntimeError('made in another thread') before it passed the request inward (wrap_chat_completion, whole call, between others, one of 8 threads)", {}, {}),
    (crowd.NeverGivingBack, "ended_calls_give_back_what_they_took", "failed with RateLimitError('too many calls at once') (whole call, between others, long after 64 calls that failed)", OWN, {}),
    (crowd.GivingBackFailures, "ended_calls_give_back_what_they_took", "failed with RateLimitError('too many calls at once') (whole call, between others, long after 64 calls that were cancelled)", OWN, {}),
    (state.Sharing, "instances_share_nothing", "has one list as seen of all its instances", {}, {}),
    (state.Counting, "instances_share_nothing", "keeps what happens in calls in Counting.counts, which all instances share", {}, {}),
    (state.Tallying, "instances_share_nothing", "keeps what happens in calls in Tallying.total, which all instances share", {}, {}),
    (state.Collecting, "nothing_is_kept_of_finished_calls", "keeps something of each call in broken_state.ANSWERS: it has grown by 1000 items in 1000 calls (calls answered whole)", {}, {}),
    (state.Remembering, "nothing_is_kept_of_finished_calls", "keeps something of each call: it has grown by ", {}, {}),
    (state.Leaking, "nothing_is_kept_of_finished_calls", "keeps 1000 calls of 1000 that have ended (calls that failed)", {}, {}),
    (state.Comparing, "class_is_a_plugin", "does not load: compares by value, which pluggy cannot use: make it with @attrs.define(eq=False)", {}, {}),
    (state.Awaiting, "class_is_a_plugin", "does not load: wrap_chat_completion is async: make it a plain function that yields effects; the driver awaits", {}, {}),
    (Secret, "class_is_a_plugin", "does not load: is not an attrs class: make it one with @attrs.define(eq=False)", {}, {}),
    (state.Calling, "settings_come_from_toml", "cannot be loaded from TOML: not TOML: ", {}, {"clock": time.monotonic}),
    (state.Unchecked, "settings_come_from_toml", "cannot be loaded from TOML: middleware[0].every: expected an integer, got string", {}, {"every": "day"}),
    (state.Unchecked, "answer_passes_outward", "cannot be made with the settings of the test: expected an integer, got string", {}, {"every": "day"}),
    (state.Undocumented, "settings_are_documented", "does not document its setting unit", {}, {}),
    (state.Untyped, "settings_are_documented", "has no type for its setting unit", {}, {}),
    (state.Private, "private_attributes_are_no_settings", "takes its private attribute _memory as an argument", {}, {}),
    (state.PlainKey, "secrets_are_references", "takes its setting api_key as text", {}, {}),
    (state.Unchecked, "wrong_settings_are_refused_when_loaded", "takes every = 0 and then fails with ZeroDivisionError('integer modulo by zero') (whole call, between others)", {}, {}),
    (state.Showing, "instance_shows_no_secret", "shows a secret in its repr (after some calls)", {}, TOKEN),
    (state.Tattling, "logs_and_errors_show_no_secret", "shows a secret in log tattling (some calls)", {}, TOKEN),
    (state.ReadingItself, "logs_and_errors_show_no_secret", "shows a secret in AuthenticationError, traceback (whole call, between others, status 401)", {}, TOKEN),
    (state.Sleeping, "hooks_do_no_io", "did time.sleep in a hook (whole call)", {}, {}),
    (state.Opening, "hooks_do_no_io", "did open in a hook (streamed call)", {}, {}),
    (state.Setting, "host_is_left_as_it_was", "changed the context variable broken (made, used and closed)", {}, {}),
    (state.Exporting, "host_is_left_as_it_was", "changed the environment (made, used and closed)", {}, {}),
    (crowd.Threading, "close_releases", "left the thread exporter running (closed)", {}, {}),
    (state.ClosingBadly, "close_releases", "raised AttributeError(\"'NoneType' object has no attribute 'close'\") in close", {}, {}),
    (state.Looping, "sync_and_async_are_alike", "gave RuntimeError('no running event loop') with Client and ", {}, {}),
    (flows.Fetching, "answer_passes_outward", "sent GET https://elsewhere.example/ (whole call, between others)", {}, {}),
    (http.Releasing, "answer_passes_outward", "made RuntimeError('a body was read after it had been released') of an answer (whole call, between others)", {}, {}),
    (http.Getting, "http_request_is_kept", "sent the request as GET (wrap_http, whole call, between others)", {}, {}),
    (crowd.Greedy, "calls_do_not_mix", "lets nobody through its gate (", {}, {}),
    (crowd.Greedy, "many_threads", "answered \"TimeoutError('nobody has left the gate')\" where alone it answers 'The quick brown fox", {}, {}),
    (crowd.Stuck, "many_threads", "blocked (8 threads at once)", {}, {}),
    (crowd.Handling, "host_is_left_as_it_was", "changed the handlers of the root logger (made, used and closed)", {}, {}),
    (crowd.Plain, "answer_passes_outward", "wrap_chat_completion must be a generator function, but returned CreateChatCompletionRequest (whole call, between others)", {}, {}),
    (state.Undocumented, "settings_come_from_toml", "cannot be loaded from TOML: UnicodeEncodeError(", {}, {"unit": "\ud800"}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What blocks is found out sooner, and ends with the test."""
    monkeypatch.setattr(kit.patience, "PATIENCE", 1.0)
    monkeypatch.setattr(kit.quiet, "PATIENCE", 0.2)

    for cls in (crowd.Threading, crowd.Stuck):
        monkeypatch.setattr(cls, "stop", threading.Event())
    monkeypatch.setattr(state, "ANSWERS", [])
    yield
    for cls in (crowd.Threading, crowd.Stuck):
        cls.stop.set()


def checks() -> set[str]:
    """The names of all checks."""
    return {name for name in dir(MiddlewareContract) if name.startswith("test_")}


def cases(check: Any) -> Iterator[dict[str, Any]]:
    """The cases that a check is run for."""
    marks = [mark.args for mark in getattr(check, "pytestmark", []) if mark.name == "parametrize"]
    for case in itertools.product(*([(name, value) for value in values] for name, values in marks)):
        yield dict(case)


def line(kit: MiddlewareContract, subject: Subject, name: str, tmp_path: Path) -> str | None:
    """By what line a check fails; None where it passes."""
    check = getattr(kit, name)
    more = {"tmp_path": tmp_path} if "tmp_path" in inspect.signature(check).parameters else {}
    for case in cases(check):
        try:
            check(subject, **case, **more)
        except pytest.skip.Exception:
            continue
        except pytest.fail.Exception as failure:
            return str(failure.msg)
    return None


@pytest.mark.parametrize(
    ("cls", "check", "told", "declared", "settings"), BROKEN, ids=[f"{row[0].__name__}-{row[1]}" for row in BROKEN]
)
def test_check_names_what_breaks_it(cls, check, told, declared, settings, monkeypatch, tmp_path):
    """One line names the class, what it did, where in the call, and what the contract wants."""
    plant(settings, monkeypatch)
    with kept():
        kit = type("Kit", (MiddlewareContract,), declared)()
        subject = kit.subject_of(cls, settings)
        found = line(kit, subject, f"test_{check}", tmp_path)
        subject.close_all()

    assert found is not None
    assert found.startswith(f"{cls.__name__} {told}")
    assert found.count("; the contract: ") == 1
    assert "\n" not in found
    assert len(found) < 700


def test_every_check_has_something_that_breaks_it():
    """A check that nothing can fail proves nothing."""
    assert checks() == {f"test_{check}" for _, check, *_ in BROKEN}


def test_the_line_is_all_that_is_printed(pytester):
    """Who runs the tests of a broken plugin reads one line, and no traceback."""
    pytester.makepyfile(
        """
        import attrs, pytest
        from jackfield import hookimpl
        from jackfield.testing import MiddlewareContract, Reply

        @attrs.define(eq=False)
        class Losing:
            @hookimpl
            def on_chunk(self, chunk, call):
                number = call.state[self] = call.state.get(self, 0) + 1
                return [] if number == 3 else None

        class TestLosing(MiddlewareContract):
            @pytest.fixture
            def middleware(self):
                return Losing, {}

        class TestNothing(MiddlewareContract):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "chunks_reach_the_host")

    result.assert_outcomes(failed=1, errors=1)
    lines = [text for text in result.outlines if text.startswith("Losing")]
    place = "(on_chunk, streamed call, between others)"
    assert lines == [f"Losing lost chunk 3 of 12 {place}; the contract: each chunk reaches the host once, in order"]
    assert "TestNothing has no fixture `middleware` that gives a class and its settings" in result.outlines
    assert not [text for text in result.outlines if "Traceback" in text or text.startswith(">")]


@pytest.mark.parametrize("declared", [{}, {"changes_outcome": True}])
def test_who_raises_what_is_not_jackfields_is_told_what_may_be_raised(declared, tmp_path):
    """And not to declare what would not allow it, or is declared already."""
    kit = type("Kit", (MiddlewareContract,), declared)()
    with kept():
        found = line(kit, kit.subject_of(flows.Foreign, {}), "test_failure_passes_outward", tmp_path)

    assert str(found).startswith("Foreign raised RuntimeError('the backend failed') in place of APIError(")
    assert str(found).endswith("; only jackfield's exceptions, CallError and below, may be a layer's own")


def test_who_makes_a_failure_of_its_own_is_told_what_to_declare(tmp_path):
    """One of jackfield's exceptions may be meant."""
    kit = MiddlewareContract()
    with kept():
        found = line(kit, kit.subject_of(flows.Relabelling, {}), "test_failure_passes_outward", tmp_path)

    assert str(found).startswith("Relabelling raised AuthenticationError('who are you') in place of NotFoundError(")
    assert str(found).endswith("; what makes failures of its own declares changes_outcome = True")


def test_who_takes_parts_for_a_text_is_not_told_of_copies(tmp_path):
    """A tuple has no method of a text: that is no try to change it."""
    kit = MiddlewareContract()
    with kept():
        found = line(kit, kit.subject_of(chunks.Lowering, {}), "test_question_of_any_form_is_answered", tmp_path)

    assert "immutable" not in str(found)


@pytest.mark.parametrize("cls", [flows.Renaming, flows.Adding])
def test_who_changes_a_request_is_told_how(cls, tmp_path):
    """And not to declare a failure of its own."""
    kit = MiddlewareContract()
    with kept():
        found = line(kit, kit.subject_of(cls, {}), "test_answer_passes_outward", tmp_path)

    assert str(found).endswith("immutable: attrs.evolve makes a changed copy")


def test_class_that_does_not_load_is_told_once(pytester):
    """One line says why; what else could be proved of it is skipped."""
    pytester.makepyfile(
        """
        import attrs, pytest
        from jackfield import hookimpl
        from jackfield.testing import MiddlewareContract

        @attrs.define(eq=False)
        class Misspelt:
            @hookimpl
            def on_chunk(self, chunck, call):
                return None

        class TestMisspelt(MiddlewareContract):
            @pytest.fixture
            def middleware(self):
                return Misspelt, {}
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "chunks or class_is_a_plugin")

    assert result.parseoutcomes()["failed"] == 1
    assert "passed" not in result.parseoutcomes()
    (line,) = [text for text in result.outlines if text.startswith("Misspelt")]
    assert line.startswith("Misspelt does not load: ")
    assert "chunck" in line


def test_tools_for_tests_need_no_pytest():
    """``import jackfield.testing`` does not import pytest; the contract does, when it is asked for."""
    program = "import sys, jackfield.testing as t; print('pytest' in sys.modules); t.MiddlewareContract; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "True"]


def test_unknown_tool_is_an_attribute_error():
    """The lazy package has only what it lists."""
    import jackfield.testing

    with pytest.raises(AttributeError, match="no attribute 'MiddlewareContrcat'"):
        _ = jackfield.testing.MiddlewareContrcat


def test_reference_lists_every_check_and_every_attribute():
    """The reference has a line for each check, and for each thing that can be declared."""
    text = section(ROOT / "docs" / "reference" / "contract.md", "Middleware")
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)

    assert sorted(row for row in rows if row.startswith("test_")) == sorted(checks())
    assert {row for row in rows if not row.startswith("test_")} == set(MiddlewareContract.__annotations__)
