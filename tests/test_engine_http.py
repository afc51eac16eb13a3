"""The engine: layers around HTTP exchanges, and to whom a response belongs."""

from __future__ import annotations

import pytest

from engine_fakes import URL, Driven, HttpLayer, Layer, Provider, Retry, answer, ask, said, sending
from jackfield import APIConnectionError, HttpRequest, InternalServerError, PluginError, Read, Run, Send
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.testing import plan, run_call


def test_hook_wrap_http_stands_around_each_exchange_those_of_the_host_outside():
    """Layers around an exchange are passed outermost first, host before backend, and see the head of the answer."""
    seen = []

    def layer(name):
        def flow(http_request, call):
            seen.append(f"{name} {http_request.url}")
            response = yield http_request.with_headers({f"x-{name}": "1"})
            seen.append(f"{name} {response.status}")
            return response

        return HttpLayer(flow)

    driver = ScriptedDriver([Reply(blocks=[b"body"])])
    the_plan = plan(Provider(sending), middleware=[layer("host")], backend_middleware=[layer("own")])
    assert said(run_call(the_plan, ask(), driver)) == "200 body"
    assert seen == [f"host {URL}", f"own {URL}", "own 200", "host 200"]
    assert driver.requests[0].headers == {"x-host": "1", "x-own": "1"}


def test_hook_wrap_http_may_look_at_a_401_fetch_a_token_and_try_once_more():
    """The answer that is not returned is given back; the ledger counts both exchanges of the provider, not the token's."""

    def renew(http_request, call):
        response = yield http_request.with_headers({"authorization": "old"})
        if response.status != 401:
            return response
        token = yield Send(HttpRequest("POST", "https://token.example/"))
        text = yield Read(token, whole=True)
        return (yield http_request.with_headers({"authorization": text.decode()}))

    driver = ScriptedDriver([Reply(401), Reply(blocks=[b"new"]), Reply(blocks=[b"body"])])
    driven = Driven(plan(Provider(sending), backend_middleware=[HttpLayer(renew)]), driver).begin(ask())
    assert said(driven.finish()) == "200 body"
    assert [request.headers.get("authorization") for request in driver.requests] == ["old", None, "new"]
    assert driven.engine.call.attempts[0].exchanges == 2
    assert driver.unreleased == []


def test_hook_wrap_http_gets_one_outcome_for_each_exchange():
    """A failed exchange is raised where the layer yielded; it may try again."""
    driver = ScriptedDriver([APIConnectionError("reset"), Reply(blocks=[b"x"])])
    outcomes = []

    def again(http_request, call):
        try:
            return (yield http_request)
        except APIConnectionError as error:
            outcomes.append(error)
        return (yield http_request)

    assert said(run_call(plan(Provider(sending), middleware=[HttpLayer(again)]), ask(), driver)) == "200 x"
    assert len(outcomes) == 1


def test_a_response_belongs_to_the_flow_that_gets_it_and_is_released_when_that_flow_ends():
    """While the provider reads it, an answer stays open; when its flow has ended, it is given back exactly once."""

    def through(http_request, call):
        return (yield http_request)

    driver = ScriptedDriver([Reply(blocks=[b"a", b"b"])])
    the_plan = plan(Provider(sending), middleware=[HttpLayer(through)], backend_middleware=[HttpLayer(through)])
    driven = Driven(the_plan, driver).begin(ask()).on()
    assert type(driven.effect) is Read
    assert len(driver.unreleased) == 1
    driven.finish()
    assert driver.responses[0].body.released == 1
    assert driver.responses[0].body.ended


def test_a_response_is_released_when_its_flow_fails():
    """An attempt that fails leaves no connection behind."""

    def behave(request, call):
        yield Send(HttpRequest("POST", URL))
        raise InternalServerError("HTTP 500")

    driver = ScriptedDriver([Reply(500), Reply(500)])
    with pytest.raises(InternalServerError):
        run_call(plan(Provider(behave), middleware=[Retry(times=2)]), ask(), driver)
    assert [response.body.released for response in driver.responses] == [1, 1]


def test_a_layer_around_a_call_has_its_own_responses_released():
    """What a layer sent by itself is given back when its flow ends, not before."""

    def flow(request, call):
        response = yield Send(HttpRequest("GET", "https://token.example/"))
        yield request
        assert response.body.released == 0
        return answer("done")

    driver = ScriptedDriver(lambda request: Reply())
    run_call(plan(Provider(sending), middleware=[Layer(flow)]), ask(), driver)
    assert driver.unreleased == []


def test_a_layer_that_returns_another_response_has_the_first_one_released():
    """A cache of answers may return what it sent for itself."""

    def swap(http_request, call):
        yield http_request
        return (yield Send(HttpRequest("GET", "https://mirror.example/")))

    driver = ScriptedDriver([Reply(blocks=[b"first"]), Reply(blocks=[b"second"])])
    driven = Driven(plan(Provider(sending), middleware=[HttpLayer(swap)]), driver).begin(ask()).on(2)
    assert [response.body.released for response in driver.responses] == [1, 0]
    assert said(driven.finish()) == "200 second"
    assert driver.unreleased == []


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (lambda http_request, call: None, "wrap_http must be a generator function, but returned None"),
        (lambda http_request, call: (x for x in ()), "returned NoneType, expected HttpResponse"),
        (lambda http_request, call: (x for x in [ask()]), "yielded CreateChatCompletionRequest"),
    ],
)
def test_a_layer_around_an_exchange_that_breaks_the_contract_is_named(flow, words):
    """The provider gets a ``PluginError`` in place of an answer, and so does the host."""
    with pytest.raises(PluginError, match=r"^httplayer#0 \(HttpLayer of this program\): ") as caught:
        run_call(plan(Provider(sending), middleware=[HttpLayer(flow)]), ask())
    assert words in str(caught.value)


def test_a_response_that_a_run_function_returns_is_owned_like_any_other():
    """Whatever way an answer comes to a flow, it is given back when the flow ends."""
    driver = ScriptedDriver([Reply()])

    def flow(request, call):
        response = yield Send(HttpRequest("GET", URL))
        again = yield Run(lambda: response)
        assert again is response
        return answer()
        yield request

    run_call(plan(Provider(sending), middleware=[Layer(flow)]), ask(), driver)
    assert driver.unreleased == []
