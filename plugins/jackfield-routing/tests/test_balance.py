"""The balance, driven by the engine, by threads, and by hand."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import attrs
import pytest

from jackfield.engine import Engine
from jackfield.errors import CallCancelled, InternalServerError
from jackfield.flow import Deliver, Flow, Run
from jackfield.hookspecs import hookimpl
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield_routing import Balance, Fallback
from jackfield_routing.wheel import Wheel

ANSWER = CreateChatCompletionResponse(id="x", choices=[])


def chosen(layer: Balance, request: Any, count: int, **fields: Any) -> Iterator[str]:
    """The models of so many calls, one after another."""
    for _ in range(count):
        hook = layer.wrap_chat_completion(request, make_call(**fields))
        yield next(hook).model
        with suppress(StopIteration):
            hook.send(ANSWER)


def hold(layer: Balance, request: Any, **fields: Any) -> tuple[Flow[Any], str]:
    """A request that is in flight, and its model; closing the one ends the other."""
    hook = layer.wrap_chat_completion(request, make_call(**fields))
    return hook, next(hook).model


def test_weights_are_kept_exactly(ask):
    """Of 1,000 calls each model gets exactly its part."""
    layer = Balance(models={"m": {"a/x": 7, "b/x": 2, "c/x": 1}})

    assert Counter(chosen(layer, ask(), 1000)) == {"a/x": 700, "b/x": 200, "c/x": 100}


def test_each_name_has_a_turn_of_its_own(ask):
    """Calls for one name do not change whose turn it is for another."""
    layer = Balance(models={"m": {"a/x": 1, "b/x": 1}, "n": {"a/x": 1, "b/x": 1}})

    assert [next(chosen(layer, ask(name), 1)) for name in "mnmn"] == ["a/x", "a/x", "b/x", "b/x"]


def test_ten_threads_keep_the_weights_exactly(ask):
    """Whoever asks, of 10,000 calls in ten threads each model gets exactly its part."""
    layer, counts = Balance(models={"m": {"a/x": 5, "b/x": 3, "c/x": 2}}), []
    request = ask()

    threads = [threading.Thread(target=lambda: counts.append(Counter(chosen(layer, request, 1000)))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts, Counter()) == {"a/x": 5000, "b/x": 3000, "c/x": 2000}
    assert set(layer._in_flight.values()) == {0}


def test_the_chosen_model_is_asked_and_nothing_else_is_changed(ask, failing):
    """The request goes inward under another name; one for a name that is not in the table as it is."""
    request, provider, other = ask(seed=1, x_unknown=[1]), failing(), failing()
    layers = plan(provider, middleware=[Balance(models={"m": {"n": 1, "other/o": 1}})], backends={"other": other})

    assert [run_call(layers, request).id for _ in range(2)] == ["n", "o"]
    assert provider.asked[0] == attrs.evolve(request, model="n")

    plain = ask("z")
    run_call(layers, plain)
    assert provider.asked[1] is plain


def test_a_name_may_stand_behind_itself(ask):
    """``a/x`` may be shared out between ``a/x`` and another."""
    layer = Balance(models={"a/x": {"a/x": 1, "b/x": 1}})

    assert list(chosen(layer, ask("a/x"), 4)) == ["a/x", "b/x"] * 2


def test_a_model_of_weight_0_is_not_asked(ask):
    """Neither in turn, nor for having nothing in flight, nor for a label."""
    tables = {"m": {"a/x": 0, "b/x": 1}}

    for layer in (Balance(models=tables), Balance(models=tables, by="least-in-flight"), Balance(tables, sticky="user")):
        for number in range(20):
            assert list(chosen(layer, ask(), 1, labels={"user": str(number)})) == ["b/x"]


# -- least in flight -------------------------------------------------------------------------------------------------


def test_the_one_with_the_least_in_flight_is_asked(ask):
    """One that hangs gets nothing more while another is free."""
    layer = Balance(models={"m": {"a/x": 1, "b/x": 1}}, by="least-in-flight")
    hanging, model = hold(layer, ask())
    assert model == "a/x"

    assert set(chosen(layer, ask(), 5)) == {"b/x"}

    second, model = hold(layer, ask())
    assert model == "b/x"
    third, model = hold(layer, ask())
    fourth, other = hold(layer, ask())
    assert {model, other} == {"a/x", "b/x"}
    for hook in (hanging, second, third, fourth):
        hook.close()
    assert set(layer._in_flight.values()) == {0}


def test_what_is_in_flight_is_seen_beside_the_weight(ask):
    """One of weight 3 has three requests where one of weight 1 has one."""
    layer = Balance(models={"m": {"a/x": 3, "b/x": 1}}, by="least-in-flight")

    held = [hold(layer, ask()) for _ in range(40)]

    assert Counter(model for _, model in held) == {"a/x": 30, "b/x": 10}
    for hook, _ in held:
        hook.close()


def test_where_all_are_free_each_has_its_turn(ask):
    """Calls one after another are shared out by the weights."""
    layer = Balance(models={"m": {"a/x": 3, "b/x": 1}}, by="least-in-flight")

    assert Counter(chosen(layer, ask(), 1000)) == {"a/x": 750, "b/x": 250}


def test_what_is_in_flight_counts_for_all_names(ask):
    """A model that stands behind two names is as busy for the one as for the other."""
    layer = Balance(models={"m": {"a/x": 1}, "n": {"a/x": 1, "b/x": 1}}, by="least-in-flight")
    hook, _ = hold(layer, ask("m"))

    assert list(chosen(layer, ask("n"), 3)) == ["b/x"] * 3
    hook.close()


def test_twelve_threads_fill_three_models_evenly(ask):
    """Twelve calls at the same time are four for each; afterwards nothing is in flight."""
    layer = Balance(models={"m": {"a/x": 1, "b/x": 1, "c/x": 1}}, by="least-in-flight")
    seen: list[dict[str, int]] = []
    together = threading.Barrier(12, lambda: seen.append(dict(layer._in_flight)), timeout=30)

    @attrs.define(eq=False)
    class Meeting:
        @hookimpl
        def create_chat_completion(self, request: Any) -> Flow[Any]:
            yield Run(together.wait)
            return ANSWER

    layers = plan(Meeting(), middleware=[layer], backends={name: Meeting() for name in "abc"})
    threads = [threading.Thread(target=run_call, args=(layers, ask())) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [{"a/x": 4, "b/x": 4, "c/x": 4}]
    assert layer._in_flight == {"a/x": 0, "b/x": 0, "c/x": 0}


@pytest.mark.parametrize("sticky", [None, "user"])
@pytest.mark.parametrize("by", ["weight", "least-in-flight"])
def test_turns_and_counts_are_changed_by_one_thread_at_a_time(
    ask, monkeypatch: pytest.MonkeyPatch, by: str, sticky: str | None
):
    """The lock is held whenever one of them changes, and not while a request is in flight."""
    layer, seen = Balance(models={"m": {"a/x": 1, "b/x": 1}}, by=by, sticky=sticky), list[bool]()
    turn = Wheel.turn

    class Counts(dict[str, int]):
        def __setitem__(self, name: str, count: int) -> None:
            seen.append(layer._lock.locked())
            super().__setitem__(name, count)

    def guarded(*args: Any) -> str:
        seen.append(layer._lock.locked())
        return turn(*args)

    layer._in_flight = Counts(layer._in_flight)
    monkeypatch.setattr(Wheel, "turn", guarded)

    hook, _ = hold(layer, ask(), labels={"user": "anna"})
    assert not layer._lock.locked()
    hook.close()

    assert seen == [True] * (2 if sticky else 3)


@pytest.mark.parametrize("outcome", [ANSWER, InternalServerError("down"), ZeroDivisionError(), CallCancelled()])
def test_whatever_comes_of_it_it_is_no_longer_in_flight(ask, outcome: Any):
    """An answer, a failure, a bug and a host that leaves all end it."""
    layer = Balance(models={"m": {"a/x": 1}})
    hook = layer.wrap_chat_completion(ask(), make_call())

    if isinstance(outcome, BaseException):
        with pytest.raises(type(outcome)):
            run_flow(hook, inward=[outcome])
    else:
        assert run_flow(hook, inward=[outcome]) is ANSWER

    assert layer._in_flight == {"a/x": 0}


def test_a_stream_is_in_flight_until_it_ends(ask, failing):
    """It counts while the host takes chunks, and no longer once the host has closed it or has had all."""
    layer = Balance(models={"m": {"n": 1}})
    for close in (True, False):
        driver, request = ScriptedDriver(), ask(stream=True)
        engine = Engine(plan(failing(chunks=2), middleware=[layer]), make_call(driver, stream=True))
        effect = engine.begin_chat(request)
        while isinstance(effect, Deliver) and len(driver.delivered) < 2:
            assert layer._in_flight == {"n": 1}
            effect = driver.step(engine, effect)
        assert layer._in_flight == {"n": 1}
        if close:
            engine.cancel()
        else:
            while effect is not None:
                effect = driver.step(engine, effect)
        assert layer._in_flight == {"n": 0}


# -- sticky ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["weight", "least-in-flight"])
def test_the_same_value_goes_to_the_same_model(ask, by: str):
    """Whatever is in flight, and whoever else calls."""
    layer = Balance(models={"m": {"a/x": 1, "b/x": 1, "c/x": 1}}, by=by, sticky="user")
    people = [f"user-{number}" for number in range(30)]
    first = {person: next(chosen(layer, ask(), 1, labels={"user": person})) for person in people}
    held = [hold(layer, ask(), labels={"user": people[0]})[0] for _ in range(5)]

    for person in reversed(people):
        assert set(chosen(layer, ask(), 3, labels={"user": person})) == {first[person]}

    assert set(first.values()) == {"a/x", "b/x", "c/x"}
    for hook in held:
        hook.close()


@pytest.mark.parametrize("labels", [{}, {"user": ""}, {"team": "red"}])
def test_a_call_without_a_value_has_its_turn(ask, labels: dict[str, str]):
    """Without the label, or with an empty one, the way is ``by``."""
    layer = Balance(models={"m": {"a/x": 1, "b/x": 1}}, sticky="user")

    assert list(chosen(layer, ask(), 4, labels=labels)) == ["a/x", "b/x"] * 2


def test_a_value_that_is_no_text_is_taken_as_one(ask):
    """A host that gives a number gets what its text would get."""
    layer = Balance(models={"m": {"a/x": 1, "b/x": 1, "c/x": 1}}, sticky="user")

    for number in range(20):
        (one,) = chosen(layer, ask(), 1, labels={"user": number})
        assert [one] == list(chosen(layer, ask(), 1, labels={"user": str(number)}))


# -- with a fallback -------------------------------------------------------------------------------------------------


def test_with_a_fallback_inside_the_other_one_is_asked(ask, failing):
    """Each request goes to one of two, and to the other where that one fails."""
    down, well = failing(always="503"), failing()
    layers = plan(
        down,
        middleware=[
            Balance(models={"m": {"a/x": 1, "b/x": 1}}),
            Fallback(models={"a/x": ("b/x",), "b/x": ("a/x",)}),
        ],
        backends={"a": down, "b": well},
    )

    assert [run_call(layers, ask()).id for _ in range(4)] == ["x"] * 4
    assert (len(down.asked), len(well.asked)) == (2, 4)


def test_with_a_fallback_outside_the_next_name_may_be_shared_out_too(ask, failing):
    """A name of the table of ``balance`` is as good as any other."""
    well = failing()
    layers = plan(
        failing(always="503"),
        middleware=[Fallback(models={"m": ("spare",)}), Balance(models={"spare": {"a/x": 1, "b/y": 1}})],
        backends={"a": well, "b": well},
    )

    assert [run_call(layers, ask()).id for _ in range(4)] == ["x", "y"] * 2


def test_what_its_parent_has_in_flight_is_not_in_flight_in_a_forked_child(ask, monkeypatch):
    """It never ends there, and would weigh on its model for ever."""
    layer = Balance({"any": {"a/x": 1, "b/x": 1}}, by="least-in-flight")
    flows = [layer.wrap_chat_completion(ask("any"), make_call()) for _ in range(3)]
    assert [next(flow).model for flow in flows] == ["a/x", "b/x", "b/x"]
    monkeypatch.setattr("os.getpid", lambda: -1)
    flows += [layer.wrap_chat_completion(ask("any"), make_call()) for _ in range(2)]

    assert sorted(next(flow).model for flow in flows[3:]) == ["a/x", "b/x"]
    assert layer._in_flight == {"a/x": 1, "b/x": 1}
