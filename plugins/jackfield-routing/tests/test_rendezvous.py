"""Rendezvous hashing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jackfield_routing.rendezvous import meeting

EQUAL = {"openai/gpt": 1, "azure/gpt": 1, "local/llama": 1}
TABLE = {
    "anna": "openai/gpt",
    "ben": "openai/gpt",
    "carla": "azure/gpt",
    "dora": "openai/gpt",
    "emil": "local/llama",
    "0": "azure/gpt",
    "1": "local/llama",
    "customer-4711": "azure/gpt",
    "Gr\xfc\xdfe": "azure/gpt",
    "\ud800": "openai/gpt",
}
"""Fixed for ever: who changes it moves every customer to another backend."""
PEOPLE = [f"user-{number}" for number in range(10_000)]
NAMES = st.text(min_size=1, max_size=8)
WEIGHTS = st.dictionaries(NAMES, st.integers(0, 9), min_size=1, max_size=6).filter(lambda all_: any(all_.values()))


def test_values_are_where_they_have_always_been():
    """The table holds in every version, on every machine."""
    assert {value: meeting(value, EQUAL) for value in TABLE} == TABLE


def test_every_process_meets_in_the_same_place():
    """A process with another seed for Python's own hashes gives the same."""
    code = "from jackfield_routing.rendezvous import meeting; print(meeting('anna', {'a': 1, 'b': 2, 'c': 3, 'd': 1}))"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert told == {meeting("anna", {"a": 1, "b": 2, "c": 3, "d": 1}) + "\n"}


def test_shares_are_those_of_the_weights():
    """10,000 values are shared out by the weights, within what chance allows."""
    weights = {"a": 5, "b": 3, "c": 2, "d": 0}

    counts = Counter(meeting(person, weights) for person in PEOPLE)

    assert counts.keys() == {"a", "b", "c"}
    assert all(abs(counts[name] - weights[name] * 1000) < 200 for name in "abc")


@given(WEIGHTS, NAMES, st.integers(1, 9))
def test_one_that_is_added_moves_only_its_share(weights: dict[str, int], added: str, weight: int):
    """A value stays where it was, or goes to the new one."""
    more = {**weights, added: weight} if added not in weights else weights

    for value in PEOPLE[:50]:
        assert meeting(value, more) in {meeting(value, weights), added}


def test_one_that_is_added_takes_no_more_than_its_share():
    """A fourth of four equal ones takes a quarter of all values, evenly from the others."""
    before = {person: meeting(person, EQUAL) for person in PEOPLE}
    after = {person: meeting(person, {**EQUAL, "new/m": 1}) for person in PEOPLE}

    moved = Counter(before[person] for person in PEOPLE if after[person] != before[person])

    assert 2300 < moved.total() < 2700
    assert all(700 < count < 970 for count in moved.values())


@given(WEIGHTS, st.text())
def test_order_does_not_count(weights: dict[str, int], value: str):
    """The table may be written in any order, and the value be any text."""
    assert meeting(value, weights) == meeting(value, dict(reversed(weights.items())))
    assert weights[meeting(value, weights)] > 0
