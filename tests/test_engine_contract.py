"""The engine: what it says of plugins that break the contract, and of exceptions that are not ours."""

from __future__ import annotations

import pytest

from engine_fakes import (
    Driven,
    Layer,
    Recorder,
    Retry,
    answer,
    ask,
    in_turn,
    said,
    streaming,
)
from jackfield import (
    APIConnectionError,
    CallCancelled,
    Deliver,
    HttpRequest,
    InternalServerError,
    PluginError,
    Run,
    Send,
    Sleep,
)
from jackfield.flow import Effect
from jackfield.testing import Echo, plan, run_call


def returning(value):
    """A flow that yields nothing."""
    return value
    yield


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
        (lambda request, call: returning("text"), "returned str, expected CreateChatCompletionResponse"),
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
