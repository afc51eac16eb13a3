"""The engine: answers in a stream that no stream brought, and streams where none was asked for."""

from __future__ import annotations

import attrs
import pytest

from engine_fakes import (
    Chunks,
    Driven,
    Layer,
    Provider,
    answer,
    ask,
    heard,
    in_turn,
    piece,
    said,
    streaming,
)
from jackfield import (
    CallCancelled,
    Deliver,
    InternalServerError,
    PluginError,
)
from jackfield.drivers.scripted import ScriptedDriver
from jackfield.models import CompletionUsage
from jackfield.testing import Echo, make_call, plan, run_call


def streamed(the_plan, driver=None, **fields):
    """The response, and the text that the host was given."""
    driver = driver or ScriptedDriver()
    return run_call(the_plan, ask(stream=True), driver, **fields), heard(driver.delivered)


def test_a_canned_answer_in_a_stream_becomes_chunks():
    """Where nothing was delivered, the outermost response is cut into chunks for the host."""

    def flow(request, call):
        return answer("from the cache", usage=CompletionUsage(total_tokens=3))
        yield

    driver = ScriptedDriver()
    response, text = streamed(plan(in_turn(), middleware=[Layer(flow)]), driver)
    assert text == said(response) == "from the cache"
    assert driver.delivered[-1].usage.total_tokens == 3


def marking(name: str) -> Chunks:
    """A layer that marks each chunk with its name, and the end of the stream."""

    def mark(chunk):
        return [piece(f"{heard([chunk])}{name}")] if heard([chunk]) else None

    return Chunks(mark, [piece(name.upper())])


def test_a_canned_answer_passes_hook_on_chunk_and_end_of_stream_of_the_layers_outside():
    """They see its chunks like any others; those inside of the layer that answered, and of backends, have no part in it."""
    inside = Chunks(lambda chunk: pytest.fail("it stands inside"))
    own = Chunks(lambda chunk: pytest.fail("no backend answered"))

    def flow(request, call):
        return answer("canned")
        yield

    layers = [marking("a"), marking("b"), Layer(flow), inside]
    the_plan = plan(Echo(), middleware=layers, backend_middleware=[own])
    assert streamed(the_plan)[1] == "cannedbaBaA"


def test_a_kept_answer_is_not_changed_twice():
    """A layer inside of the one that answers has had its part in what was kept, and gets no other."""
    kept = []

    def cache(request, call):
        if not kept:
            kept.append((yield request))
        return kept[0]

    the_plan = plan(Provider(streaming("x")), middleware=[marking("a"), Layer(cache), marking("b")])
    assert streamed(the_plan)[1] == "xbaBaA"
    assert said(kept[0]) == "xbaBaA"  # the engine assembles what the host was given
    assert streamed(the_plan)[1] == "xbaBaAaA"


def test_the_answer_of_a_provider_that_streams_nothing_passes_all_layers():
    """Those of its backend too, from the innermost outward."""
    the_plan = plan(Provider(lambda *_: answer("whole")), middleware=[marking("a")], backend_middleware=[marking("b")])
    assert streamed(the_plan)[1] == "wholebaBaA"


def test_a_layer_of_a_backend_that_answers_has_the_layers_outside_of_it():
    """Those of its backend that stand further out, and those of the host."""
    inside = Chunks(lambda chunk: pytest.fail("it stands inside"))

    def flow(request, call):
        return answer("own")
        yield

    the_plan = plan(Echo(), middleware=[marking("a")], backend_middleware=[marking("b"), Layer(flow), inside])
    assert streamed(the_plan)[1] == "ownbaBaA"


def test_a_layer_that_answers_in_the_place_of_a_failure_is_the_source():
    """What stands inside of it failed; where it was answered in the end, that was the source."""

    def excuse(request, call):
        try:
            return (yield request)
        except InternalServerError:
            return answer("sorry")

    def again(request, call):
        first = yield request
        return (yield request) if said(first) == "sorry" else first

    def the_plan(*layers, then=()):
        return plan(in_turn(InternalServerError("down"), *then), middleware=[marking("a"), *layers, marking("b")])

    assert streamed(the_plan(Layer(excuse)))[1] == "sorryaA"
    assert streamed(the_plan(Layer(again), Layer(excuse), then=[answer("well")]))[1] == "wellbaBaA"

    def once_more(request, call):
        yield request
        return (yield from excuse(request, call))

    twice = in_turn(answer("well"), InternalServerError("down"))
    layers = [marking("a"), Layer(once_more), marking("b")]
    assert streamed(plan(twice, middleware=layers))[1] == "sorryaA", "the last time, it was not answered inside"


def test_a_canned_answer_commits_and_is_whole():
    """Closing a stream whose answer was there from the start completes it."""
    driven = Driven(plan(Provider(lambda request, call: answer("all")))).begin(ask(stream=True))
    assert driven.engine.call.committed
    assert driven.engine.whole
    assert driven.effect.last
    assert said(driven.finish()) == "all"


@pytest.mark.parametrize("error", [ValueError("no"), InternalServerError("no")])
def test_hook_on_chunk_that_refuses_a_canned_answer_fails_the_call(error):
    """Without a provider to raise it at, the exception is the call's outcome."""

    def see(chunk):
        raise error

    with pytest.raises(type(error), match="no"):
        streamed(plan(in_turn(answer("bad")), middleware=[Chunks(see)]))


def test_hook_on_chunk_may_not_raise_call_cancelled_at_a_canned_answer():
    """Only the engine may; what broke the contract is named."""

    def see(chunk):
        raise CallCancelled

    with pytest.raises(PluginError, match=r"^an on_chunk hook: raised CallCancelled"):
        streamed(plan(in_turn(answer("x")), middleware=[Chunks(see)]))


def test_a_canned_answer_whose_chunks_are_all_dropped_delivers_nothing():
    """The driver is never asked to deliver no chunks; the response still stands."""
    driven = Driven(plan(in_turn(answer("x")), middleware=[Chunks(lambda chunk: ())])).begin(ask(stream=True))
    assert driven.effect is None
    assert not driven.engine.call.committed
    assert said(driven.engine.result()) == "x"


def test_a_stream_without_chunks_is_an_empty_answer():
    """A provider that ends well and gave nothing answered nothing."""

    def behave(request, call):
        return None
        yield

    response, text = streamed(plan(Provider(behave)))
    assert (response.choices, response.model, text) == ((), "m", "")


def test_a_request_without_stream_inside_a_streamed_call_is_returned_and_not_delivered():
    """A layer may ask a question of its own before the stream."""
    asked = []

    def flow(request, call):
        asked.append(said((yield attrs.evolve(request, stream=False))))
        assert not call.committed
        return (yield request)

    driver = ScriptedDriver()
    response, text = streamed(plan(Echo(prefix="> "), middleware=[Layer(flow)]), driver)
    assert asked == ["> hello"]
    assert text == said(response) == "> hello"


def test_a_stream_asked_for_inside_a_call_without_one_is_folded():
    """A layer may ask a backend for a stream although the host did not; the host gets the whole response."""

    def flow(request, call):
        return (yield attrs.evolve(request, stream=True))

    driven = Driven(plan(Echo(), middleware=[Layer(flow)])).begin(ask())
    assert driven.effect is None
    assert said(driven.engine.result()) == "hello"
    assert not driven.engine.call.committed
    assert driven.driver.delivered == []
    assert driven.engine.call.attempts[0].first_chunk is not None


def test_the_streams_response_is_what_the_outermost_layer_returned():
    """A layer may annotate the response of a stream although the chunks are gone."""

    def flow(request, call):
        return attrs.evolve((yield request), id="annotated")

    assert streamed(plan(Echo(), middleware=[Layer(flow)]))[0].id == "annotated"


def test_a_provider_that_delivers_and_returns_a_response_breaks_the_contract():
    """Which of the two the answer would be, nobody could tell."""

    def behave(request, call):
        yield Deliver([piece("a")], last=True)
        return answer("b")

    with pytest.raises(PluginError, match="returned CreateChatCompletionResponse after it had delivered chunks"):
        streamed(plan(Provider(behave)))


def test_streams_of_one_plan_do_not_share_anything():
    """Two calls at once through the same layers keep their chunks apart."""
    the_plan = plan(Provider(streaming("a", "b")))
    first, second = (Driven(the_plan).begin(ask(stream=True)) for _ in range(2))
    first.on()
    assert said(second.finish()) == "ab"
    assert said(first.finish()) == "ab"
    assert first.engine.call.id != second.engine.call.id
    assert make_call().state == {}
