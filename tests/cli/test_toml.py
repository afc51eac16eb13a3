"""Plain values as TOML."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.cli.toml import to_toml

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.one_of(texts, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_written_can_be_read_again(data) -> None:
    """Any tree comes back equal, whatever its keys and however deep."""
    assert tomllib.loads(to_toml(data)) == data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, "\n"),
        ({"a": {"b": {"c": 1}}}, "[a.b]\nc = 1\n"),
        ({"a": [{"b": True}, {}], "d": "x"}, 'd = "x"\n\n[[a]]\nb = true\n\n[[a]]\n'),
        ({"a": [1, {"b c": []}]}, 'a = [1, {"b c" = []}]\n'),
        ({"a": "\x1b\x7f\x9b"}, 'a = "\\u001b\\u007f\\u009b"\n'),
    ],
)
def test_it_reads_as_people_write_it(data, text: str) -> None:
    """Headers where they are needed, and no character that a terminal obeys."""
    assert to_toml(data) == text
