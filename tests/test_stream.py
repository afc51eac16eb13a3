"""Chunks on their way through the hooks of the layers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_fakes import answer, heard, piece
from jackfield import Deliver, PluginError
from jackfield.fold import fold
from jackfield.plan import Layer
from strategies import responses

from jackfield.stream import Tail, assemble, folder, given as given_chunks, replay, tail, through, with_tail  # isort: skip
from jackfield.testing import make_call

CALL = make_call()


def layer(name="x#0", **hooks):
    """A layer of plain functions that take all arguments."""
    return Layer(name, object(), "dist 1", hooks)


def folded(chunks):
    """What has put the chunks together."""
    kept = folder()
    kept.extend(chunks)
    return kept


def adding(mark):
    """A layer that adds a mark to each chunk's text, and ends with one of its own."""
    return layer(
        on_chunk=lambda chunk, call: [piece(heard([chunk]) + mark)], end_of_stream=lambda call: [piece(f"tail{mark}")]
    )


def test_without_layers_chunks_stay_as_they_are():
    """Nothing is copied where nobody looks."""
    chunk = piece("a")
    assert through((), [chunk], CALL)[0] is chunk


def test_layers_without_the_hook_are_passed_over():
    """A layer that only gives a tail sees no chunk."""
    chunks = [piece("a")]
    assert through((layer(end_of_stream=lambda call: None),), chunks, CALL) == chunks


@given(st.lists(st.sampled_from("abc"), max_size=4), st.lists(st.text(max_size=2), max_size=4))
def test_chunks_pass_the_layers_in_order(marks, texts):
    """Each chunk bears the marks of all layers, innermost first, and chunks keep their order."""
    chunks = through([adding(mark) for mark in marks], [piece(text) for text in texts], CALL)
    assert [heard([chunk]) for chunk in chunks] == [text + "".join(marks) for text in texts]


def test_the_tail_of_a_layer_passes_the_layers_outside_it_only():
    """Tails come innermost first, each marked by those outside."""
    chunks = tail([adding("a"), adding("b"), layer(on_chunk=lambda chunk, call: None)], CALL)
    assert [heard([chunk]) for chunk in chunks] == ["tailab", "tailb"]


def test_a_layer_may_have_no_tail():
    """None and nothing are the same."""
    assert tail([layer(end_of_stream=lambda call: None), layer(end_of_stream=lambda call: ())], CALL) == []


def test_a_flow_is_left_alone_where_no_layer_holds_anything_back():
    """A tail costs nothing where nobody has one."""
    flow = (x for x in ())
    assert with_tail(flow, (layer(on_chunk=lambda chunk, call: None),), CALL) is flow


def test_a_tail_follows_a_flow_that_ended_well():
    """What layers held back is delivered last, past the hooks it has been through."""
    (effect,) = with_tail((x for x in ()), (adding("a"),), CALL)
    assert type(effect) is Tail
    assert (heard(effect.chunks), effect.last) == ("taila", True)


def test_an_empty_tail_is_not_delivered():
    """Nothing held back is nothing delivered."""
    assert list(with_tail((x for x in ()), (layer(end_of_stream=lambda call: None),), CALL)) == []


def test_a_whole_response_is_followed_by_no_tail():
    """A provider that returned its answer had no stream that could end."""

    def flow():
        return answer()
        yield

    assert list(with_tail(flow(), (adding("a"),), CALL)) == []


def test_delivered_chunks_pass_the_hooks_and_a_tail_does_not_again():
    """``Tail`` marks chunks that have been through already."""
    layers = (adding("a"),)
    assert heard(given_chunks(layer(), layers, Deliver([piece("x")]), CALL)) == "xa"
    assert heard(given_chunks(layer(), layers, Tail([piece("x")]), CALL)) == "x"


@pytest.mark.parametrize("value", [None, 3])
def test_what_cannot_be_delivered_is_an_error(value):
    """Chunks that cannot be gone through are a fault of the provider."""
    with pytest.raises(TypeError):
        given_chunks(layer(), (), Deliver(value), CALL)
    with pytest.raises(PluginError, match=r"x#0 \(object of dist 1\): gave (NoneType|int) for a chunk"):
        given_chunks(layer(), (), Deliver([piece("a"), value]), CALL)


def test_a_stream_of_no_chunks_is_an_empty_response():
    """The model of the request is all that is known."""
    response = assemble(None, "m")
    assert (response.model, response.choices) == ("m", ())


def test_chunks_are_assembled_by_fold():
    """What the host was given is what the response tells."""
    chunks = [piece("a"), piece("b")]
    assert assemble(folded(chunks), "m") == fold(chunks)


@settings(max_examples=25, deadline=None)
@given(responses())
def test_a_response_cut_into_chunks_and_folded_is_the_same(response):
    """A canned answer survives its way through a stream."""
    assert assemble(folded(replay(response, (), CALL)), "m") == response


def test_a_canned_answer_gets_the_tails_of_the_layers():
    """Layers that hold text back end a canned answer like any other stream."""
    chunks = replay(answer("x"), (adding("a"),), CALL)
    assert heard(chunks) == "xaataila"
