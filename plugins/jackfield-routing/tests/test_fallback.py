"""The fallback, driven by the engine with a clock of its own."""

from __future__ import annotations

import pickle
from contextlib import suppress
from typing import Any, ClassVar

import attrs
import pytest

from jackfield.errors import (
    APIConnectionError,
    APIError,
    BadRequestError,
    ContentFilterError,
    DeadlineExceededError,
    InternalServerError,
    NotFoundError,
    PluginError,
    RateLimitError,
    StreamInterruptedError,
)
from jackfield.flow import Flow, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield_routing import Fallback

NEXTS = ("other/a", "other/b", "other/c", "other/d")
PASSES = ["refused", "reset", "stream broke", "no answer", "no quota", "401", "404", "429", "503", "too long"]
STAYS = ["400", "422", "filter"]
ANSWER = CreateChatCompletionResponse(id="x", choices=[])


def models(*nexts: str) -> dict[str, tuple[str, ...]]:
    return {"m": nexts or NEXTS}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("hops", range(5))
@pytest.mark.parametrize("kind", PASSES)
def test_the_first_that_answers_is_the_answer(ask, failing, kind: str, hops: int, stream: bool):
    """Whatever failed, at however many models, the next one is asked, in order, and the ledger has every hop."""
    first, others = failing(*[kind] * min(hops, 1)), failing(*[kind] * (hops - 1))
    driver = ScriptedDriver()
    layers = plan(first, middleware=[Fallback(models=models()), Look()], backends={"other": others})

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
def test_a_fault_of_the_request_ends_the_chain(ask, failing, kinds, kind: str, hop: int):
    """Whatever had failed before, what no other model could mend is raised at once."""
    first = failing(*([kind] if hop == 0 else ["503"]))
    others = failing(*["503"] * (hop - 1), kind)

    with pytest.raises(type(kinds[kind]())) as caught:
        run_call(plan(first, middleware=[Fallback(models=models())], backends={"other": others}), ask())

    assert len(caught.value.attempts) == hop + 1
    assert caught.value.backend == ("other" if hop else "test")


@pytest.mark.parametrize("kind", PASSES)
def test_where_all_fail_the_last_error_tells_of_all(ask, failing, kinds, kind: str):
    """The last model's error is raised, with every attempt, and a note for each that failed before, in order."""
    first, others = failing(kind), failing("503", "429", "401", kind)

    with pytest.raises(type(kinds[kind]())) as caught:
        run_call(plan(first, middleware=[Fallback(models=models())], backends={"other": others}), ask())

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


def test_the_same_error_object_is_raised(kinds, ask):
    """The host gets the backend's own error, not a copy."""
    first, last = kinds["503"](), kinds["429"]()
    hook = Fallback(models=models("n")).wrap_chat_completion(ask(), make_call())

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


def test_only_the_model_is_changed(ask, failing):
    """What is passed on is the host's request under another name; the first time it is that very request."""
    request = ask(temperature=0.5, seed=3, metadata={"a": "b"}, x_unknown=[1])
    provider = failing("503")

    run_call(plan(provider, middleware=[Fallback(models=models("n"))]), request)

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


def test_a_model_is_asked_once_whatever_it_is_called(ask, failing):
    """A next name that leads to the model that has just failed is passed over; only ``retry`` asks again."""
    provider = failing(always="503")
    layer = Fallback(models={"m": ("test/m", "other/n", "other/n/", "other/o")})

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(provider, middleware=[layer], backends={"other": provider}), ask())

    assert provider.models == ["m", "n", "n/", "o"]
    assert len(caught.value.__notes__) == 3


def test_where_no_other_model_is_left_the_failure_is_raised(ask, failing):
    """It is the first one's, and not asked for twice."""
    provider = failing("503")

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(provider, middleware=[Fallback(models=models("test/m"))]), ask())

    assert provider.models == ["m"]
    assert not hasattr(caught.value, "__notes__")


def test_a_retry_outside_repeats_the_whole_chain(ask, failing):
    """What was asked in an earlier round is asked again in the next."""

    @attrs.define(eq=False)
    class Twice:
        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            with suppress(APIError):
                return (yield request)
            return (yield request)

    provider = failing("503", "503", "503")

    run_call(plan(provider, middleware=[Twice(), Fallback(models=models("n"))]), ask())

    assert provider.models == ["m", "n", "m", "n"]


def test_inside_a_backend_the_names_are_its_own(ask, failing):
    """Listed there it goes to other models of the same backend."""
    provider = failing("404")

    response = run_call(plan(provider, backend_middleware=[Fallback(models=models("n"))]), ask("test/m"))

    assert provider.models == ["m", "n"]
    assert response.id == "n"


@pytest.mark.parametrize("kind", PASSES)
@pytest.mark.parametrize("chunks", [1, 2])
def test_what_was_committed_is_never_asked_again(ask, failing, kinds, kind: str, chunks: int):
    """After the first chunk the failure is the host's to see, whatever it is."""
    first, other = failing(kind, chunks=chunks), failing()
    driver = ScriptedDriver()
    layers = plan(first, middleware=[Fallback(models=models())], backends={"other": other})

    with pytest.raises(type(kinds[kind]())):
        run_call(layers, ask(stream=True), driver)

    assert other.asked == []
    assert len(driver.delivered) == chunks


def test_after_the_commit_it_yields_nothing(ask, kinds):
    """It does not rely on the engine to be stopped."""
    call = make_call(stream=True)
    call.committed = True
    hook = Fallback(models=models()).wrap_chat_completion(ask(stream=True), call)

    with pytest.raises(InternalServerError):
        run_flow(hook, inward=[kinds["503"]()])


@pytest.mark.parametrize("kind", ["reset", "first byte", "stream broke", "no answer"])
def test_what_may_have_been_stored_is_not_sent_elsewhere(ask, failing, kinds, kind: str):
    """With ``store`` an outcome that is not known ends the chain, at whichever hop it comes."""
    for hop in range(3):
        first = failing(kind if hop == 0 else "503")
        others = failing(*["429"] * (hop - 1), kind)
        with pytest.raises(type(kinds[kind]())) as caught:
            run_call(plan(first, middleware=[Fallback(models=models())], backends={"other": others}), ask(store=True))
        assert len(caught.value.attempts) == hop + 1


def test_what_was_refused_may_be_stored_elsewhere(ask, failing):
    """With ``store`` a backend's own refusal goes on, for it has done nothing."""
    provider = failing("503", "refused")

    run_call(plan(provider, middleware=[Fallback(models=models("n", "o"))]), ask(store=True))

    assert provider.models == ["m", "n", "o"]


def test_conditions_are_those_of_the_settings(ask, failing):
    """A refusal by a filter goes on where ``on`` says so, and a bad request does not then."""
    layer = Fallback(models=models("n"), on=("content_filter",))
    provider = failing("filter")
    run_call(plan(provider, middleware=[layer]), ask())
    assert provider.models == ["m", "n"]

    with pytest.raises(BadRequestError):
        run_call(plan(failing("400"), middleware=[layer]), ask())
    with pytest.raises(ContentFilterError):
        run_call(plan(failing("filter"), middleware=[Fallback(models=models("n"))]), ask())


# -- time ------------------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Slow:
    """Takes ``seconds`` and fails."""

    seconds: float
    asked: int = 0

    @hookimpl
    def create_chat_completion(self) -> Flow[None]:
        self.asked += 1
        yield Sleep(self.seconds)
        raise InternalServerError("slow and down", status_code=503)


def test_one_deadline_rules_all_hops(ask, failing):
    """What the first ones took is gone: where it runs out within a hop, no further one is asked."""
    slow, well = Slow(4.0), failing()
    layers = plan(slow, middleware=[Fallback(models={"m": ("n", "o", "other/p")})], backends={"other": well})
    driver = ScriptedDriver()

    with pytest.raises(DeadlineExceededError) as caught:
        run_call(layers, ask(), driver, timeout=10.0)

    assert slow.asked == 3
    assert well.asked == []
    assert driver.slept == [4.0, 4.0]
    assert len(caught.value.attempts) == 3
    assert [note.split(" failed")[0] for note in caught.value.__notes__] == [
        "fallback: before it 'm'",
        "fallback: before it 'n'",
    ]

    assert run_call(layers, ask(), timeout=12.5).id == "p"


def test_where_no_time_is_left_the_failure_is_told_as_it_is(ask, failing):
    """A failure with the last second is raised, and not the deadline in its place."""
    slow, well = Slow(10.0), failing()

    with pytest.raises(InternalServerError):
        run_call(plan(slow, middleware=[Fallback(models=models())], backends={"other": well}), ask(), timeout=10.0)

    assert well.asked == []


@pytest.mark.parametrize("error", [DeadlineExceededError(), PluginError("broken"), ZeroDivisionError("a bug")])
def test_what_is_no_failure_of_a_backend_goes_nowhere(ask, error: Exception):
    """The deadline, a broken plugin and a bug are not this layer's business."""
    hook = Fallback(models=models()).wrap_chat_completion(ask(), make_call())

    with pytest.raises(type(error)) as caught:
        run_flow(hook, inward=[error])

    assert caught.value is error


# -- names that lead nowhere, and layers that refuse -----------------------------------------------------------------


def test_a_next_name_that_leads_nowhere_is_told_with_its_table(ask, failing):
    """The last error names the name and the table, and a note tells what had failed before."""
    with pytest.raises(NotFoundError, match=r"'nowhere'.*the name 'nowhere/n' stands in `models` of") as caught:
        run_call(plan(failing("503"), middleware=[Fallback(models=models("nowhere/n"))]), ask())

    assert caught.value.code == "model_not_found"
    assert caught.value.stage == "not_sent"
    assert len(caught.value.attempts) == 1
    (note,) = caught.value.__notes__
    assert note == "fallback: before it 'm' failed: InternalServerError: down"


def test_a_next_name_that_leads_nowhere_is_passed_over(ask, failing):
    """The one after it is asked; if that fails too, a note tells of the name."""
    provider = failing("503", "429")
    layers = plan(provider, middleware=[Fallback(models=models("nowhere/n", "o"))])

    with pytest.raises(RateLimitError) as caught:
        run_call(layers, ask())

    assert provider.models == ["m", "o"]
    assert "stands in `models` of the middleware fallback" in caught.value.__notes__[1]
    assert run_call(layers, ask()).id == "m"


def test_the_hosts_own_name_that_leads_nowhere_is_not_blamed_on_the_table(ask, failing):
    """It may stand for a backend that is gone, and have next ones; without them its error is what it was."""
    layer = Fallback(models={"gone/m": ("n",), "lost/m": ("gone/m",)})

    assert run_call(plan(failing(), middleware=[layer]), ask("gone/m")).id == "n"
    with pytest.raises(NotFoundError) as caught:
        run_call(plan(failing(), middleware=[layer]), ask("lost/m"))
    assert "'gone/m' stands in" in str(caught.value)
    assert caught.value.__notes__ == ["fallback: before it 'lost/m' failed: NotFoundError: no backend is named 'lost'"]


def test_a_404_of_a_backend_is_not_blamed_on_the_table(ask, failing, kinds):
    """A backend that lacks the model says so in its own words."""
    with pytest.raises(NotFoundError) as caught:
        run_call(plan(failing("503", "404"), middleware=[Fallback(models=models("n"))]), ask())

    assert str(caught.value) == "no such model"


def test_a_provider_that_lacks_the_model_is_not_blamed_on_the_table(ask, failing):
    """One in this process knows before it sends anything; it was asked, so the name leads somewhere."""
    provider = failing("503", "404 before sending")

    with pytest.raises(NotFoundError) as caught:
        run_call(plan(provider, middleware=[Fallback(models=models("n"))]), ask())

    assert str(caught.value) == "no such file"


def test_a_404_of_a_layer_inside_is_not_blamed_on_the_table(ask, failing, kinds):
    """A recorded answer, say, is a backend's own words too."""
    layers = [Fallback(models=models("n")), Shut("n", kinds["404"]())]

    with pytest.raises(NotFoundError) as caught:
        run_call(plan(failing("503"), middleware=layers), ask())

    assert str(caught.value) == "no such model"


@attrs.define(eq=False)
class Shut:
    """Refuses one model, and asks no backend for it."""

    model: str
    error: APIError

    @hookimpl
    def wrap_chat_completion(self, request: Any) -> Flow[Any]:
        if request.model == self.model:
            raise self.error
        return (yield request)


def test_a_layer_inside_that_refuses_is_a_hop_like_any_other(ask, failing, kinds):
    """A limit or an open circuit of one model leads to the next; it makes no attempt, so only a note tells of it."""
    provider = failing("503")
    shut = Shut("m", kinds["circuit open"]())  # type: ignore[arg-type]  # an APIError

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(provider, middleware=[Fallback(models=models("n")), shut]), ask())

    assert [attempt.model for attempt in caught.value.attempts] == ["n"]
    assert caught.value.__notes__ == ["fallback: before it 'm' failed: APIConnectionError: open"]


def test_notes_hold_one_line_each_whatever_the_names(ask):
    """A name of the host's with line breaks in it makes no further line."""
    error = APIConnectionError("down", stage="not_sent")
    hook = Fallback(models={"m\nx": ("n",)}).wrap_chat_completion(ask("m\nx"), make_call())

    with pytest.raises(APIConnectionError):
        run_flow(hook, inward=[APIConnectionError("down", stage="not_sent"), error])

    assert error.__notes__ == ["fallback: before it 'm\\nx' failed: APIConnectionError: down"]


def test_a_stream_that_breaks_at_the_last_hop_is_told_so(ask, failing):
    """The last hop commits and breaks: the host gets its chunk, the break, and the note."""
    provider = failing("503", "stream broke", chunks=0)
    other = failing("stream broke", chunks=1)
    driver = ScriptedDriver()

    with pytest.raises(StreamInterruptedError) as caught:
        layers = plan(provider, middleware=[Fallback(models=models("other/n"))], backends={"other": other})
        run_call(layers, ask(stream=True), driver)

    assert caught.value.partial is not None
    assert len(driver.delivered) == 1
    assert caught.value.__notes__ == ["fallback: before it 'm' failed: InternalServerError: down"]


def test_a_fallback_within_a_fallback_asks_its_own_next_ones(ask, failing):
    """Listed twice, the inner one ends its chain first."""
    provider = failing(*["503"] * 4)
    layers = [Fallback(models={"m": ("n",)}), Fallback(models={"m": ("o",), "n": ("p",)})]

    with pytest.raises(InternalServerError):
        run_call(plan(provider, middleware=layers), ask())

    assert provider.models == ["m", "o", "n", "p"]
