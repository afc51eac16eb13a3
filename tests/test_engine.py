"""The engine: layers, routing, outcomes, and what it says of layers that break the contract."""

from __future__ import annotations

import contextvars
import itertools

import attrs
import pytest
from engine_fakes import (
    Driven,
    HttpLayer,
    Layer,
    Provider,
    Recorder,
    Retry,
    answer,
    ask,
    in_turn,
    said,
    sending,
    streaming,
)

from jackfield import (
    Acquire,
    APIConnectionError,
    CallCancelled,
    DeadlineExceededError,
    Deliver,
    Gate,
    HttpRequest,
    InternalServerError,
    NotFoundError,
    PluginError,
    Run,
    Send,
    Sleep,
    hookimpl,
)
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.engine import Engine
from jackfield.flow import Effect
from jackfield.http import Timeouts
from jackfield.models import Model
from jackfield.testing import Echo, make_call, plan, run_call


def test_a_call_without_layers_returns_what_the_provider_returns():
    """A provider's flow is the whole call where nothing stands around it."""
    assert said(run_call(plan(in_turn(answer("yes"))), ask())) == "yes"


def test_hook_create_chat_completion_may_be_a_plain_function_that_returns_the_response():
    """A provider that needs no effect may return the response itself."""
    provider = Provider(lambda request, call: answer(request.messages[0].content))
    assert said(run_call(plan(provider), ask("ping"))) == "ping"


def test_hook_wrap_chat_completion_runs_outermost_first_and_back():
    """What stands before the yield runs on the way in, what stands after it on the way out."""
    seen = []

    def layer(name):
        def flow(request, call):
            seen.append(f"{name} in")
            response = yield request
            seen.append(f"{name} out")
            return response

        return Layer(flow)

    host, own = [layer("a"), layer("b")], [layer("c")]
    run_call(plan(Echo(), middleware=host, backend_middleware=own), ask())
    assert seen == ["a in", "b in", "c in", "c out", "b out", "a out"]


def test_a_layer_may_change_request_and_response():
    """The next layer gets what was yielded, the layer outside what was returned."""

    def flow(request, call):
        response = yield attrs.evolve(request, model="changed")
        return attrs.evolve(response, id="changed too")

    provider = in_turn(answer())
    assert run_call(plan(provider, middleware=[Layer(flow)]), ask()).id == "changed too"
    assert provider.requests[0].model == "changed"


def test_a_layer_may_answer_by_itself():
    """A layer that does not yield answers, and nobody inside is asked."""

    def flow(request, call):
        return answer("cached")
        yield

    provider = in_turn()
    assert said(run_call(plan(provider, middleware=[Layer(flow)]), ask())) == "cached"
    assert provider.requests == []


def test_asking_again_gives_each_layer_inside_a_fresh_generator():
    """A retry outside begins the layers inside anew, and each request they pass has its own outcome."""
    inner = Recorder()
    provider = in_turn(InternalServerError("one"), APIConnectionError("two"), answer("three"))
    assert said(run_call(plan(provider, middleware=[Retry(), inner]), ask())) == "three"
    assert inner.passed == 3
    assert inner.words == ["InternalServerError", "APIConnectionError", "three"]


def test_each_request_of_a_host_layer_is_routed_anew():
    """Fallback to another backend is a request with another model name."""

    def fallback(request, call):
        try:
            return (yield request)
        except InternalServerError:
            return (yield attrs.evolve(request, model="other/big"))

    other = in_turn(answer("from the other"))
    the_plan = plan(in_turn(InternalServerError("down")), middleware=[Layer(fallback)], backends={"other": other})
    response = run_call(the_plan, ask(model="test/small"))
    assert said(response) == "from the other"
    assert other.requests[0].model == "big"


def test_layers_of_the_host_see_its_name_and_those_of_a_backend_the_backends_own():
    """Routing happens between the layers of the host and those of the backend."""
    names = []

    def flow(request, call):
        names.append(request.model)
        return (yield request)

    run_call(plan(Echo(), middleware=[Layer(flow)], backend_middleware=[Layer(flow)]), ask(model="test/m"))
    assert names == ["test/m", "m"]


def test_a_layer_of_a_backend_cannot_leave_it():
    """A model name with another backend in it is only a model name inside a backend."""

    def flow(request, call):
        return (yield attrs.evolve(request, model="other/m"))

    mine, other = in_turn(answer("mine")), in_turn()
    the_plan = plan(mine, backend_middleware=[Layer(flow)], backends={"other": other})
    assert said(run_call(the_plan, ask())) == "mine"
    assert mine.requests[0].model == "other/m"


def test_an_unknown_model_is_the_calls_error_without_layers():
    """A call that no backend answers for fails before anything began."""
    with pytest.raises(NotFoundError, match="no backend is named 'nobody'"):
        run_call(plan(Echo()), ask(model="nobody/m"))


def test_an_unknown_model_is_the_outcome_of_the_request_that_asked_for_it():
    """A layer that asks for an unknown backend gets the error where it yielded, and may go on."""

    def flow(request, call):
        try:
            return (yield attrs.evolve(request, model="nobody/m"))
        except NotFoundError:
            return (yield request)

    assert said(run_call(plan(Echo(), middleware=[Layer(flow)]), ask("still"))) == "still"


def test_effects_of_layers_go_to_the_driver_and_their_results_come_back():
    """A layer is sent what its effect gave, whatever stands inside or outside."""
    gate = Gate(1)

    def flow(request, call):
        yield Sleep(2)
        yield Acquire(gate)
        text = yield Run(str.upper, "run")
        gate.release()
        response = yield request
        return attrs.evolve(response, id=text)

    driver = ScriptedDriver()
    assert run_call(plan(Echo(), middleware=[Retry(), Layer(flow)]), ask(), driver).id == "RUN"
    assert [type(effect) for effect in driver.effects] == [Sleep, Acquire, Run]
    assert driver.slept == [2]


def test_a_layers_own_send_passes_no_layers():
    """Only a provider's ``Send`` passes through ``wrap_http``; a middleware's goes straight to the driver."""
    wrapped = []

    def http(http_request, call):
        wrapped.append(http_request.url)
        return (yield http_request)

    def chat(request, call):
        yield Send(HttpRequest("GET", "https://token.example/"))
        return (yield request)

    driver = ScriptedDriver([Reply(blocks=[b"token"]), Reply(blocks=[b"body"])])
    the_plan = plan(Provider(sending), middleware=[Layer(chat)], backend_middleware=[HttpLayer(http)])
    assert said(run_call(the_plan, ask(), driver)) == "200 body"
    assert wrapped == ["https://api.example/v1/chat"]
    assert driver.unreleased == []


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (lambda request, call: None, "wrap_chat_completion must be a generator function, but returned None"),
        (lambda request, call: answer(), "must be a generator function, but returned CreateChatCompletionResponse"),
        (lambda request, call: (x for x in [42]), "yielded int, which is not a thing it may ask for"),
        (lambda request, call: (x for x in [HttpRequest("GET", "http://x/")]), "yielded HttpRequest"),
        (lambda request, call: (x for x in [Effect()]), "yielded Effect"),
        (lambda request, call: (x for x in [Deliver([])]), "yielded Deliver, which only a provider may"),
        (lambda request, call: (x for x in ()), "returned NoneType, expected CreateChatCompletionResponse"),
    ],
)
def test_a_layer_that_breaks_the_contract_is_named_with_its_distribution(flow, words):
    """What a layer may not return or yield is a ``PluginError``, and the layers outside get it."""
    outer = Recorder()
    with pytest.raises(PluginError, match=r"^layer#1 \(Layer of this program\): ") as caught:
        run_call(plan(Echo(), middleware=[outer, Layer(flow)]), ask())
    assert words in str(caught.value)
    assert outer.outcomes == [caught.value]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (None, "create_chat_completion must be a generator function, but returned None"),
        ("text", "but returned str"),
        (lambda request, call: (x for x in ()), "returned NoneType, which is not an answer"),
        (lambda request, call: (x for x in [request]), "yielded CreateChatCompletionRequest"),
        (lambda request, call: (x for x in [Send("http://x/")]), "yielded Send of str, which is no HttpRequest"),
        (streaming("a"), "yielded Deliver for a request that asks for no stream"),
    ],
)
def test_a_provider_that_breaks_the_contract_is_named_and_its_attempt_fails(result, words):
    """The attempt of a provider that gives no answer is entered as an error."""
    driven = Driven(plan(in_turn(result))).begin(ask())
    with pytest.raises(PluginError, match=r"^provider \(Provider of this program\): ") as caught:
        driven.finish()
    assert words in str(caught.value)
    assert driven.engine.call.attempts[0].outcome == "error"


def test_a_plugin_error_is_no_api_error_so_that_retries_let_it_pass():
    """A broken plugin is not asked again by a layer that repeats failures of backends."""
    provider = in_turn(None, answer())
    with pytest.raises(PluginError):
        run_call(plan(provider, middleware=[Retry(kinds=APIConnectionError)]), ask())
    assert len(provider.requests) == 1


def test_a_foreign_exception_passes_unchanged_with_one_note_naming_its_layer():
    """The layer that raised it is named once, however many layers it passes."""
    error = ValueError("of a library")

    def flow(request, call):
        raise error
        yield

    with pytest.raises(ValueError, match="of a library") as caught:
        run_call(plan(Echo(), middleware=[Recorder(), Recorder(), Layer(flow)]), ask())
    assert caught.value is error
    assert error.__notes__ == ["raised in layer#2 (Layer of this program)"]


def test_a_foreign_exception_raised_again_by_another_layer_keeps_its_first_note():
    """A layer that raises the exception of a layer inside again later is not blamed for it."""

    def outer(request, call):
        try:
            return (yield request)
        except ValueError as error:
            kept = error
        yield Sleep(1)
        raise kept

    with pytest.raises(ValueError, match="inner") as caught:
        run_call(plan(in_turn(ValueError("inner")), middleware=[Layer(outer)]), ask())
    assert caught.value.__notes__ == ["raised in provider (Provider of this program)"]


def test_our_own_errors_carry_no_note():
    """Errors of jackfield tell by themselves where they come from."""
    with pytest.raises(InternalServerError) as caught:
        run_call(plan(in_turn(InternalServerError("down")), middleware=[Recorder()]), ask())
    assert not hasattr(caught.value, "__notes__")


def test_an_error_tells_backend_model_and_all_attempts():
    """What reaches the host carries the ledger of the call, and who answered last."""
    provider = in_turn(InternalServerError("one"), InternalServerError("two"))
    with pytest.raises(InternalServerError, match="two") as caught:
        run_call(plan(provider, middleware=[Retry(times=2)]), ask(model="test/m"))
    assert (caught.value.backend, caught.value.model) == ("test", "m")
    assert [attempt.error for attempt in caught.value.attempts] == [
        "InternalServerError: one",
        "InternalServerError: two",
    ]


def test_a_layer_may_turn_an_error_into_an_answer():
    """What a layer returns after an error is a success for those outside."""

    def flow(request, call):
        try:
            return (yield request)
        except InternalServerError:
            return answer("sorry")

    outer = Recorder()
    assert said(run_call(plan(in_turn(InternalServerError("x")), middleware=[outer, Layer(flow)]), ask())) == "sorry"
    assert outer.words == ["sorry"]


def test_a_failed_effect_is_raised_where_it_was_yielded():
    """A layer may deal with what its own effect raised."""

    def fail():
        raise OSError("disk")

    def flow(request, call):
        with pytest.raises(OSError, match="disk"):
            yield Run(fail)
        return (yield request)

    assert said(run_call(plan(Echo(), middleware=[Layer(flow)]), ask("on"))) == "on"


def test_a_run_function_that_raises_call_cancelled_does_not_reach_the_host_with_it():
    """Only the engine may raise ``CallCancelled``, so the host never sees one."""

    def fake():
        raise CallCancelled

    def flow(request, call):
        yield Run(fake)
        return (yield request)

    with pytest.raises(PluginError, match="a Run function: raised CallCancelled, which only the engine may"):
        run_call(plan(Echo(), middleware=[Layer(flow)]), ask())


def test_hook_list_models_is_a_flow_through_the_http_layers():
    """The list of models passes through ``wrap_http`` like a completion, and is an attempt."""

    @attrs.define(eq=False)
    class Lister(Provider):
        @hookimpl
        def list_models(self, call):
            yield Send(HttpRequest("GET", "https://api.example/v1/models"))
            return [Model(id="one")]

    headers = []

    def http(http_request, call):
        response = yield http_request.with_headers({"authorization": "Bearer x"})
        headers.append(response.status)
        return response

    the_plan = plan(Lister(lambda request, call: None), backend_middleware=[HttpLayer(http)])
    driver = ScriptedDriver([Reply()])
    engine = Engine(the_plan, make_call(driver))
    assert driver.run(engine, engine.begin_models(the_plan.routes["test"])) == [Model(id="one")]
    assert headers == [200]
    assert driver.requests[0].headers == {"authorization": "Bearer x"}
    assert engine.call.attempts[0].outcome == "success"
    assert driver.unreleased == []


def test_hook_list_models_may_be_a_plain_function():
    """A provider that knows its models returns them."""
    driver, the_plan = ScriptedDriver(), plan(Echo(models=["a", "b"]))
    engine = Engine(the_plan, make_call(driver))
    models = driver.run(engine, engine.begin_models(the_plan.routes["test"]))
    assert [model.id for model in models] == ["a", "b"]


def test_hook_list_models_that_gives_no_list_breaks_the_contract():
    """A flow that returns something else than a list is a ``PluginError``."""

    @attrs.define(eq=False)
    class Broken(Provider):
        @hookimpl
        def list_models(self):
            return None
            yield

    driver, the_plan = ScriptedDriver(), plan(Broken(lambda request, call: None))
    engine = Engine(the_plan, make_call(driver))
    with pytest.raises(PluginError, match="returned NoneType, which is not an answer"):
        driver.run(engine, engine.begin_models(the_plan.routes["test"]))


def test_a_provider_without_list_models_says_so():
    """Asking a provider for models that it cannot list is an error that names it."""
    driver, the_plan = ScriptedDriver(), plan(in_turn())
    engine = Engine(the_plan, make_call(driver))
    with pytest.raises(PluginError, match="does not implement list_models"):
        driver.run(engine, engine.begin_models(the_plan.routes["test"]))


def test_a_flow_that_belongs_to_no_layer_may_yield_effects_only():
    """``begin_flow`` drives a flow of jackfield's own; requests and chunks are none of its business."""

    def good():
        yield Sleep(1)
        return "done"

    def bad():
        yield Deliver([])

    driver = ScriptedDriver()
    for flow, expected in ((good(), "done"), (bad(), PluginError)):
        engine = Engine(plan(Echo()), make_call(driver))
        effect = engine.begin_flow(flow)
        if expected is PluginError:
            with pytest.raises(PluginError, match="a flow: yielded Deliver"):
                driver.run(engine, effect)
        else:
            assert driver.run(engine, effect) == expected


def test_context_variables_of_layers_stay_in_the_call():
    """A layer's context variable is seen by the layers inside, by ``Run`` as a copy, and never by the host."""
    variable = contextvars.ContextVar("variable", default="host")
    seen = []

    def outer(request, call):
        variable.set("layer")
        yield Run(variable.set, "run")
        return (yield request)

    def inner(request, call):
        seen.append(variable.get())
        yield Sleep(1)
        seen.append(variable.get())
        return (yield request)

    run_call(plan(Echo(), middleware=[Layer(outer), Layer(inner)]), ask())
    assert seen == ["layer", "layer"]
    assert variable.get() == "host"


def test_the_deadline_ends_a_request_passed_inward_after_it():
    """A request passed inward after the deadline has ``DeadlineExceededError`` as its outcome, and nobody is asked."""
    driver, provider = ScriptedDriver(), in_turn(answer())

    def late(request, call):
        yield Run(setattr, driver, "now", driver.now + 5)
        return (yield request)

    def flow(request, call):
        driver.now += 5
        return (yield request)

    outer = Recorder()
    with pytest.raises(DeadlineExceededError):
        run_call(plan(provider, middleware=[outer, Layer(flow)]), ask(), driver, timeout=3)
    with pytest.raises(DeadlineExceededError):
        run_call(plan(provider, middleware=[outer, Layer(late)]), ask(), driver, timeout=3)
    assert outer.words == ["DeadlineExceededError"] * 2
    assert provider.requests == []


def test_after_the_deadline_a_layer_that_yields_is_closed_and_the_error_goes_outward():
    """A layer that wants to try again after the deadline is closed; what it was told goes on outward."""
    cleaned = []

    def stubborn(request, call):
        try:
            for _ in itertools.count():
                try:
                    return (yield request)
                except DeadlineExceededError:
                    yield Sleep(1)
        finally:
            cleaned.append(call.faults[:])

    outer, provider = Recorder(), in_turn(lambda request, call: iter_sleep(10))
    with pytest.raises(DeadlineExceededError) as caught:
        run_call(plan(provider, middleware=[outer, Layer(stubborn)]), ask(), timeout=3)
    assert outer.outcomes == [caught.value]
    assert cleaned == [[]]
    assert caught.value.attempts[0].outcome == "error"


def iter_sleep(seconds):
    """A flow that sleeps and answers."""
    yield Sleep(seconds)
    return answer()


def test_an_answer_in_place_of_the_deadline_is_allowed_but_nothing_can_be_asked_after_it():
    """A layer may answer from what it has; a layer outside that wants more is closed."""

    def salvage(request, call):
        try:
            return (yield request)
        except DeadlineExceededError:
            return answer("what I have")

    def greedy(request, call):
        yield request
        return (yield request)

    def slow(request, call):
        return iter_sleep(10)

    assert said(run_call(plan(in_turn(slow), middleware=[Layer(salvage)]), ask(), timeout=3)) == "what I have"
    with pytest.raises(DeadlineExceededError):
        run_call(plan(in_turn(slow), middleware=[Layer(greedy), Layer(salvage)]), ask(), timeout=3)


def test_the_backends_total_is_the_deadline_of_a_call_that_has_none():
    """Where the host gave no timeout, the first backend that is asked sets the deadline."""
    driven = Driven(plan(in_turn(lambda request, call: iter_sleep(8)), timeouts=Timeouts(total=7))).begin(ask())
    assert driven.engine.call.time_left == 7
    with pytest.raises(DeadlineExceededError):
        driven.finish()
