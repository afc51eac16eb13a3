"""A response and the call that it came from."""

from __future__ import annotations

import pickle
import time

import attrs

from jackfield import wire
from jackfield.call import Call
from jackfield.models import CreateChatCompletionResponse, attach_call


def test_the_call_is_attached_and_is_no_part_of_the_value() -> None:
    """The call is found at ``.call``; equality, repr, wire form and pickle do not know it."""
    response = CreateChatCompletionResponse(choices=[])
    plain = CreateChatCompletionResponse(choices=[])
    call = Call(clock=time.monotonic, model="m")
    attach_call(response, call)

    assert response.call is call
    assert response == plain
    assert repr(response) == repr(plain)
    assert wire.encode(response) == wire.encode(plain)
    assert pickle.loads(pickle.dumps(response)).call is None


def test_the_call_stays_with_a_changed_copy() -> None:
    """A layer that changes the response does not lose what the call took."""
    response = CreateChatCompletionResponse(choices=[])
    call = Call(clock=time.monotonic, model="m")
    attach_call(response, call)

    assert attrs.evolve(response, id="x").call is call


def test_a_response_without_a_call_says_none() -> None:
    """A response that no client returned has no call."""
    assert CreateChatCompletionResponse(choices=[]).call is None
