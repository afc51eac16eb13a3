"""An error that leaves the client, and all that it is linked with, is without secrets."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any, NamedTuple, Self

import attrs
import pytest

from jackfield import chain, hookimpl
from jackfield.chain import GONE, MAX_LINKS, MAX_VALUES, scrub_chain
from jackfield.errors import APIError, DeadlineExceededError, JackfieldError, PluginError, StreamInterruptedError
from jackfield.redaction import MASK, remember
from jackfield.secret import Secret
from jackfield.testing.contract.host import HOSTS
from jackfield.testing.faults import FaultServer
from jackfield.testing.leaks import artefacts, leaks

KEY = "sk-canary/4ac1+99"


@pytest.fixture(autouse=True)
def _known() -> None:
    remember(KEY)


def seen(error: BaseException) -> list[str]:
    """The sinks in which the key is."""
    return [sink for sink, text in artefacts(error) if leaks(text, KEY)]


def scrubbed(error: BaseException) -> BaseException:
    """The error after it has left; the key was in it, and is not any more."""
    assert seen(error)
    clean = scrub_chain(error)
    assert seen(clean) == []
    assert type(clean) is type(error)
    return clean


class Shown:
    """An object whose repr tells the key."""

    def __repr__(self) -> str:
        return f"<Shown {KEY}>"


class Pair(NamedTuple):
    """A tuple of another class."""

    first: str
    second: int


class DetailedError(Exception):
    """An error as libraries have them: with details, some in slots."""

    __slots__ = ("slot", "unset")

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.slot = KEY
        self.__dict__.update(details)

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.slot} {vars(self)}"


@attrs.frozen
class FrozenError(Exception):
    """An error whose attributes cannot be set."""

    text: str


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"bad {KEY}"),
        KeyError(KEY),
        OSError(2, f"no {KEY}", f"/tmp/{KEY}", None, f"/tmp/2/{KEY}"),
        UnicodeDecodeError("utf-8", KEY.encode(), 0, 1, f"bad {KEY}"),
        ImportError(f"no {KEY}", name=KEY, path=KEY),
        AttributeError(KEY, name=KEY, obj=KEY),
        SystemExit(KEY),
        StopIteration(KEY),
        ValueError(b"raw " + KEY.encode(), bytearray(KEY.encode()), memoryview(KEY.encode())),
        ValueError(["deep", (KEY, {"key": {KEY: [{KEY}, frozenset({KEY})]}})]),
        ValueError(Pair(KEY, 1), Shown()),
        ValueError(base64.b64encode(f"user:{KEY}".encode())),
        DetailedError(KEY, detail=KEY, inner={"key": Shown()}, reason=OSError(KEY)),
        FrozenError(KEY),
        # Made in the test: it is scrubbed when it is made, of whatever modules of tests hold secret while they are collected.
        pytest.param(lambda: JackfieldError(base64.b64encode(KEY.encode()).decode()), id="JackfieldError"),
        ExceptionGroup(f"all {KEY}", [ValueError(KEY), ExceptionGroup("inner", [KeyError(KEY)])]),
        BaseExceptionGroup("some", [KeyboardInterrupt(KEY), ExceptionGroup(KEY, [KeyError(1)])]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_secret_is_in_any_part_of_an_error(error: Any) -> None:
    """Whoever made it, and wherever it keeps things; and it stays of its type."""
    error = error() if callable(error) else error
    error.add_note(f"note: {KEY}")
    scrubbed(error)


def test_what_is_no_secret_stays_as_it_is() -> None:
    """Values that are clean are the same objects afterwards, and a clean error is the same error."""
    items: list[Any] = [1, None, True, "text", b"raw", object(), {"a": (1, 2)}, {3}, Secret.of(KEY)]
    error = DetailedError("text", items=items, other=OSError(2, "no such file", "path"))
    error.slot = "clean"
    error.args = before = ("text", items)

    assert scrub_chain(error) is error
    assert error.args is before
    assert vars(error)["items"] is items
    assert str(vars(error)["other"]) == "[Errno 2] no such file: 'path'"


def test_values_of_others_are_not_changed_themselves() -> None:
    """A list that the plugin still uses is not touched: the error gets another."""
    kept = [KEY]
    error = scrubbed(ValueError(kept))

    assert kept == [KEY]
    assert error.args == ([MASK],)


def test_causes_contexts_and_members_are_scrubbed_each() -> None:
    """Also where they are hidden, and where they go in a circle."""
    first, second, third = ValueError(f"1 {KEY}"), APIError("2"), KeyError(KEY)
    second.message = f"2 {KEY}"
    first.__cause__, second.__context__, third.__context__ = second, third, first
    scrubbed(first)

    assert first.__cause__ is second
    assert second.__context__ is third
    assert first.__suppress_context__
    assert not second.__suppress_context__


def test_a_group_keeps_what_it_has() -> None:
    """The one that stands in for a group whose message had a secret: members, cause, context, notes, attributes."""
    cause, context = OSError(KEY), KeyError(KEY)
    group = ExceptionGroup(KEY, [ValueError(1), ValueError(2)])
    group.__cause__, group.__context__, group.__suppress_context__ = cause, context, False
    group.add_note("note")
    outer = RuntimeError("outer")
    outer.__context__ = group
    assert scrub_chain(outer) is outer
    clean = outer.__context__

    assert isinstance(clean, ExceptionGroup)
    assert clean.message == MASK
    assert (clean.__cause__, clean.__context__, clean.__suppress_context__) == (cause, context, False)
    assert [str(member) for member in clean.exceptions] == ["1", "2"]
    assert clean.__notes__ == ["note"]
    assert seen(outer) == []


def test_a_group_that_cannot_be_made_anew_becomes_a_plain_one() -> None:
    """Its class may want other arguments."""

    class OwnGroup(ExceptionGroup[ValueError]):
        def __new__(cls, key: str) -> Self:
            return super().__new__(cls, key, [ValueError(key)])

    clean = scrub_chain(OwnGroup(KEY))

    assert type(clean) is ExceptionGroup
    assert seen(clean) == []


def test_an_endless_chain_is_cut() -> None:
    """What cannot be looked at is let go of."""
    error = last = ValueError("0")
    for number in range(2 * MAX_LINKS):
        last.__context__ = ValueError(f"{number} {KEY}")
        last = last.__context__
    scrub_chain(error)
    count, link = 0, error
    while link is not None:
        assert KEY not in str(link)
        count, link = count + 1, link.__context__

    assert count == MAX_LINKS


def test_what_is_too_deep_or_too_much_is_not_shown() -> None:
    """It may hold anything."""
    deep: list[Any] = [KEY]
    for _ in range(chain.DEPTH):
        deep = [deep]
    circle: list[Any] = []
    circle.append(circle)
    error = ValueError(deep, circle, [ValueError(number) for number in range(2 * MAX_LINKS)])
    scrub_chain(error)

    assert KEY not in repr(error)
    assert GONE in repr(error.args[0])
    assert GONE in repr(error.args[1])
    assert error.args[2].count(GONE) >= MAX_LINKS
    many = ValueError([f"{number}" for number in range(MAX_VALUES)], KEY)
    scrub_chain(many)
    assert many.args[0][0] == "0"
    assert many.args[1] == GONE


class Broken:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("half made")


def test_what_cannot_be_shown_is_left() -> None:
    """No one can see a secret in it, and it breaks nothing."""
    broken = Broken()

    assert scrub_chain(ValueError(broken)).args == (broken,)


def raised(error: BaseException) -> BaseException:
    """The error, raised in a frame that holds the key."""

    def plugin() -> None:
        token = KEY
        assert token
        raise error

    code = compile("def product(plugin):\n    held = 'sk-canary/4ac1+99'\n    plugin()\n", "/srv/product.py", "exec")
    names: dict[str, Any] = {}
    exec(code, names)
    with pytest.raises(type(error)) as caught:
        names["product"](plugin)
    return caught.value


@pytest.mark.parametrize("kind", [PluginError, ValueError, KeyboardInterrupt])
def test_a_plugins_mistake_keeps_its_places_without_their_variables(kind: type[BaseException]) -> None:
    """Its author needs to know where it was; what the frames held is nobody's business."""
    error = scrubbed(raised(kind("oops")))
    trace = error.__traceback__
    names = []
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next

    assert names == ["raised", "product", "plugin"]


def test_our_own_errors_leave_without_what_they_came_of() -> None:
    """Neither frames nor what they hide by ``from None``."""
    hidden = raised(OSError(KEY))
    error = raised(APIError("broke"))
    error.__context__, error.__suppress_context__ = hidden, True
    scrubbed(error)

    assert error.__traceback__ is error.__context__ is None


@dataclasses.dataclass(frozen=True)
class RowError(Exception):
    """An exception that takes no attribute."""

    number: int = 1


class Odd(dict):  # type: ignore[type-arg]  # of anything
    """Cannot be read."""

    def __getitem__(self, key: Any) -> Any:
        raise LookupError(key)


def test_errors_that_mind_their_attributes_are_borne() -> None:
    """Frozen ones, attributes that cannot be read, and groups within groups: what cannot be cleaned is let go."""
    odd = ValueError("x")
    odd.odd = Odd({KEY: KEY})  # type: ignore[attr-defined]  # it has no such attribute
    deep: BaseException = ValueError(KEY)
    for _ in range(2_000):
        deep = ExceptionGroup("deep", [deep])  # type: ignore[list-item]  # each is an Exception
    for error in (RowError(), odd, deep):
        outer = APIError("failed")
        outer.__cause__ = error
        assert scrub_chain(outer) is outer
        assert not any(leaks(text, KEY) for _, text in artefacts(outer))


def test_host_keeps_what_it_was_dealing_with() -> None:
    """An exception that the host handles while it calls is linked with ours, and is left as it was."""

    class HostError(Exception):
        pass

    theirs = HostError(KEY)
    theirs.request = {"key": KEY}  # type: ignore[attr-defined]  # the host's own
    ours = APIError("failed")
    ours.__context__ = theirs
    scrub_chain(ours, theirs)

    assert theirs.args == (KEY,)
    assert theirs.request == {"key": KEY}  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize("kind", HOSTS)
def test_host_keeps_it_in_a_call(kind: str, fault_server: FaultServer) -> None:
    """So also in a real call, of either client, that fails."""
    host = HOSTS[kind]({"backends": {"b": {"provider": "openai", "base_url": fault_server.url}}}, {})
    theirs = ValueError(KEY)
    try:
        raise theirs
    except ValueError:
        outcome = host.ask(model="b/status", messages=[{"role": "user", "content": "x"}])
    host.close()

    assert isinstance(outcome.error, APIError)
    assert theirs.args == (KEY,)


@pytest.mark.parametrize("kind", HOSTS)
def test_frozen_error_of_a_layer_comes_out(kind: str) -> None:
    """An error that takes no note is the outcome all the same, and the client can be closed."""

    @attrs.define(eq=False)
    class Freezing:
        @hookimpl
        def wrap_chat_completion(self, request: Any, call: Any) -> Any:
            yield from ()
            raise RowError(2)

    config = {"backends": {"b": {"provider": "echo"}}, "middleware": [{"use": "freezing"}]}
    host = HOSTS[kind](config, {"freezing": Freezing})
    outcome = host.ask(model="b/x", messages=[{"role": "user", "content": "x"}])
    host.close()

    assert outcome.error == RowError(2)


def test_generator_that_still_runs_is_not_ended() -> None:
    """One that caught an error, and stands at a yield, goes on when the error is raised again elsewhere."""
    stored = ValueError("stored")

    def generator() -> Any:
        try:
            raise stored
        except ValueError:
            yield "caught"
        yield "on"

    running = generator()
    assert next(running) == "caught"
    scrub_chain(stored)

    assert next(running) == "on"
    assert any("generator" in note for note in stored.__notes__)


def test_an_error_leaves_without_what_it_came_of():
    """Tracebacks and hidden exceptions hold headers: an error of ours goes without them, along its whole chain."""

    def fail() -> None:
        try:
            try:
                raise OSError("Bearer sk-canary")
            except OSError:
                raise DeadlineExceededError from None
        except DeadlineExceededError as error:
            raise StreamInterruptedError("broke") from error

    with pytest.raises(StreamInterruptedError) as caught:
        fail()
    assert scrub_chain(caught.value) is caught.value
    cause = caught.value.__cause__
    assert isinstance(cause, DeadlineExceededError)
    assert caught.value.__context__ is cause
    assert caught.value.__traceback__ is cause.__traceback__ is None
    assert cause.__context__ is None


@pytest.mark.parametrize("kind", [PluginError, ValueError])
def test_a_plugins_mistake_keeps_its_traceback(kind):
    """Its author needs it."""
    with pytest.raises(kind) as caught:
        raise kind("oops")
    assert scrub_chain(caught.value) is caught.value
    assert caught.value.__traceback__ is not None
