"""Smooth weighted round robin."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_routing.wheel import Wheel

WEIGHTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40), min_size=1).filter(
    lambda weights: any(weights.values())
)


def turns(wheel: Wheel, count: int) -> str:
    return "".join(wheel.turn() for _ in range(count))


@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        ({"a": 5, "b": 1, "c": 1}, "aabacaa"),
        ({"a": 1, "b": 1, "c": 1}, "abc"),
        ({"a": 2, "b": 1}, "aba"),
        ({"a": 3, "b": 2}, "ababa"),
        ({"a": 1, "b": 0, "c": 1}, "ac"),
        ({"a": 7}, "aaaaaaa"),
    ],
)
def test_turns_are_spread(weights: dict[str, int], wanted: str):
    """The order is nginx's, and begins again."""
    assert turns(Wheel(weights), 3 * len(wanted)) == 3 * wanted


def test_weights_are_kept_exactly():
    """Over 1,000 turns each comes exactly as often as its weight says, and over 10 within one turn of it."""
    weights = {"a": 500, "b": 300, "c": 150, "d": 50}
    wheel = Wheel(weights)

    taken = turns(wheel, 1000)

    assert Counter(taken) == weights
    for start in range(0, 1000, 10):
        counts = Counter(taken[start : start + 10])
        assert all(abs(counts[name] - weight / 100) <= 1 for name, weight in weights.items())


@given(WEIGHTS, st.integers(1, 3))
def test_each_round_is_fair(weights: dict[str, int], rounds: int):
    """Whatever the weights, so many turns as they add up to are shared out exactly, each time."""
    wheel = Wheel(weights)

    for _ in range(rounds):
        taken = turns(wheel, sum(weights.values()))
        assert Counter(taken) == {name: weight for name, weight in weights.items() if weight}


@given(WEIGHTS, st.lists(st.sets(st.sampled_from("abcdef"), min_size=1), max_size=50))
def test_only_a_candidate_is_taken(weights: dict[str, int], several: list[set[str]]):
    """Whoever had turns before, the one that is taken is among those that may be."""
    wheel = Wheel(weights)

    for candidates in several:
        able = [name for name in weights if weights[name] and name in candidates]
        if able:
            assert wheel.turn(able) in able
