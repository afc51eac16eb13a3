"""The engine: layers, routing, outcomes, and what it says of layers that break the contract."""

from __future__ import annotations

import contextvars

import attrs
import pytest

from engine_fakes import (
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
)
from jackfield import (
    Acquire,
    APIConnectionError,
    Gate,
    HttpRequest,
    InternalServerError,
    NotFoundError,
    Run,
    Send,
    Sleep,
)
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.testing import Echo, plan, run_call


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
