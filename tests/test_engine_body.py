"""The engine: a layer that stands before the body of an answer, to look at it or to give it by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from engine_fakes import URL, Driven, HttpLayer, Provider, ask, piece, said, sending
from jackfield import (
    APIConnectionError,
    CallCancelled,
    Deliver,
    HttpRequest,
    HttpResponse,
    PluginError,
    Read,
    Send,
    Sleep,
)
from jackfield.drivers.scripted import Reply, ScriptedDriver
from jackfield.testing import plan, run_call


class Nothing:
    """The handle of a body that no driver has."""

    def release(self) -> None:
        pass


def before(response: HttpResponse, reader: Callable[[Read], Any]) -> HttpResponse:
    """The same answer with a reader before its body."""
    return HttpResponse(response.status, response.headers, response.request, response.body, reader)


def tapping(seen: list[Any]) -> HttpLayer:
    """Notes what comes of each read of a body."""

    def layer(http_request, call):
        response = yield http_request

        def read(effect):
            try:
                block = yield attrs.evolve(effect, response=response)
            except APIConnectionError as error:
                seen.append(error.code)
                raise
            seen.append(block)
            return block

        return before(response, read)

    return HttpLayer(layer)


def test_a_layer_sees_every_block_of_a_body_and_the_connection_lives_as_long_as_its_response():
    """It is given back once, by the flow that reads it, after its end."""
    seen: list[Any] = []
    driver = ScriptedDriver([Reply(blocks=[b"a", b"b"])])
    the_plan = plan(Provider(sending), middleware=[tapping(seen)])
    driven = Driven(the_plan, driver).begin(ask()).on()
    assert driver.responses[0].body.released == 0
    assert said(driven.finish()) == "200 ab"
    assert b"".join(seen) == b"ab"
    assert driver.responses[0].body.released == 1
    assert driver.responses[0].body.ended


def test_layers_before_a_body_stand_one_behind_the_other():
    """The outer one reads what the inner one gives."""
    inner: list[Any] = []
    outer: list[Any] = []

    def shout(http_request, call):
        response = yield http_request

        def read(effect):
            return (yield attrs.evolve(effect, response=response)).upper()

        return before(response, read)

    layers = [tapping(outer), HttpLayer(shout), tapping(inner)]
    driver = ScriptedDriver([Reply(blocks=[b"a", b"b"])])
    assert said(run_call(plan(Provider(sending), middleware=layers), ask(), driver)) == "200 AB"
    assert (b"".join(inner), b"".join(outer)) == (b"ab", b"AB")
    assert driver.unreleased == []


def test_a_failure_while_a_body_is_read_passes_the_layer():
    """It is raised where the layer reads, and then where the provider does."""
    seen: list[Any] = []
    driver = ScriptedDriver([Reply(blocks=[b"a", APIConnectionError("cut", code="reset")])])
    with pytest.raises(APIConnectionError, match="cut"):
        run_call(plan(Provider(sending), middleware=[tapping(seen)]), ask(), driver)
    assert seen[-1] == "reset"
    assert driver.unreleased == []


def test_a_layer_may_answer_an_exchange_by_itself_with_pauses():
    """No driver is asked for the body, and the time that passes is the call's."""
    blocks = [b"not ", b"sent"]

    def canned(http_request, call):
        left = list(blocks)

        def read(effect):
            yield Sleep(2)
            rest = b"".join(left) if effect.whole else b"".join(left[:1])
            del left[: len(left) if effect.whole else 1]
            return rest

        return HttpResponse(200, {}, http_request, Nothing(), read)
        yield http_request

    driver = ScriptedDriver()
    driven = Driven(plan(Provider(sending), middleware=[HttpLayer(canned)]), driver).begin(ask())
    assert said(driven.finish()) == "200 not sent"
    assert driver.requests == []
    assert driven.engine.call.elapsed >= 2


def test_a_cancelled_call_takes_the_reader_of_a_body_down_first():
    """It stands innermost."""
    ended: list[str] = []

    def layer(http_request, call):
        response = yield http_request

        def read(effect):
            try:
                return (yield attrs.evolve(effect, response=response))
            except CallCancelled:
                ended.append("reader")
                raise

        return before(response, read)

    driver = ScriptedDriver([Reply(blocks=[b"a"])])
    driven = Driven(plan(Provider(sending), middleware=[HttpLayer(layer)]), driver).begin(ask()).on()
    driven.engine.cancel()
    assert ended == ["reader"]
    assert driver.unreleased == []


def _raises(effect):
    raise KeyError("x")


def _lies(effect):
    return "text"
    yield effect


@pytest.mark.parametrize(
    ("reader", "error", "words"),
    [
        (lambda effect: b"x", PluginError, "the reader of a response must be a generator function, but returned bytes"),
        (_lies, PluginError, "the reader of a response: returned str, expected bytes"),
        (_raises, KeyError, "x"),
    ],
)
def test_a_reader_that_breaks_the_contract_is_told_so(reader, error, words):
    """What is wrong with it is the outcome of the read."""

    def layer(http_request, call):
        response = yield http_request
        return before(response, reader)

    driver = ScriptedDriver([Reply(blocks=[b"a"])])
    with pytest.raises(error, match=words):
        run_call(plan(Provider(sending), middleware=[HttpLayer(layer)]), ask(), driver)
    assert driver.unreleased == []


def test_a_read_of_what_is_no_response_fails_where_it_was_yielded():
    """The engine looks into nothing that a layer yields without care."""
    caught: list[BaseException] = []

    def behave(request, call):
        try:
            yield Read(None)
        except Exception as error:
            caught.append(error)
            raise

    with pytest.raises(Exception):  # noqa: B017 - of the driver's making
        run_call(plan(Provider(behave)), ask(), ScriptedDriver())
    assert caught


def test_a_streamed_answer_is_not_looked_into():
    """Its chunks are folded when a host or a layer wants to know, and not because a connection is given back."""

    def behave(request, call):
        yield Send(HttpRequest("POST", URL))
        yield Deliver([piece("a")])
        yield Deliver([piece("b")], last=True)

    driver = ScriptedDriver([Reply(blocks=[b"x"])])
    response = run_call(plan(Provider(behave)), ask(stream=True), driver)
    assert "_kept" in response.__dict__
    assert said(response) == "ab"
    assert "_kept" not in response.__dict__
    assert driver.unreleased == []
