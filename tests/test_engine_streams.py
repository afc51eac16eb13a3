"""The engine: chunks on their way to the host, commitment, canned answers in a stream, what the response is."""

from __future__ import annotations

import attrs
import pytest

from engine_fakes import (
    Chunks,
    Driven,
    Layer,
    Provider,
    Recorder,
    Retry,
    answer,
    ask,
    heard,
    in_turn,
    piece,
    said,
    streaming,
)
from jackfield import (
    APIConnectionError,
    CallCancelled,
    Deliver,
    InternalServerError,
    PluginError,
    Sleep,
    StreamInterruptedError,
    hookimpl,
)
from jackfield.drivers.scripted import ScriptedDriver
from jackfield.models import CompletionUsage
from jackfield.testing import Echo, plan, run_call


def streamed(the_plan, driver=None, **fields):
    """The response, and the text that the host was given."""
    driver = driver or ScriptedDriver()
    return run_call(the_plan, ask(stream=True), driver, **fields), heard(driver.delivered)


def test_a_stream_reaches_the_host_and_its_layers_get_the_assembled_response():
    """For a stream ``yield request`` comes back when it has ended, with the response made of its chunks."""
    recorder = Recorder()
    usage = CompletionUsage(total_tokens=7)
    response, text = streamed(plan(Provider(streaming("he", "llo", usage=usage)), middleware=[recorder]))
    assert (text, said(response)) == ("hello", "hello")
    assert recorder.outcomes == [response]
    assert response.usage == usage


def test_the_first_chunk_commits_the_call_and_not_before():
    """``call.committed`` is true once a chunk has been handed to the host."""
    driven = Driven(plan(Provider(streaming("a", "b")))).begin(ask(stream=True))
    assert driven.engine.call.committed
    assert driven.effect.chunks == [piece("a")]
    assert not driven.effect.last
    assert not driven.engine.whole
    driven.on()
    assert driven.effect.last
    assert driven.engine.whole
    driven.finish()
    assert driven.engine.done


def test_a_failure_before_the_first_chunk_may_be_tried_again():
    """As long as the host was given nothing, a stream can begin anew."""
    provider = in_turn(InternalServerError("busy"), streaming("ok"))
    response, text = streamed(plan(provider, middleware=[Retry()]))
    assert (said(response), text) == ("ok", "ok")
    assert len(provider.requests) == 2


def test_nothing_is_asked_again_after_the_commit():
    """A layer that would repeat a broken stream is closed, and the error goes outward as it came."""
    provider = in_turn(streaming("a", error=APIConnectionError("reset")), streaming("b"))
    outer, driver = Recorder(), ScriptedDriver()
    with pytest.raises(APIConnectionError, match="reset"):
        run_call(plan(provider, middleware=[outer, Retry()]), ask(stream=True), driver)
    assert outer.words == ["APIConnectionError"]
    assert outer.partials == ["a"]
    assert len(provider.requests) == 1
    assert heard(driver.delivered) == "a"


def test_asking_again_after_a_whole_stream_breaks_the_contract():
    """A layer that asks again although nothing failed gets no second answer into the stream."""

    def flow(request, call):
        yield request
        return (yield request)

    with pytest.raises(PluginError, match="asked again after the host was given a part of the answer"):
        streamed(plan(Provider(streaming("a")), middleware=[Layer(flow)]))


def test_an_error_that_was_followed_by_a_success_is_not_told_again():
    """A layer that asks once too often after a retry that went well is told of that, not of the failure before it."""

    def flow(request, call):
        try:
            yield request
        except InternalServerError:
            yield request
        return (yield request)

    provider = in_turn(InternalServerError("old"), streaming("a"))
    with pytest.raises(PluginError, match="asked again"):
        streamed(plan(provider, middleware=[Layer(flow)]))


def test_a_broken_stream_is_one_error_for_each_layer_and_the_partial_answer_is_told():
    """Each layer sees the one failure, and ``call.partial`` holds what had arrived."""
    outer, inner = Recorder(), Recorder()
    provider = Provider(streaming("par", "tial", error=StreamInterruptedError("cut")))
    with pytest.raises(StreamInterruptedError, match="cut"):
        streamed(plan(provider, middleware=[outer], backend_middleware=[inner]))
    assert outer.words == inner.words == ["StreamInterruptedError"]
    assert outer.partials == inner.partials == ["partial"]


def test_call_partial_is_of_the_current_attempt():
    """What an earlier attempt had given is not mixed with what the current one gives."""
    partials = []

    def drop_first(chunk):
        return [] if heard([chunk]) == "x" else None

    def watch(request, call):
        partials.append(call.partial)
        yield Deliver([piece("x")])
        if len(partials) == 1:
            raise InternalServerError("again")
        partials.append(call.partial)
        yield Deliver([piece("ok")], last=True)

    streamed(plan(Provider(watch), middleware=[Retry(), Chunks(drop_first)]))
    assert partials == [None, None, None]


def test_hook_on_chunk_sees_chunks_innermost_layer_first():
    """Layers of the backend see a chunk before those of the host, and these from the inside out."""
    seen = []

    def see(name):
        return Chunks(lambda chunk: seen.append((name, heard([chunk]))))

    streamed(plan(Echo(), middleware=[see("a"), see("b")], backend_middleware=[see("c")]))
    assert [name for name, text in seen if text == "hello"] == ["c", "b", "a"]


@pytest.mark.parametrize("provider", [Provider(streaming("a", "b")), in_turn(answer("ab"))], ids=["stream", "canned"])
def test_hooks_of_chunks_are_given_the_call(provider):
    """``on_chunk`` and ``end_of_stream`` may look at the call, and keep in it what they need."""
    seen = []

    @attrs.define(eq=False)
    class Counting:
        @hookimpl
        def on_chunk(self, chunk, call):
            call.state[self] = call.state.get(self, "") + heard([chunk])

        @hookimpl
        def end_of_stream(self, call):
            seen.append((call, call.state[self]))

    driven = Driven(plan(provider, middleware=[Counting()])).begin(ask(stream=True))
    driven.finish()
    assert seen == [(driven.engine.call, "ab")]


def test_before_an_answer_nothing_of_the_stream_is_whole():
    """Closing a stream of which only a layer has done something completes nothing."""

    def flow(request, call):
        yield Sleep(1)
        return (yield request)

    driven = Driven(plan(Echo(), middleware=[Layer(flow)])).begin(ask(stream=True))
    assert not driven.engine.whole
    assert not driven.engine.call.committed
    assert not driven.engine.done


def test_hook_on_chunk_may_replace_multiply_and_drop():
    """None leaves a chunk, an iterable stands in its place; the response is made of what the host was given."""

    def change(chunk):
        text = heard([chunk])
        return {"drop": [], "twice": [chunk, chunk], "change": iter([piece("CHANGED ")])}.get(text)

    the_plan = plan(Provider(streaming("drop", "twice", "change", "end")), middleware=[Chunks(change)])
    response, text = streamed(the_plan)
    assert text == said(response) == "twicetwiceCHANGED end"


def test_dropped_chunks_do_not_commit():
    """A call whose chunks were all dropped can still be tried again."""
    provider = in_turn(streaming("secret", error=InternalServerError("late")), streaming("fine"))
    drop = Chunks(lambda chunk: [] if heard([chunk]) == "secret" else None)
    assert streamed(plan(provider, middleware=[Retry(), drop]))[1] == "fine"


def test_a_terminal_signal_of_an_attempt_that_failed_does_not_make_the_next_one_whole():
    """Closing in the middle of the second attempt cancels it, whatever the first had promised."""

    def first(request, call):
        yield Deliver([piece("secret")], last=True)
        raise InternalServerError("late")

    provider = in_turn(first, streaming("fine", "er"))
    drop = Chunks(lambda chunk: [] if heard([chunk]) == "secret" else None)
    driven = Driven(plan(provider, middleware=[Retry(), drop])).begin(ask(stream=True))
    assert heard(driven.effect.chunks) == "fine"
    assert not driven.engine.whole
    driven.engine.cancel()


def test_an_exception_of_hook_on_chunk_is_raised_at_the_providers_deliver():
    """The provider's flow may clean up; the exception goes outward with a note that names the layer."""
    caught = []

    def behave(request, call):
        try:
            yield Deliver([piece("a")], last=True)
        except ValueError as error:
            caught.append(error)
            raise

    def see(chunk):
        raise ValueError("no")

    outer = Recorder()
    with pytest.raises(ValueError, match="no") as raised:
        streamed(plan(Provider(behave), middleware=[outer, Chunks(see)]))
    assert caught == outer.outcomes == [raised.value]
    assert raised.value.__notes__ == ["raised in chunks#1 (Chunks of this program)"]


def test_hook_on_chunk_may_not_raise_call_cancelled():
    """``CallCancelled`` of a layer's own making becomes a ``PluginError``."""

    def see(chunk):
        raise CallCancelled

    with pytest.raises(PluginError, match="an on_chunk hook: raised CallCancelled"):
        streamed(plan(Echo(), middleware=[Chunks(see)]))


@pytest.mark.parametrize("hook", ["on_chunk", "end_of_stream"])
def test_what_is_no_chunk_is_a_plugin_error(hook):
    """A layer that gives something else than chunks is named."""
    layer = Chunks(
        lambda chunk: ["text"] if hook == "on_chunk" else None, ["text"] if hook == "end_of_stream" else None
    )
    with pytest.raises(PluginError, match=r"^chunks#0 \(Chunks of this program\): gave str for a chunk"):
        streamed(plan(Echo(), middleware=[layer]))


def test_a_provider_that_delivers_what_is_no_chunk_is_named():
    """What a provider delivers is checked before anyone sees it."""

    def behave(request, call):
        yield Deliver([{"choices": []}], last=True)

    with pytest.raises(PluginError, match=r"^provider \(Provider of this program\): gave dict for a chunk"):
        streamed(plan(Provider(behave)))


def test_a_delivered_list_may_be_used_again_by_the_provider():
    """The host's chunks are its own: a provider that clears its list takes nothing away."""

    def behave(request, call):
        chunks = [piece("a")]
        yield Deliver(chunks)
        chunks.clear()
        yield Deliver([piece("b")], last=True)

    driven = Driven(plan(Provider(behave))).begin(ask(stream=True))
    first = driven.effect.chunks
    assert said(driven.finish()) == "ab"
    assert first == [piece("a")]


def test_an_empty_deliver_is_not_handed_to_the_host():
    """Nothing to hand over is no commit and no step of the host."""

    def behave(request, call):
        yield Deliver([])
        assert not call.committed
        yield Deliver([piece("a")], last=True)

    assert streamed(plan(Provider(behave)))[1] == "a"


def test_hook_end_of_stream_gives_what_was_held_back_through_the_layers_outside():
    """The tail of an inner layer passes ``on_chunk`` of the layers outside it, and becomes part of the response."""

    @attrs.define(eq=False)
    class Upper:
        @hookimpl
        def on_chunk(self, chunk):
            return [piece(heard([chunk]).upper())]

    held = Chunks(lambda chunk: None, [piece("tail")])
    the_plan = plan(Provider(streaming("body ")), middleware=[Upper()], backend_middleware=[held])
    response, text = streamed(the_plan)
    assert text == said(response) == "BODY TAIL"


def test_hook_end_of_stream_is_not_passed_to_the_layer_that_gave_it():
    """A layer's own tail does not come back to its ``on_chunk``."""
    seen = []
    layer = Chunks(lambda chunk: seen.append(heard([chunk])), [piece("tail")])
    assert streamed(plan(Provider(streaming("body ")), middleware=[layer]))[1] == "body tail"
    assert seen == ["body "]


def test_hook_end_of_stream_is_not_asked_when_the_stream_broke():
    """What was held back of a broken stream is not given as if it had ended well."""
    layer = Chunks(lambda chunk: None, AssertionError("asked"))
    with pytest.raises(StreamInterruptedError):
        streamed(plan(Provider(streaming("a", error=StreamInterruptedError("cut"))), middleware=[layer]))


def test_an_exception_of_hook_end_of_stream_names_its_layer_and_fails_the_attempt():
    """A failing tail is a failure of the stream, with a note for the layer, not the provider."""
    driven = Driven(plan(Echo(), middleware=[Chunks(lambda chunk: None, ValueError("tail"))])).begin(ask(stream=True))
    with pytest.raises(ValueError, match="tail") as caught:
        driven.finish()
    assert caught.value.__notes__ == ["raised in chunks#0 (Chunks of this program)"]
    assert driven.engine.call.attempts[0].outcome == "error"
