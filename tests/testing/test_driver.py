"""Calls and flows driven by hand."""

from __future__ import annotations

import attrs
import pytest

import jackfield
import jackfield.testing
from engine_fakes import URL, Layer, answer, ask, heard, in_turn, said
from jackfield import HttpRequest, InternalServerError, PluginError, Read, Send, Sleep, hookimpl
from jackfield.testing import Echo, Reply, ScriptedDriver, make_call, plan, run_call, run_flow


def test_run_flow_is_a_public_name():
    """Plugin authors need not know where it lives."""
    assert jackfield.run_flow is run_flow


def test_everything_for_tests_is_in_one_place():
    """Contracts too, which are imported when they are asked for; what is not there is no attribute."""
    names = dir(jackfield.testing)
    assert {"MiddlewareContract", "ProviderContract", "InProcessContract", "ServerContract", "Endpoint"} <= set(names)
    assert all(getattr(jackfield.testing, name) is not None for name in names)
    with pytest.raises(AttributeError, match="no attribute 'Contract'"):
        _ = jackfield.testing.Contract


def test_run_flow_performs_effects_and_returns_the_result():
    """A flow that sends and reads gets scripted answers."""

    def flow():
        response = yield Send(HttpRequest("GET", URL))
        yield Sleep(60)
        return (yield Read(response, whole=True))

    assert run_flow(flow(), [Reply(blocks=[b"a", b"b"])]) == b"ab"


def test_run_flow_raises_what_the_flow_raises_and_throws_failed_effects_into_it():
    """A flow may deal with a failure, or let it pass."""

    def flow():
        try:
            yield Send(HttpRequest("GET", URL))
        except OSError:
            yield Send(HttpRequest("GET", URL))

    with pytest.raises(OSError, match="two"):
        run_flow(flow(), [OSError("one"), OSError("two")])


def test_run_flow_gives_a_middleware_the_outcomes_of_its_requests():
    """What is passed inward has the outcomes that the test gives, exceptions being raised."""

    def flow(request):
        try:
            return (yield request)
        except InternalServerError:
            yield Sleep(1)
        return (yield request)

    driver = ScriptedDriver()
    assert said(run_flow(flow(ask()), driver=driver, inward=[InternalServerError("x"), answer("ok")])) == "ok"
    assert driver.slept == [1]


def test_run_flow_says_what_was_passed_inward_without_an_outcome():
    """A request too many fails the test, and the flow cannot swallow that."""
    closed = []

    def flow(request):
        try:
            return (yield request)
        except Exception:
            return answer()
        finally:
            closed.append(True)

    with pytest.raises(AssertionError, match="passed a CreateChatCompletionRequest inward"):
        run_flow(flow(ask()))
    assert closed == [True]


def test_run_call_drives_a_whole_call():
    """Stream or not, the response is returned and the chunks are kept by the driver."""
    driver = ScriptedDriver()
    response = run_call(plan(Echo()), ask("a b", stream=True), driver, labels={"team": "x"})
    assert said(response) == heard(driver.delivered) == "a b"


def test_make_call_takes_the_fields_of_a_call():
    """A call for a hook is made with what the hook looks at."""
    driver = ScriptedDriver()
    call = make_call(driver, model="m", labels={"a": "b"}, timeout=5)
    assert (call.model, call.labels, call.time_left) == ("m", {"a": "b"}, 5)
    assert make_call().model == "test"


def test_a_plan_knows_the_origin_of_a_provider_that_has_one():
    """Credentials are bound to the origin of the backend."""

    @attrs.define(eq=False)
    class WithOrigin:
        origin: str = "the origin"

        @hookimpl
        def create_chat_completion(self):
            return answer()

    assert plan(WithOrigin()).routes["test"].backend.origin == "the origin"
    assert plan(Echo()).routes["test"].backend.origin is None


def test_one_instance_may_serve_several_backends():
    """A provider may be given twice."""
    echo = Echo()
    the_plan = plan(echo, backends={"other": echo})
    assert said(run_call(the_plan, ask("x", model="other/m"))) == "x"


def test_a_plugin_in_the_wrong_place_is_refused():
    """A middleware is no provider, and a provider no middleware."""
    with pytest.raises(PluginError, match="Layer "):
        plan(Layer(None))
    with pytest.raises(PluginError, match="Echo "):
        plan(in_turn(), middleware=[Echo()])
