"""Frames: how a flow begins, what it owns, and whom a foreign exception is blamed on."""

from __future__ import annotations

import pytest

from engine_fakes import ask
from jackfield import HttpRequest, PluginError
from jackfield.drivers.scripted import ScriptedBody
from jackfield.frame import CHAT, PLAIN, Frame, begin, blame
from jackfield.http import HttpResponse
from jackfield.plan import Layer


def layer(hook):
    """A layer that implements one hook."""
    return Layer("x#0", object(), "dist 1", {"hook": hook})


def response():
    """An answer of a scripted driver."""
    return HttpResponse(200, {}, HttpRequest("GET", "https://x.example/"), ScriptedBody([]))


def end_of(flow):
    """What a flow returns that yields nothing."""
    with pytest.raises(StopIteration) as stop:
        next(flow)
    return stop.value.value


def test_a_generator_is_taken_as_it_is():
    """A hook that is a generator function needs no wrapping."""
    flow = (x for x in ())
    assert begin(layer(lambda: flow), "hook", None) is flow


def test_an_answer_of_the_right_type_becomes_a_flow_that_returns_it():
    """A provider that needs no effect may return its answer."""
    assert end_of(begin(layer(lambda: [1]), "hook", list)) == [1]


@pytest.mark.parametrize(("value", "word"), [(None, "None"), (3, "int"), ([1], "list")])
def test_what_is_neither_a_generator_nor_an_answer_is_raised_when_the_flow_is_driven(value, word):
    """Beginning never raises: the fault comes where all outcomes are dealt with."""
    flow = begin(layer(lambda: value), "hook", dict)
    with pytest.raises(PluginError, match=rf"x#0 \(object of dist 1\): hook must be a generator .* returned {word}$"):
        next(flow)


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_what_a_plain_hook_raises_is_raised_when_the_flow_is_driven(error):
    """Even an interrupt in a plain function unwinds the layers outside."""

    def hook():
        raise error

    flow = begin(layer(hook), "hook", None)
    with pytest.raises(type(error)) as caught:
        next(flow)
    assert caught.value is error


def test_a_hook_that_is_not_implemented_is_a_plugin_error():
    """A layer without the hook is named."""
    with pytest.raises(PluginError, match="does not implement other"):
        next(begin(layer(lambda: None), "other", None))


def test_the_arguments_reach_the_hook():
    """A hook is called with what the engine gives."""
    assert end_of(begin(layer(lambda request, call: [request, call]), "hook", list, ask, 2)) == [ask, 2]


def test_release_gives_back_all_responses_but_the_one_that_is_kept():
    """A frame that ends gives back what it owned, once."""
    frame = Frame(CHAT, (x for x in ()))
    first, second, kept = response(), response(), response()
    for one in (first, second, kept):
        frame.own(one)
    frame.release(kept=kept)
    assert [one.body.released for one in (first, second, kept)] == [1, 1, 0]
    frame.release()
    assert [one.body.released for one in (first, second, kept)] == [1, 1, 0]


def test_a_frame_without_a_layer_is_called_a_flow():
    """Faults of jackfield's own flows have a name too."""
    assert str(Frame(PLAIN, (x for x in ()))) == "a flow"
    assert str(Frame(CHAT, (x for x in ()), layer=layer(None))) == "x#0 (object of dist 1)"


def test_blame_is_put_on_an_exception_once():
    """The first place stays."""
    error = ValueError()
    error.add_note("of its own")
    blame(error, "a")
    blame(error, "b")
    assert error.__notes__ == ["of its own", "raised in a"]
