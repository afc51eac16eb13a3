"""The fallback, driven by the engine with a clock of its own."""

from __future__ import annotations

import pickle
from contextlib import suppress
from typing import Any, ClassVar

import attrs
import pytest

from jackfield.errors import (
    APIError,
    BadRequestError,
    ContentFilterError,
    InternalServerError,
    RateLimitError,
)
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.http import Origin
from jackfield.testing import ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield_routing import Fallback

PASSES = ["refused", "reset", "stream broke", "no answer", "no quota", "401", "404", "429", "503", "too long"]
STAYS = ["400", "422", "filter"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("hops", range(5))
@pytest.mark.parametrize("kind", PASSES)
def test_the_first_that_answers_is_the_answer(ask, fallback, failing, kind: str, hops: int, stream: bool):
    """Whatever failed, at however many models, the next one is asked, in order, and the ledger has every hop."""
    first, others = failing(*[kind] * min(hops, 1)), failing(*[kind] * (hops - 1))
    driver = ScriptedDriver()
    layers = plan(first, middleware=[fallback(), Look()], backends={"other": others})

    response = run_call(layers, ask(stream=stream), driver)

    attempts = Look.calls.pop().attempts
    assert [attempt.model for attempt in attempts] == ["m", "a", "b", "c", "d"][: hops + 1]
    assert [attempt.outcome for attempt in attempts] == ["error"] * hops + ["success"]
    assert all(attempt.error for attempt in attempts[:-1])
    assert response.id == ("x" if stream else ["m", "a", "b", "c", "d"][hops])
    assert len(driver.delivered) == stream


@attrs.define(eq=False)
class Look:
    """Keeps the call that passed last."""

    calls: ClassVar[list[Any]] = []

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Flow[Any]:
        self.calls[:] = [call]
        return (yield request)


@pytest.mark.parametrize("hop", range(5))
@pytest.mark.parametrize("kind", STAYS)
def test_a_fault_of_the_request_ends_the_chain(ask, fallback, failing, kinds, kind: str, hop: int):
    """Whatever had failed before, what no other model could mend is raised at once."""
    first = failing(*([kind] if hop == 0 else ["503"]))
    others = failing(*["503"] * (hop - 1), kind)

    with pytest.raises(type(kinds[kind]())) as caught:
        run_call(plan(first, middleware=[fallback()], backends={"other": others}), ask())

    assert len(caught.value.attempts) == hop + 1
    assert caught.value.backend == ("other" if hop else "test")


@pytest.mark.parametrize("kind", PASSES)
def test_where_all_fail_the_last_error_tells_of_all(ask, fallback, failing, kinds, kind: str):
    """The last model's error is raised, with every attempt, and a note for each that failed before, in order."""
    first, others = failing(kind), failing("503", "429", "401", kind)

    with pytest.raises(type(kinds[kind]())) as caught:
        run_call(plan(first, middleware=[fallback()], backends={"other": others}), ask())

    error = caught.value
    assert (error.backend, error.model) == ("other", "d")
    assert [attempt.model for attempt in error.attempts] == ["m", "a", "b", "c", "d"]
    assert [note.split(": ")[:3] for note in error.__notes__] == [
        ["fallback", "before it 'm' failed", type(kinds[kind]()).__name__],
        ["fallback", "before it 'other/a' failed", "InternalServerError"],
        ["fallback", "before it 'other/b' failed", "RateLimitError"],
        ["fallback", "before it 'other/c' failed", "AuthenticationError"],
    ]
    assert pickle.loads(pickle.dumps(error)).__notes__ == error.__notes__


def test_the_same_error_object_is_raised(kinds, ask, fallback):
    """The host gets the backend's own error, not a copy."""
    first, last = kinds["503"](), kinds["429"]()
    hook = fallback("n").wrap_chat_completion(ask(), make_call())

    with pytest.raises(RateLimitError) as caught:
        run_flow(hook, inward=[first, last])

    assert caught.value is last
    assert not hasattr(first, "__notes__")


def test_a_model_that_is_not_in_the_table_has_no_next_one(ask, failing):
    """Its error is raised as it is."""
    provider = failing("503")

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(provider, middleware=[Fallback(models={"n": ("o",)})]), ask())

    assert provider.models == ["m"]
    assert not hasattr(caught.value, "__notes__")


def test_only_the_model_is_changed(ask, fallback, failing):
    """What is passed on is the host's request under another name; the first time it is that very request."""
    request = ask(temperature=0.5, seed=3, metadata={"a": "b"}, x_unknown=[1])
    provider = failing("503")

    run_call(plan(provider, middleware=[fallback("n")]), request)

    assert provider.asked[0] is request
    assert provider.asked[1] == attrs.evolve(request, model="n")
    assert request.model == "m"


def test_a_list_is_not_followed_further(ask, failing):
    """The next ones of a next one are not asked: a chain is what one line of the table says."""
    provider = failing("503", "503")
    layer = Fallback(models={"m": ("n",), "n": ("o",)})

    with pytest.raises(InternalServerError):
        run_call(plan(provider, middleware=[layer]), ask())

    assert provider.models == ["m", "n"]


@pytest.mark.parametrize("origin", [None, Origin("https", "test.example.com", 443)])
def test_a_model_is_asked_once_whatever_it_is_called(ask, failing, origin: Origin | None):
    """A next name that leads to the model that has just failed is passed over; only ``retry`` asks again."""
    provider = failing(always="503", origin=origin)
    layer = Fallback(models={"m": ("test/m", "other/n", "other/n/", "other/o")})

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(provider, middleware=[layer], backends={"other": provider}), ask())

    assert provider.models == ["m", "n", "n/", "o"]
    assert len(caught.value.__notes__) == 3


def test_where_no_other_model_is_left_the_failure_is_raised(ask, fallback, failing):
    """It is the first one's, and not asked for twice."""
    provider = failing("503")

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(provider, middleware=[fallback("test/m")]), ask())

    assert provider.models == ["m"]
    assert not hasattr(caught.value, "__notes__")


def test_a_retry_outside_repeats_the_whole_chain(ask, fallback, failing):
    """What was asked in an earlier round is asked again in the next."""

    @attrs.define(eq=False)
    class Twice:
        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            with suppress(APIError):
                return (yield request)
            return (yield request)

    provider = failing("503", "503", "503")

    run_call(plan(provider, middleware=[Twice(), fallback("n")]), ask())

    assert provider.models == ["m", "n", "m", "n"]


def test_inside_a_backend_the_names_are_its_own(ask, fallback, failing):
    """Listed there it goes to other models of the same backend."""
    provider = failing("404")

    response = run_call(plan(provider, backend_middleware=[fallback("n")]), ask("test/m"))

    assert provider.models == ["m", "n"]
    assert response.id == "n"


@pytest.mark.parametrize("kind", PASSES)
@pytest.mark.parametrize("chunks", [1, 2])
def test_what_was_committed_is_never_asked_again(ask, fallback, failing, kinds, kind: str, chunks: int):
    """After the first chunk the failure is the host's to see, whatever it is."""
    first, other = failing(kind, chunks=chunks), failing()
    driver = ScriptedDriver()
    layers = plan(first, middleware=[fallback()], backends={"other": other})

    with pytest.raises(type(kinds[kind]())):
        run_call(layers, ask(stream=True), driver)

    assert other.asked == []
    assert len(driver.delivered) == chunks


def test_after_the_commit_it_yields_nothing(ask, fallback, kinds):
    """It does not rely on the engine to be stopped."""
    call = make_call(stream=True)
    call.committed = True
    hook = fallback().wrap_chat_completion(ask(stream=True), call)

    with pytest.raises(InternalServerError):
        run_flow(hook, inward=[kinds["503"]()])


@pytest.mark.parametrize("kind", ["reset", "first byte", "stream broke", "no answer"])
def test_what_may_have_been_stored_is_not_sent_elsewhere(ask, fallback, failing, kinds, kind: str):
    """With ``store`` an outcome that is not known ends the chain, at whichever hop it comes."""
    for hop in range(3):
        first = failing(kind if hop == 0 else "503")
        others = failing(*["429"] * (hop - 1), kind)
        with pytest.raises(type(kinds[kind]())) as caught:
            run_call(plan(first, middleware=[fallback()], backends={"other": others}), ask(store=True))
        assert len(caught.value.attempts) == hop + 1


def test_what_was_refused_may_be_stored_elsewhere(ask, fallback, failing):
    """With ``store`` a backend's own refusal goes on, for it has done nothing."""
    provider = failing("503", "refused")

    run_call(plan(provider, middleware=[fallback("n", "o")]), ask(store=True))

    assert provider.models == ["m", "n", "o"]


def test_conditions_are_those_of_the_settings(ask, fallback, failing):
    """A refusal by a filter goes on where ``on`` says so, and a bad request does not then."""
    layer = fallback("n", on=("content_filter",))
    provider = failing("filter")
    run_call(plan(provider, middleware=[layer]), ask())
    assert provider.models == ["m", "n"]

    with pytest.raises(BadRequestError):
        run_call(plan(failing("400"), middleware=[layer]), ask())
    with pytest.raises(ContentFilterError):
        run_call(plan(failing("filter"), middleware=[fallback("n")]), ask())
