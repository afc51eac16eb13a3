"""The circuit breaker with others: groups, and the layers around it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import attrs
import pytest

from jackfield.errors import (
    APIConnectionError,
    APIError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.testing import make_call, plan, run_call, run_flow
from jackfield_routing import Balance, CircuitBreaker, Fallback
from jackfield_routing.circuit import Circuit
from jackfield_routing.destination import Destination


def test_of_a_group_one_stays_closed(bench):
    """The first that fails is refused; the other one is asked, though it fails too, until the first is back."""
    one = bench(groups=[["m", "other/n"]])
    one.fails = "503"
    one.call("m", times=20)
    assert one.call("m") == "circuit_open"

    assert one.call("other/n", times=50) == "InternalServerError"
    assert one.state("other", "n") == "closed"

    one.driver.now += 5
    one.fails = None
    one.call("m")
    one.fails = "503"
    one.call("other/n")
    assert one.call("other/n") == "circuit_open"


def test_in_no_group_a_circuit_opens_whatever_others_are(bench):
    """A model that nothing stands for is given its rest."""
    one = bench(groups=[["m", "other/n"]])
    one.fails = "503"
    for model in ("m", "other/o", "other/p"):
        one.call(model, times=20)
        assert one.call(model) == "circuit_open"


def test_a_name_of_a_group_that_leads_nowhere_stands_for_nothing(bench):
    """It is no other one that could be asked."""
    one = bench(groups=[["m", "nowhere/n"]])
    one.fails = "503"

    assert one.call("m", times=30) == "InternalServerError"


def test_with_a_fallback_outside_the_next_model_is_asked_at_once(bench, failing, ask):
    """Once the first model's circuit is open its backend is left alone."""
    one = bench()
    one.outside = (Fallback(models={"m": ("other/n",)}),)
    down, well = failing(always="503"), failing()
    layers = plan(down, middleware=[*one.outside, one.layer], backends={"other": well})

    for _ in range(100):
        assert run_call(layers, ask(), one.driver).id == "n"

    assert (len(down.asked), len(well.asked)) == (10, 100)


def test_a_refusal_after_another_attempt_tells_its_own_backend(bench, failing, ask):
    """The error of an open circuit does not blame the backend that was asked before it."""
    one = bench(min_calls=1)
    down = failing(always="503")
    layers = plan(down, middleware=[Fallback(models={"m": ("other/n",)}), one.layer], backends={"other": down})
    with pytest.raises(InternalServerError):
        run_call(layers, ask(), one.driver)
    one.driver.now += 5
    with pytest.raises(InternalServerError):
        run_call(layers, ask("m"), one.driver)

    one.driver.now += 5.0
    one.circuit.until = one.driver.now
    with pytest.raises(APIConnectionError) as caught:
        run_call(layers, ask(), one.driver)

    assert [attempt.backend.name for attempt in caught.value.attempts] == ["test"]
    assert (caught.value.backend, caught.value.model) == ("other", "n")


def test_a_model_that_is_chosen_inside_is_not_this_ones(bench):
    """Listed outside of ``balance`` it knows only the name of the table, which leads nowhere: it does nothing."""
    one = bench(min_calls=1)
    one.inside = (Balance(models={"nowhere/pool": {"m": 1}}),)
    one.fails = "503"

    assert one.call("nowhere/pool", times=20) == "InternalServerError"
    one.fails = None
    assert one.call("nowhere/pool") == "answer"
    assert not one.layer._circuits._circuits


def test_two_breakers_do_not_count_each_other(bench):
    """What the inner one refuses is no failure for the outer one."""
    one = bench()
    inner = CircuitBreaker(min_calls=1)
    one.inside = (inner,)
    one.fails = "503"
    one.call(times=100)

    assert len(one.asked) == 1
    assert one.state() == "closed"
    assert inner._circuits.state(Destination("test", "m")) == "open"


def test_a_hook_that_is_driven_by_hand_has_a_circuit_too(ask):
    """Without an engine the model's name is all there is."""
    layer = CircuitBreaker(min_calls=1)

    with pytest.raises(RateLimitError):
        run_flow(layer.wrap_chat_completion(ask(), make_call()), inward=[RateLimitError("no", status_code=429)])

    assert layer._circuits.state(Destination("", "m")) == "closed"


def test_what_a_layer_inside_refuses_after_another_attempt_says_nothing(bench, shut):
    """The attempt was another model's."""
    one = bench(min_calls=1)
    one.fails, one.outside, one.inside = "503", (Fallback(models={"m": ("other/n",)}),), (shut("other/n", "503"),)
    assert one.call() == "InternalServerError"

    assert one.state("test", "m") == "open"
    assert one.state("other", "n") == "closed"


def test_a_circuit_is_looked_at_and_changed_by_one_thread_at_a_time(bench, monkeypatch: pytest.MonkeyPatch):
    """Whatever it is asked and told, the lock is held; and it is not held while a request is under way."""
    one = bench(min_calls=1)
    lock, seen = one.layer._circuits._lock, []

    def guarded(method: Any) -> Any:
        def guard(*args: Any) -> Any:
            seen.append(lock.locked())
            return method(*args)

        return guard

    for name in ("__init__", "enter", "leave"):
        monkeypatch.setattr(Circuit, name, guarded(getattr(Circuit, name)))
    one.fails = "503"
    monkeypatch.setitem(one.kinds, "503", lambda: InternalServerError("free" if not lock.locked() else "held"))
    with pytest.raises(InternalServerError, match="free"):
        run_call(one._layers(), one.ask(), one.driver)
    one.call()

    assert seen == [True] * 4


def test_an_unknown_backend_is_told_as_it_is(bench, ask):
    """The error passes through with its own message."""
    one = bench()

    with pytest.raises(NotFoundError, match="no backend is named 'nowhere'"):
        run_call(plan(one, middleware=[one.layer]), ask("nowhere/m"), one.driver)


@attrs.define(eq=False)
class Again:
    """Asks again, as often as the error does not forbid it."""

    seen: list[APIError] = attrs.field(factory=list)

    @hookimpl
    def wrap_chat_completion(self, request: Any) -> Flow[Any]:
        while True:
            try:
                response = yield request
            except APIError as error:
                self.seen.append(error)
                if error.should_retry is False:
                    raise
            else:
                return response


def test_a_circuit_that_opens_during_a_call_does_not_hide_why(bench, failing, ask):
    """The host gets the failure that opened it, and a note of the circuit."""
    one, again = bench(min_calls=2), Again()
    down = failing(always="503")
    layers = plan(down, middleware=[again, one.layer])

    with pytest.raises(InternalServerError) as caught:
        run_call(layers, ask(), one.driver)

    error = caught.value
    assert (error.status_code, error.should_retry, len(error.attempts)) == (503, False, 2)
    assert (error.backend, error.model) == ("test", "m")
    (note,) = error.__notes__
    assert note == (
        "circuit-breaker: not asked again: the circuit of 'test/m' is open: too many calls failed (2 of 2); "
        "the next probe in 5.0 s"
    )
    assert [each.should_retry for each in again.seen] == [None, None, False]
    assert not hasattr(again.seen[1], "__notes__")
    assert pickle.loads(pickle.dumps(error)).__notes__ == error.__notes__


def test_the_next_call_is_told_of_the_circuit_alone(bench, failing, ask):
    """It has no failure of its own."""
    one = bench(min_calls=1)
    layers = plan(failing(always="503"), middleware=[Again(), one.layer])
    with pytest.raises(InternalServerError):
        run_call(layers, ask(), one.driver)

    with pytest.raises(APIConnectionError, match=r"^the circuit of 'test/m' is open"):
        run_call(layers, ask(), one.driver)


@attrs.define(eq=False)
class Full:
    """Lets a call's first request through, and refuses the others, while something else happens."""

    meanwhile: Callable[[], object]

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Flow[Any]:
        if call.attempts:
            self.meanwhile()
            raise RateLimitError("full", stage="not_sent")
        return (yield request)


def test_the_failure_that_is_told_again_is_that_of_the_last_attempt(bench, ask):
    """What a layer inside refused after it, without an attempt, is not what opened the circuit."""
    one, again = bench(min_calls=2), Again()
    one.fails = "503"

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(one, middleware=[again, one.layer, Full(one.call)]), ask(), one.driver)

    assert [type(each) for each in again.seen] == [InternalServerError, RateLimitError, InternalServerError]
    assert "the circuit of 'test/m' is open" in caught.value.__notes__[0]


@pytest.mark.parametrize("inside", [[], [Fallback(models={"n": ("o",)})]], ids=["without notes", "with notes"])
def test_a_failure_that_is_told_again_has_the_notes_of_layers_inside(failing, ask, inside: list[Fallback]):
    """What layers outside wrote on it the first time, they write on it anew."""
    layers = [Again(), Fallback(models={"m": ("n",)}), CircuitBreaker(min_calls=1), *inside]

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(failing(always="503"), middleware=layers), ask())

    assert [note.split(" is open")[0] for note in caught.value.__notes__] == [
        *["fallback: before it 'n' failed: InternalServerError: down"] * len(inside),
        "circuit-breaker: not asked again: the circuit of 'test/n'",
        "fallback: before it 'm' failed: APIConnectionError: the circuit of 'test/m'",
    ]


def test_a_failure_that_is_told_twice_again_has_one_note_of_the_circuit(failing, ask):
    """A layer outside that asks on and on does not make it longer."""

    @attrs.define(eq=False)
    class Thrice:
        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            for _ in range(2):
                with suppress(APIError):
                    return (yield request)
            return (yield request)

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(failing("503"), middleware=[Thrice(), CircuitBreaker(min_calls=1)]), ask())

    assert len(caught.value.__notes__) == 1
