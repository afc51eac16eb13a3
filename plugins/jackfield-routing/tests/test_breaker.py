"""The circuit breaker, driven by the engine with a clock of its own."""

from __future__ import annotations

import gc
import pickle
import threading
from typing import Any

import attrs
import pytest

from jackfield.engine import Engine
from jackfield.errors import (
    APIConnectionError,
    APIError,
    DeadlineExceededError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    StreamInterruptedError,
)
from jackfield.flow import Deliver, Flow, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield.wire import from_dict
from jackfield_routing import Balance, CircuitBreaker, Fallback
from jackfield_routing.circuit import Circuit
from jackfield_routing.circuits import MOST

ANSWER = CreateChatCompletionResponse(id="x", choices=[])
CHUNK = from_dict(
    {"id": "x", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]},
    CreateChatCompletionStreamResponse,
)
KEY = ("test", "m")


@attrs.define(eq=False)
class Bench:
    """Calls through one breaker, on one clock; ``fails`` says how the backend fails, or is None.

    The backend's name is ``test``, and ``other``'s is the same one's.
    """

    layer: CircuitBreaker
    kinds: Any
    ask: Any
    fails: str | None = None
    outside: tuple[object, ...] = ()
    inside: tuple[object, ...] = ()
    driver: ScriptedDriver = attrs.field(factory=ScriptedDriver)
    asked: list[str] = attrs.field(factory=list)
    plans: dict[Any, Any] = attrs.field(factory=dict)

    @hookimpl
    def create_chat_completion(self, request: Any) -> CreateChatCompletionResponse:
        self.asked.append(request.model)
        if self.fails is not None:
            error = self.kinds[self.fails]()
            raise error
        return ANSWER

    def call(self, model: str = "m", times: int = 1, **fields: Any) -> str:
        """What comes of the last of so many calls: ``answer``, or the error's code or class."""
        layers = self._layers()
        told = ""
        for _ in range(times):
            try:
                run_call(layers, self.ask(model), self.driver, **fields)
            except APIError as error:
                told = error.code or type(error).__name__
            else:
                told = "answer"
        return told

    def _layers(self) -> Any:
        around = (*self.outside, self.layer, *self.inside)
        if around not in self.plans:
            self.plans[around] = plan(self, middleware=around, backends={"other": self})
        return self.plans[around]

    def state(self, backend: str = "test", model: str = "m") -> str:
        return self.layer._circuits.state((backend, model))


@pytest.fixture
def bench(kinds, ask):
    """Makes a bench with a breaker of some settings."""

    def make(**settings: Any) -> Bench:
        return Bench(CircuitBreaker(**settings), kinds, ask)

    return make


def test_ten_calls_of_which_half_fail_open_it(bench):
    """Nine failures do not, ten calls with four failures do not, the fifth does."""
    one = bench()
    one.fails = "503"
    one.call(times=9)
    assert one.state() == "closed"
    one.call()
    assert one.state() == "open"

    two = bench()
    two.call(times=5)
    two.fails = "503"
    two.call(times=4)
    two.fails = None
    two.call(times=1)
    assert two.state() == "closed"
    two.fails = "503"
    two.call(times=2)
    assert two.state() == "open"


def test_failures_that_are_long_ago_do_not_count(bench):
    """Nine failures, and a tenth 30 s later, open nothing."""
    one = bench()
    one.fails = "503"
    one.call(times=9)
    one.driver.now += 30.0
    one.call()

    assert one.state() == "closed"


@pytest.mark.parametrize(
    "kind",
    ["429", "no quota", "400", "401", "403", "404", "408", "422", "too long", "unknown", "unsupported parameter"],
)
def test_what_is_no_trouble_of_the_backend_does_not_count(bench, kind: str):
    """A hundred of them open nothing, nor do they spare it: beside them ten failures do."""
    one = bench()
    one.fails = kind
    one.call(times=100)
    assert one.state() == "closed"

    one.fails = "503"
    one.call(times=10)
    assert one.state() == "open"


def test_an_open_circuit_refuses_before_anything_is_sent(bench, kinds, ask):
    """The error says so: its code, that nothing was sent or should be tried again, and when a probe will be."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    one.driver.now += 1.5
    layers = plan(one, middleware=[one.layer])

    with pytest.raises(APIConnectionError) as caught:
        run_call(layers, ask(), one.driver)

    error = caught.value
    assert (error.code, error.stage, error.should_retry, error.retry_after) == ("circuit_open", "not_sent", False, 3.5)
    assert (error.backend, error.model, error.attempts) == ("test", "m", ())
    assert str(error) == "the circuit of 'test/m' is open: too many calls failed (10 of 10); the next probe in 3.5 s"
    assert pickle.loads(pickle.dumps(error)).code == "circuit_open"
    assert len(one.asked) == 10


def test_it_is_open_for_5_s_and_then_twice_as_long_each_time(bench):
    """Each probe that fails opens it for 5, 10, 20 … and at most 300 s; one that succeeds begins anew."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    for seconds in (5, 10, 20, 40, 80, 160, 300, 300):
        one.driver.now += seconds - 0.25
        assert one.call() == "circuit_open"
        one.driver.now += 0.25
        assert one.call() == "InternalServerError"
        assert one.call() == "circuit_open"
    assert len(one.asked) == 18

    one.driver.now += 300
    one.fails = None
    assert one.call() == "answer"
    assert one.state() == "closed"

    one.fails = "503"
    one.call(times=10)
    one.driver.now += 5
    assert one.call() == "InternalServerError"


def test_after_it_has_closed_old_failures_do_not_count(bench):
    """Nine failures after a good probe open nothing."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    one.driver.now += 5
    one.fails = None
    one.call()
    one.fails = "503"
    one.call(times=9)

    assert one.state() == "closed"


@pytest.mark.parametrize("kind", ["429", "404", "unknown"])
def test_a_probe_that_is_refused_by_the_backend_closes_it(bench, kind: str):
    """The backend is there, which is what was asked."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    one.driver.now += 5
    one.fails = kind
    one.call()

    assert one.state() == "closed"


def test_an_outage_costs_few_requests(bench):
    """10,000 calls within 1,000 s of an outage are ten requests and one probe in each period; then one brings it back."""
    one = bench()
    one.fails = "503"
    for _ in range(10_000):
        one.call()
        one.driver.now += 0.1

    assert len(one.asked) == 10 + 8  # at 5, 15, 35, 75, 155, 315, 615 and 915 s
    one.fails = None
    one.driver.now += 300
    assert one.call(times=100) == "answer"
    assert len(one.asked) == 18 + 100


def test_models_have_circuits_of_their_own(bench):
    """One model of a backend that fails, and one of another, are no others' business."""
    one = bench()
    one.fails = "503"
    one.call("m", times=10)
    one.fails = None

    assert one.call("n") == "answer"
    assert one.call("other/m") == "answer"
    assert one.call("m") == "circuit_open"


def test_one_model_has_one_circuit_whatever_it_is_called(bench):
    """What leads to the same model of the same backend has the same circuit."""
    one = bench()
    one.fails = "503"
    one.call("m", times=5)
    one.call("test/m", times=5)

    assert one.call("m") == one.call("test/m") == "circuit_open"


def test_inside_a_backend_it_works_as_well(bench, ask):
    """There the circuits are those of its models."""
    one = bench()
    one.fails = "503"
    layers = plan(one, backend_middleware=[one.layer])
    for _ in range(10):
        with pytest.raises(InternalServerError):
            run_call(layers, ask(), one.driver)

    with pytest.raises(APIConnectionError, match="the circuit of 'test/m' is open"):
        run_call(layers, ask("test/m"), one.driver)


def test_a_name_that_leads_nowhere_has_no_circuit(bench):
    """The host's mistake is told as it is, however often, and leaves nothing behind."""
    one = bench(min_calls=1)

    assert one.call("nowhere/m", times=5) == "model_not_found"
    assert not one.layer._circuits._circuits


def test_made_up_names_do_not_fill_the_memory(bench):
    """A backend that answers to any name has no more than 1,024 circuits; the open one that is asked for stays."""
    one = bench()
    one.fails = "503"
    one.call(times=10)
    one.fails = None
    for number in range(3000):
        one.call(f"made-up-{number}")
        if number % 500 == 0:
            assert one.call() == "circuit_open"

    assert len(one.layer._circuits._circuits) == MOST


# -- probes ----------------------------------------------------------------------------------------------------------


def opened(bench: Any, **settings: Any) -> Any:
    """A bench whose circuit is due for a probe."""
    one = bench(min_calls=1, **settings)
    one.fails = "503"
    one.call()
    one.driver.now += 5
    one.fails = None
    return one


def standing(one: Any, stream: bool = False) -> tuple[Engine, Any]:
    """A call that stands at its first effect, and that effect."""
    provider = Standing(one.asked)
    engine = Engine(plan(provider, middleware=[one.layer]), make_call(one.driver, stream=stream, timeout=1000.0))
    return engine, engine.begin_chat(one.ask(stream=stream))


@attrs.define(eq=False)
class Standing:
    """Waits a second before it begins to answer, and another one before the end."""

    asked: list[str]

    @hookimpl
    def create_chat_completion(self, request: Any) -> Flow[Any]:
        self.asked.append(request.model)
        yield Sleep(1.0)
        if request.stream is not True:
            return ANSWER
        yield Deliver([CHUNK])
        yield Sleep(1.0)
        yield Deliver([CHUNK], last=True)
        return None


def test_one_probe_at_a_time(bench):
    """While it is under way others are refused, without a time at which to come again."""
    one = opened(bench)
    engine, effect = standing(one)

    with pytest.raises(APIConnectionError, match="a probe is under way") as caught:
        run_call(plan(one, middleware=[one.layer]), one.ask(), one.driver)
    assert caught.value.retry_after is None
    assert caught.value.code == "circuit_open"

    while effect is not None:
        effect = one.driver.step(engine, effect)
    assert engine.result() is ANSWER
    assert one.call() == "answer"


@pytest.mark.parametrize("stream", [False, True])
def test_a_probe_that_was_cancelled_lets_the_next_one_through(bench, stream: bool):
    """It says nothing: the circuit stays half-open, and is not open for longer."""
    one = opened(bench)
    engine, _ = standing(one, stream)
    assert one.call() == "circuit_open"

    engine.cancel()

    assert one.state() == "half-open"
    assert one.call() == "answer"
    assert one.state() == "closed"


def test_a_stream_that_has_begun_closes_the_circuit(bench):
    """The first chunk of a probe is proof enough for others; how the stream ends counts like any other call."""
    one = opened(bench)
    engine, effect = standing(one, stream=True)
    while not one.driver.delivered:
        effect = one.driver.step(engine, effect)

    assert one.call() == "answer"
    assert one.state() == "closed"

    one.driver.now += 1
    engine.fail(StreamInterruptedError("broke"))
    assert engine.done
    assert one.layer._circuits._circuits[KEY]._window.failures == 1


def test_a_stream_that_ends_well_closes_the_circuit(bench):
    """Where nobody else came meanwhile."""
    one = opened(bench)
    engine, effect = standing(one, stream=True)
    while effect is not None:
        effect = one.driver.step(engine, effect)

    assert one.state() == "closed"


def test_what_began_before_it_opened_says_nothing_any_more(bench):
    """Late successes do not close it, and late failures do not keep it open for longer, nor count later."""
    one = bench(min_calls=1, failure_ratio=1.0)
    late = [standing(one) for _ in range(3)]
    one.fails = "503"
    one.call()
    assert one.state() == "open"

    engine, effect = late[0]
    one.driver.step(engine, effect)
    assert one.state() == "open"
    until = one.layer._circuits._circuits[KEY].until
    late[1][0].fail(APIConnectionError("reset"))
    assert one.layer._circuits._circuits[KEY].until == until

    one.driver.now += 5
    one.fails = None
    one.call()
    late[2][0].fail(APIConnectionError("reset"))
    assert one.state() == "closed"


@pytest.mark.parametrize(("timeout", "state"), [(0.5, "open"), (1.5, "closed")])
def test_a_backend_that_hangs_until_the_deadline_has_failed(bench, timeout: float, state: str):
    """Where nothing had come; one whose stream had begun was only given too little time."""
    one = bench(min_calls=1)
    layers = plan(Standing(one.asked), middleware=[one.layer])

    with pytest.raises(DeadlineExceededError):
        run_call(layers, one.ask(stream=True), one.driver, timeout=timeout)

    assert one.state() == state


def test_an_answer_from_a_layer_inside_says_nothing(bench):
    """It closes no circuit, and counts for none."""

    @attrs.define(eq=False)
    class Canned:
        on: bool = False

        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            return ANSWER if self.on else (yield request)

    canned = Canned()
    one = opened(bench)
    one.inside = (canned,)
    canned.on = True
    assert one.call() == "answer"

    assert one.state() == "half-open"


# -- with others -----------------------------------------------------------------------------------------------------


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


def test_with_a_fallback_outside_the_next_model_is_asked_at_once(bench, kinds, ask):
    """Once the first model's circuit is open its backend is left alone."""
    one = bench()
    one.outside = (Fallback(models={"m": ("other/n",)}),)
    down, well = Failing(kinds), Failing(kinds)
    down.fails = "503"
    layers = plan(down, middleware=[*one.outside, one.layer], backends={"other": well})

    for _ in range(100):
        assert run_call(layers, ask(), one.driver) is ANSWER

    assert (down.asked, well.asked) == (10, 100)


@attrs.define(eq=False)
class Failing:
    """Fails as it is told, and counts."""

    kinds: Any
    fails: str | None = None
    asked: int = 0

    @hookimpl
    def create_chat_completion(self) -> CreateChatCompletionResponse:
        self.asked += 1
        if self.fails is not None:
            error = self.kinds[self.fails]()
            raise error
        return ANSWER


def test_a_refusal_after_another_attempt_tells_its_own_backend(bench, kinds, ask):
    """The error of an open circuit does not blame the backend that was asked before it."""
    one = bench(min_calls=1)
    down = Failing(kinds, "503")
    layers = plan(down, middleware=[Fallback(models={"m": ("other/n",)}), one.layer], backends={"other": down})
    with pytest.raises(InternalServerError):
        run_call(layers, ask(), one.driver)
    one.driver.now += 5
    with pytest.raises(InternalServerError):
        run_call(layers, ask("m"), one.driver)

    one.driver.now += 5.0
    one.layer._circuits._circuits[KEY].until = one.driver.now
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
    assert inner._circuits.state(KEY) == "open"


def test_a_hook_that_is_driven_by_hand_has_a_circuit_too(ask):
    """Without an engine the model's name is all there is."""
    layer = CircuitBreaker(min_calls=1)

    with pytest.raises(RateLimitError):
        run_flow(layer.wrap_chat_completion(ask(), make_call()), inward=[RateLimitError("no", status_code=429)])

    assert layer._circuits.state(("", "m")) == "closed"


def test_a_bug_of_a_layer_inside_says_nothing(bench):
    """An exception that is none of jackfield's passes through, and frees the probe."""

    @attrs.define(eq=False)
    class Broken:
        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            raise ZeroDivisionError("a bug")
            yield

    one = opened(bench)
    one.inside = (Broken(),)
    with pytest.raises(ZeroDivisionError):
        one.call()
    one.inside = ()

    assert one.call() == "answer"


def test_what_a_layer_inside_refuses_after_another_attempt_says_nothing(bench, kinds, ask):
    """The attempt was another model's."""

    @attrs.define(eq=False)
    class Shut:
        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            if request.model == "other/n":
                raise InternalServerError("shut", status_code=503)
            return (yield request)

    one = bench(min_calls=1)
    one.fails, one.outside, one.inside = "503", (Fallback(models={"m": ("other/n",)}),), (Shut(),)
    assert one.call() == "InternalServerError"

    assert one.state("test", "m") == "open"
    assert one.state("other", "n") == "closed"


def test_a_probe_that_has_not_come_to_its_backend_is_under_way(bench, ask):
    """A layer inside may let it wait."""

    @attrs.define(eq=False)
    class Waits:
        @hookimpl
        def wrap_chat_completion(self, request: Any) -> Flow[Any]:
            yield Sleep(1.0)
            return (yield request)

    one = opened(bench)
    one.inside = (Waits(),)
    engine = Engine(one._layers(), make_call(one.driver))
    engine.begin_chat(ask())

    assert one.call() == "circuit_open"
    engine.cancel()


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


def test_ten_threads_send_one_probe(bench, ask):
    """However many come at the same time."""
    one = opened(bench)
    start, told = threading.Barrier(10), []
    gate = threading.Event()

    @attrs.define(eq=False)
    class Held:
        asked: int = 0

        @hookimpl
        def create_chat_completion(self) -> CreateChatCompletionResponse:
            self.asked += 1
            gate.wait(30)
            return ANSWER

    held = Held()
    layers = plan(held, middleware=[one.layer])

    def call() -> None:
        start.wait(30)
        try:
            run_call(layers, ask(), ScriptedDriver())
        except APIConnectionError as error:
            told.append(error.code)
            if len(told) == 9:
                gate.set()

    one.layer._circuits._circuits[KEY].until = 0.0
    threads = [threading.Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert held.asked == 1
    assert told == ["circuit_open"] * 9
    assert one.state() == "closed"


def test_nothing_is_kept_of_a_probe_that_has_ended(bench):
    """A circuit that was closed by a stream under way lets its call go."""
    one = opened(bench)
    engine, effect = standing(one, stream=True)
    while not one.driver.delivered:
        effect = one.driver.step(engine, effect)
    one.call()
    circuit = one.layer._circuits._circuits[KEY]
    gc.collect()

    assert circuit._probe is None
    engine.cancel()


def test_an_unknown_backend_is_told_as_it_is(bench, ask):
    """The error passes through with its own message."""
    one = bench()

    with pytest.raises(NotFoundError, match="no backend is named 'nowhere'"):
        run_call(plan(one, middleware=[one.layer]), ask("nowhere/m"), one.driver)
