"""The soak's figures are no decoration: each breaks where a client breaks its promise."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import pytest

from jackfield import hookimpl
from jackfield.errors import APIConnectionError, APIError
from jackfield_retry import Retry
from soak import gauges, run
from soak.ambiguity import Ambiguity
from soak.asks import KEY
from soak.endurance import Endurance
from soak.figure import Figure, table
from soak.hosts import HOSTS, settings
from soak.inprocess import Hits, in_process
from soak.outage import Outage
from soak.service import Service

pytestmark = [pytest.mark.soak, pytest.mark.long]
undo: list[Callable[[], Any]] = []
kept: list[Any] = []


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    """What a bad client left open is closed after the test."""
    yield
    while undo:
        undo.pop()()
    kept.clear()


@attrs.define(eq=False)
class Bad:
    """A middleware that does something wrong with one answer in eight."""

    _calls: Any = attrs.field(init=False, factory=itertools.count)

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Any:
        response = yield request
        return response if next(self._calls) % 8 else self.spoil(response, call) or response

    def spoil(self, response: Any, call: Any) -> Any:
        raise AssertionError("each says what it does")


class Foreign(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        raise ValueError("not one of ours")


class MixedUp(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        kept.append(response)
        return kept[0]


class GivesUp(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        raise APIConnectionError("lost", code="connect", stage="not_sent")


class Tells(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        raise APIError(f"the key begins with {KEY[:12]}")


class Hoards(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        kept.append([object() for _ in range(40_000)])  # of a process in which other tests have left much


class HoardsBytes(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        kept.append(bytes(5_000_000))


class LeavesFiles(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        undo.extend(partial(os.close, os.open(os.devnull, os.O_RDONLY)) for _ in range(4))


class LeavesThreads(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        if not kept:
            kept.append(threading.Event())
            thread = threading.Thread(target=kept[0].wait)
            thread.start()
            undo.extend([thread.join, kept[0].set])


class LeavesTasks(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        if not kept:
            kept.append(asyncio.get_running_loop().create_task(asyncio.sleep(60)))


class Warns(Bad):
    def spoil(self, response: Any, call: Any) -> Any:
        warnings.warn("careless", ResourceWarning, stacklevel=1)


@attrs.define(eq=False)
class AsksTwice:
    """Sends every request twice, though the host asked once."""

    @hookimpl
    def wrap_http(self, http_request: Any, call: Any) -> Any:
        first = yield http_request
        first.body.release()
        return (yield http_request)


@attrs.define(eq=False)
class Forgets:
    """Takes attempts out of the ledger of every other call."""

    _calls: Any = attrs.field(init=False, factory=itertools.count)

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Any:
        try:
            return (yield request)
        finally:
            if next(self._calls) % 2:
                call.attempts.clear()


HITS = "attempts reported = requests at the server + refused and reset before"


@pytest.mark.parametrize(
    ("middleware", "mode", "what"),
    [
        (Foreign, "sync", "exceptions of other types"),
        (Foreign, "async", "calls that ended in neither an answer nor a `CallError`"),
        (MixedUp, "async", "answers to another question, or damaged"),
        (GivesUp, "sync", "… failed: another try could have helped"),
        (Tells, "sync", "errors that show the key"),
        (Hoards, "sync", "small objects held, fourth quarter to second"),
        (HoardsBytes, "async", "other memory held, fourth quarter to second"),
        (LeavesFiles, "async", "descriptors left open"),
        (LeavesFiles, "sync", "descriptors open at rest"),
        (LeavesThreads, "sync", "threads left running"),
        (LeavesTasks, "async", "calls and tasks left"),
        (Warns, "sync", "warnings, and exceptions that no one could catch"),
        (AsksTwice, "async", HITS),
    ],
)
def test_a_client_that_breaks_a_promise_is_found_out(middleware: type, mode: str, what: str, service: Service):
    """The figure of the promise does not hold."""
    figures = Endurance(mode, service, 0, seed=1, faults=0, middleware=middleware, patience=0.5).run()

    assert what in [figure.what for figure in figures if not figure.holds]


def test_texts_that_come_and_go_are_no_memory_that_is_held():
    """Python's table of them grows once by chance, by more than the promise allows."""
    before = gauges.read().heap
    for number in range(gauges.INTERNED // 3):
        sys.intern(f"text {number}")

    assert gauges.read().heap - before < 100_000


def test_attempts_that_are_not_reported_are_found_out(service: Service):
    """Requests that the server got and no call tells of are told by model and by call."""
    endurance = Endurance("sync", service, 0, seed=1, faults=0, middleware=Forgets, patience=0.5)

    figures = {figure.what: figure for figure in endurance.run()}

    assert not figures[HITS].holds
    assert "requests by model: seen and told" in figures[HITS].value
    assert "work done by call: seen and told" in figures[HITS].value


def test_the_command_tells_what_is_broken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """It prints the tables in Markdown, and ends with 1 where a figure does not hold."""
    figures = [Figure("leaks", "0", "3", holds=False), Figure("calls", "", "9")]
    monkeypatch.setitem(run.PARTS, "outage", lambda *_: figures)
    assert run.main(["--part", "outage"]) == 1

    told = capsys.readouterr()
    assert told.out.splitlines()[2] == "| leaks | 0 | 3 **broken** | 3 **broken** |"
    assert told.err.splitlines() == ["broken: sync: leaks: 3; promised: 0", "broken: async: leaks: 3; promised: 0"]

    del figures[0]
    assert run.main(["--part", "outage", "--mode", "async"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "| | promised | async |"


def test_a_service_that_fails_too_seldom_proves_nothing(service: Service):
    """Where fewer attempts failed than were to, the run does not hold."""
    endurance = Endurance("sync", service, 0, seed=1, faults=0)
    figures = endurance.run()
    assert next(figure for figure in figures if figure.what == "attempts that failed").holds

    endurance.faults = 20
    assert not next(figure for figure in endurance._outcomes() if figure.what == "attempts that failed").holds


def test_too_many_sends_and_too_much_work_are_found_out(service: Service):
    """More than 1.25 sends a call, and work that was done three times, do not hold."""
    endurance = Endurance("sync", service, 0, seed=1, faults=0)
    endurance.run()

    endurance.total.sent = endurance.total.exchanges = endurance.total.calls * 2
    endurance.most = 3

    wrong = {figure.what for figure in [*endurance._outcomes(), *endurance._hits()] if not figure.holds}
    assert {"sends a call", "most often the work was done for a call"} <= wrong


@attrs.define(eq=False)
class Generous(Retry):
    """Retries without a budget."""

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Any:
        for last in (False, False, True):
            try:
                return (yield request)
            except APIError:
                if last:
                    raise


@pytest.mark.parametrize("outer", ["generous", None])
def test_a_retry_without_a_budget_or_none_at_all_is_found_out(outer: str | None):
    """An outage that is made three times as bad does not hold, nor one after which nothing is tried again."""
    hits = Hits()
    plugins = {"inprocess": in_process(hits), "generous": Generous}
    host = HOSTS["sync"](settings("", provider="inprocess", outer=[outer] if outer else []), plugins)

    figures = Outage(host, lambda: hits.by_model, 200).run()
    host.close()

    wrong = {figure.what for figure in figures if not figure.holds}
    assert "errors that tell that the budget was used up" in wrong
    assert "retries that the budget pays for, 500 answers later" in wrong
    assert ("requests that the backend got" in wrong) == bool(outer)


def test_work_that_is_repeated_too_often_is_found_out(service: Service):
    """A retry that does not care whether the work may have been done breaks each figure of repeated work."""
    host = HOSTS["sync"](settings(service.url, outer=["generous"]), {"generous": Generous})

    figures = Ambiguity(host, service, 200).run()
    host.close()

    assert [figure.what for figure in figures if not figure.holds] == [
        "… that end in a `CallError`",
        "… for which the server worked once",
        "… for which it worked more often",
        "… that end in a `CallError`",
        "… for which the server worked twice",
        "calls for which it worked more often",
    ]


def test_the_table_marks_what_is_broken():
    """A figure that does not hold is seen in the table."""
    good, bad = Figure("leaks", "0", "0"), Figure("leaks", "0", "3", holds=False)

    assert table([("sync", [good]), ("async", [bad])]).splitlines() == [
        "| | promised | sync | async |",
        "|---|---|--:|--:|",
        "| leaks | 0 | 0 | 3 **broken** |",
    ]
