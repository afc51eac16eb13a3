"""Effects as values."""

from __future__ import annotations

import math

import attrs
import pytest

from jackfield import Acquire, Deliver, Gate, HttpRequest, Read, Run, Send, Sleep
from jackfield.flow import Effect


@pytest.mark.parametrize(
    "effect", [Send(HttpRequest("GET", "https://x.example/")), Sleep(1), Run(print), Acquire(Gate(1)), Deliver([])]
)
def test_effects_are_immutable(effect):
    """An effect can be kept and yielded again."""
    name = attrs.fields(type(effect))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(effect, name, None)
    assert isinstance(effect, Effect)


def test_run_takes_the_arguments_of_its_function():
    """``Run(function, *args)`` keeps both."""
    effect = Run(max, 1, 2)
    assert (effect.function, effect.args) == (max, (1, 2))


def test_read_reads_a_block_with_the_backends_limit_unless_told():
    """The defaults are one block, and no limit of its own."""
    effect = Read(None)
    assert (effect.whole, effect.within) == (False, None)


@pytest.mark.parametrize(("given", "kept"), [(2, 2.0), (0.5, 0.5), (-1, 0.0), (math.inf, math.inf)])
def test_sleep_is_at_least_no_time(given, kept):
    """A wait that is over already is no wait."""
    assert Sleep(given).seconds == kept
    assert type(Sleep(given).seconds) is float


@pytest.mark.parametrize("seconds", ["1", None, True, math.nan])
def test_sleep_refuses_what_is_no_number_where_it_is_made(seconds):
    """The layer that made the mistake gets the exception, at its own line."""
    with pytest.raises(ValueError, match="seconds: expected a number"):
        Sleep(seconds)
