"""Parameters: what a format cannot say is refused or told of; nothing is lost silently."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from jackfield.call import Attempt
from jackfield.errors import UnsupportedParameterError
from jackfield.http import Backend
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.parameters import YES, Fitting, no, partly
from jackfield.wire import build_request

TABLE = {
    "temperature": YES,
    "stop": partly("at most two"),
    **dict.fromkeys(
        ("n", "seed", "logprobs", "modalities", "store", "service_tier", "top_logprobs"), no("leave it out")
    ),
    **dict.fromkeys(
        ("frequency_penalty", "parallel_tool_calls", "presence_penalty", "tool_choice"), no("leave it out")
    ),
}


def request(**fields: Any) -> CreateChatCompletionRequest:
    return build_request({"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields})


def attempt() -> Attempt:
    return Attempt(number=1, backend=Backend("b", "p"), model="m")


def test_what_cannot_be_said_is_refused_with_its_name_and_the_remedy():
    """The error says which parameter it is, what to do, and that nothing was sent."""
    fitting = Fitting("old", "error", attempt())
    with pytest.raises(UnsupportedParameterError) as caught:
        fitting.unsaid(request(seed=7, temperature=1, stop="x"), TABLE)
    error = caught.value
    assert (error.param, error.code, error.stage) == ("seed", "unsupported_parameter", "not_sent")
    assert str(error) == "seed: old has no way to say it; leave it out, or set on_unsupported to drop it"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.param) == (str(error), "seed")


def test_what_is_dropped_is_entered_in_the_attempt():
    """Each by its path, in order."""
    ledger = attempt()
    fitting = Fitting("old", "drop", ledger)
    assert fitting.unsaid(request(seed=7, n=2), TABLE) == ["n", "seed"]
    fitting.lacks("messages[0].content[1]", "send text")
    assert ledger.dropped == ("n", "seed", "messages[0].content[1]")


def test_what_no_one_asked_for_is_left_out_and_entered_but_never_refused():
    """Another service's answer in the history may say what this one's format cannot."""
    ledger = attempt()
    Fitting("old", "error", ledger).leave_out("messages[1].audio")
    assert ledger.dropped == ("messages[1].audio",)


def test_others_are_the_members_without_a_place_that_say_something_in_their_order():
    """The order is the same in every process; a null is no loss."""
    members = {"z": 0, "known": 1, "null": None, "a": "", "m": [], "b": False}
    assert list(Fitting.others(members, {"known"}, "messages[1]")) == [f"messages[1].{name}" for name in "zamb"]


def test_without_an_attempt_a_drop_is_no_failure():
    """A request may be fitted outside of a call."""
    Fitting("old", "drop", None).lacks("seed", "leave it out")


NEUTRAL = {
    "n": 1,
    "frequency_penalty": 0.0,
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "tool_choice": "auto",
    "logprobs": False,
    "modalities": ["text"],
    "store": False,
    "service_tier": "auto",
    "top_logprobs": 0,
    "seed": None,
}


@pytest.mark.parametrize("field", NEUTRAL)
def test_what_asks_for_nothing_special_is_left_out_without_a_word(field):
    """A value that every service has anyhow is no loss."""
    ledger = attempt()
    assert Fitting("old", "error", ledger).unsaid(request(**{field: NEUTRAL[field]}), TABLE) == [field]
    assert ledger.dropped == ()


def test_modalities_as_a_list_are_neutral_too():
    """A request that a layer made anew may hold a list."""
    made = attrs.evolve(request(), modalities=["text"])
    assert Fitting("old", "error", None).unsaid(made, TABLE) == ["modalities"]


def test_what_is_taken_is_not_looked_at():
    """Neither ``yes`` nor ``partly`` is left out."""
    assert Fitting("old", "error", None).unsaid(request(temperature=1, stop=["a"]), TABLE) == []
