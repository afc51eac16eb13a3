"""InProcessContract: the echo provider passes; each check fails for a provider that breaks the rule."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield import PluginError, hookimpl
from jackfield.flow import Deliver
from jackfield.testing import Echo, InProcessContract
from jackfield.testing.contract.host import HOSTS
from jackfield.testing.contract.inprocess import hosting
from jackfield.unfold import unfold

CONTRACT = InProcessContract()
CHECKS = {name.removeprefix("test_") for name in dir(InProcessContract) if name.startswith("test_")}


class TestEcho(InProcessContract):
    """The provider that comes with jackfield."""

    @pytest.fixture
    def backend(self) -> Mapping[str, Any]:
        return {"provider": "echo"}


class _Altered(Echo):
    """Echo, but for one thing."""

    @hookimpl
    def create_chat_completion(self, request: Any, call: Any) -> Any:
        """As ``alter`` has it."""
        yield from ()
        whole = Echo.create_chat_completion(self, attrs.evolve(request, stream=False), call)
        try:
            next(whole)
        except StopIteration as end:
            response = self.alter(end.value, request)
        if not call.stream:
            return response
        yield Deliver(self.chunks(response), last=True)
        return None

    def alter(self, response: Any, request: Any) -> Any:
        """The response, changed."""
        return response

    def chunks(self, response: Any) -> Any:
        """Its chunks."""
        return unfold(response)


def _with(response: Any, **fields: Any) -> Any:
    choice = response.choices[0]
    message = attrs.evolve(choice.message, content=fields.pop("text", choice.message.content))
    return attrs.evolve(response, choices=[attrs.evolve(choice, message=message, **fields)])


@attrs.define(eq=False)
class Mute(_Altered):
    """Says nothing."""

    def alter(self, response: Any, request: Any) -> Any:
        return _with(response, text="")


@attrs.define(eq=False)
class Endless(_Altered):
    """Does not tell why it ended."""

    def alter(self, response: Any, request: Any) -> Any:
        return _with(response, finish_reason="")


@attrs.define(eq=False)
class Thrifty(_Altered):
    """Tells no usage."""

    def alter(self, response: Any, request: Any) -> Any:
        return attrs.evolve(response, usage=None)


@attrs.define(eq=False)
class Lumpy(_Altered):
    """Gives a stream in one chunk."""

    def chunks(self, response: Any) -> Any:
        first, *_, last = unfold(response)
        choice = attrs.evolve(
            first.choices[0],
            delta=attrs.evolve(first.choices[0].delta, content=response.choices[0].message.content),
            finish_reason="stop",
        )
        return [attrs.evolve(last, choices=[choice])]


@attrs.define(eq=False)
class Fickle(_Altered):
    """Says something else each time."""

    numbers: Any = attrs.field(factory=itertools.count, init=False)

    def alter(self, response: Any, request: Any) -> Any:
        return _with(response, text=f"number {next(self.numbers)}")


@attrs.define(eq=False)
class Tired(_Altered):
    """Answers the first call only, and that not always."""

    calls: int = attrs.field(default=0, init=False)

    def alter(self, response: Any, request: Any) -> Any:
        self.calls += 1
        if self.calls > 1:
            raise PluginError("no more today")
        return response


@attrs.define(eq=False)
class Refusing(_Altered):
    """Raises what is not jackfield's."""

    def alter(self, response: Any, request: Any) -> Any:
        raise KeyError("no")


@attrs.define(eq=False)
class Raw(Echo):
    """Raises what is not jackfield's where it finds no message."""

    @hookimpl
    def create_chat_completion(self, request: Any, call: Any) -> Any:
        yield from ()
        return request.messages[0]


@attrs.define(eq=False)
class Nameless(Echo):
    """Knows no models."""

    @hookimpl
    def list_models(self) -> Any:
        return []


@pytest.mark.parametrize("mode", HOSTS)
@pytest.mark.parametrize(
    ("cls", "check", "arguments", "line"),
    [
        (Mute, "answers", [], "Mute said nothing (whole, "),
        (Endless, "answers", [], "Endless gave no choice with a finish_reason (whole, "),
        (Thrifty, "answers", [], "Thrifty says usage=None (whole, "),
        (Lumpy, "streams", [], "Lumpy gave 1 chunk (stream, "),
        (Fickle, "streams", [], "Fickle says 'number 0' (stream, "),
        (Fickle, "calls_at_the_same_time", [], "Fickle gave 4 answers (many calls at once, "),
        (Tired, "calls_at_the_same_time", [], "Tired raised PluginError('no more today') (many calls at once, "),
        (Refusing, "closed_stream_ends_the_work", [1], "Refusing raised KeyError('no') (closed after 1 chunks, "),
        (Tired, "closed_stream_ends_the_work", [1], "Tired raised PluginError('no more today') (the call after one "),
        (Refusing, "deadline", [False], "Refusing raised KeyError('no') (no time, "),
        (Raw, "request_that_it_cannot_answer", [], "Raw raised IndexError('tuple index out of range') (no messages, "),
        (Nameless, "lists_models", [], "Nameless listed [] (list_models, "),
    ],
)
def test_broken_provider_is_named_in_one_line(
    mode: str, cls: type, check: str, arguments: list[Any], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says which provider did what, where, and what the contract wants."""
    if check == "deadline":
        monkeypatch.setattr(CONTRACT, "ask", lambda host, **_: InProcessContract.ask(CONTRACT, host), raising=False)
    with hosting(mode, {"provider": cls}) as host, pytest.raises(pytest.fail.Exception) as failure:
        getattr(CONTRACT, f"test_{check}")(host, *arguments)

    assert str(failure.value).startswith(line)
    assert f", {mode}); the contract: " in str(failure.value)


def test_changed_request_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that changes what the host passed in is told of."""

    def change(host: Any, **fields: Any) -> None:
        fields["messages"][0]["content"] = "changed"

    monkeypatch.setattr(CONTRACT, "ask", change, raising=False)
    with hosting("sync", {"provider": "echo"}) as host, pytest.raises(pytest.fail.Exception, match="Echo changed"):
        CONTRACT.test_request_is_not_changed(host)


def test_stream_that_is_not_its_response_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a stream whose response says something else, and a call whose attempt is no success."""
    with hosting("sync", {"provider": "echo"}) as host:
        outcome = CONTRACT.ask(host, stream=True)
        outcome.chunks = outcome.chunks[:3]
        monkeypatch.setattr(CONTRACT, "ask", lambda *_, **__: outcome, raising=False)
        with pytest.raises(pytest.fail.Exception, match="Echo streamed 'Count from '"):
            CONTRACT.test_streams(host)
        outcome.response.call.attempts[0].outcome = "error"  # type: ignore[union-attr]  # it has one
        with pytest.raises(pytest.fail.Exception, match="Echo left an attempt that is error"):
            CONTRACT.test_answers(host)


def test_each_check_is_broken_by_someone() -> None:
    """The tests above have every check of the contract."""
    source = Path(__file__).read_text(encoding="utf-8")

    assert {
        check for check in CHECKS if f'"{check}"' not in source and f"CONTRACT.test_{check}(" not in source
    } == set()


def test_backend_has_to_be_written() -> None:
    """A subclass without the fixture is told what it lacks."""
    with pytest.raises(pytest.fail.Exception, match="write the fixture `backend`"):
        inspect.unwrap(InProcessContract.backend)(CONTRACT)
