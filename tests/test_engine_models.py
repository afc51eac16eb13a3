"""The engine: lists of models, and flows that belong to no layer."""

from __future__ import annotations

import attrs
import pytest

from engine_fakes import (
    HttpLayer,
    Provider,
    in_turn,
)
from jackfield import (
    Deliver,
    HttpRequest,
    PluginError,
    Send,
    Sleep,
    hookimpl,
)
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.engine import Engine
from jackfield.models import Model
from jackfield.testing import Echo, make_call, plan


def test_hook_list_models_is_a_flow_through_the_http_layers():
    """The list of models passes through ``wrap_http`` like a completion, and is an attempt."""

    @attrs.define(eq=False)
    class Lister(Provider):
        @hookimpl
        def list_models(self, call):
            assert call is engine.call
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
    assert (engine.call.attempts[0].outcome, engine.call.attempts[0].model) == ("success", "")
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
    with pytest.raises(PluginError, match="returned NoneType, expected a list of Model"):
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
