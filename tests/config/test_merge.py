"""How one tree is laid over another."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jackfield.config.merge import merge, plain
from jackfield.config.place import Path

scalars = st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2)
trees = st.recursive(scalars, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=9)
tables = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


def test_tables_merge_deeply_and_arrays_are_replaced() -> None:
    """What is not named stays; an array is one value."""
    tree = {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"x": 1}}
    replaced = merge(tree, {"a": {"y": [3], "z": {"q": 1}}, "c": 2, "d": {}})

    assert tree == {"a": {"x": 1, "y": [3], "z": {"q": 1}}, "b": 1, "c": 2, "d": {}}
    assert replaced == [("a", "y"), ("a", "z"), ("c",), ("d",)]


def at(tree: Any, path: Path) -> Any:
    """The value at a path."""
    for key in path:
        tree = tree[key]
    return tree


@given(tables, tables)
def test_what_was_replaced_is_what_is_told(below: dict[str, Any], over: dict[str, Any]) -> None:
    """At each path told stands the value of the upper tree; merging it again changes nothing; neither is shared."""
    tree = plain(below)
    for path in merge(tree, over):
        assert at(tree, path) == at(over, path)
    again = plain(tree)
    merge(again, over)

    assert again == tree
    assert set(below) | set(over) == set(tree)


def test_plain_copies_tables_and_nothing_else() -> None:
    """Mappings become dicts, arrays of tables lists; a program's own objects pass through untouched."""
    thing, numbers = object(), (1, 2)
    source: Mapping[str, Any] = MappingProxyType(
        {"a": MappingProxyType({"thing": thing}), "layers": ({"use": "x"},), "numbers": numbers}
    )
    copied = plain(source)

    assert copied == {"a": {"thing": thing}, "layers": [{"use": "x"}], "numbers": numbers}
    assert type(copied["a"]) is dict
    assert type(copied["layers"]) is list
    assert copied["numbers"] is numbers
    assert copied["layers"][0] is not source["layers"][0]
