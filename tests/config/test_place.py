"""A fault names the file, the line and the key where a value was written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.config.place import Origin, Path, Place, Places, text

LINES: dict[Path, int] = {
    ("backends",): 2,
    ("backends", "a"): 2,
    ("backends", "a", "url"): 3,
    ("backends", "a", "middleware", 0): 5,
    ("profiles",): 7,
    ("profiles", "p"): 7,
    ("profiles", "p", "backends", "a"): 8,
    ("profiles", "p", "backends", "a", "url"): 9,
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), ""),
        (("backends", "open-ai_2", "url"), "backends.open-ai_2.url"),
        (("middleware", 0, "use"), "middleware[0].use"),
        (("models", "gpt 5.4", 'a"b\n'), 'models."gpt 5.4"."a\\"b\\n"'),
        (("", 1, 2), '""[1][2]'),
        ((("no", "string"),), "\"('no', 'string')\""),
    ],
)
def test_paths_are_written_as_toml_writes_them(path: Path, expected: str) -> None:
    """Keys are quoted where they must be, and a line break in one does not break the message."""
    assert text(path) == expected


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f")), min_size=1, max_size=4))
def test_a_written_path_reads_back(keys: list[str]) -> None:
    """A path of keys is a dotted key of TOML."""
    tree: Any = tomllib.loads(f"{text(tuple(keys))} = 1")
    for key in keys:
        tree = tree[key]

    assert tree == 1


def test_place_of_a_setting_is_its_own_or_the_nearest() -> None:
    """A setting that was written has its own line; a missing one that of its table."""
    place = Places("x.toml", LINES).place(("backends", "a"))

    assert place == Place("x.toml", 2, "backends.a")
    assert str(place.fault("url", "expected a URL")) == "x.toml:3: backends.a.url: expected a URL"
    assert str(place.fault("key", "expected text", "say it")) == "x.toml:2: backends.a.key: expected text (say it)"
    assert str(place.fault(("middleware", 0, "use"), "no")) == "x.toml:5: backends.a.middleware[0].use: no"
    assert str(place.fault("", "no")) == str(place.fault((), "no")) == "x.toml:2: backends.a: no"


def test_place_made_by_hand_works_without_lines() -> None:
    """A plugin author's test needs no file."""
    place = Place("x.toml", 4, "middleware[1]")

    assert place.at() == place
    assert place.at("use") == Place("x.toml", 4, "middleware[1].use")
    assert place.at("list", 2).path == "middleware[1].list[2]"
    assert Place(None, None, "list").at(2).path == "list[2]"
    assert str(Place(None, None, "").fault("use", "missing")) == "use: missing"


def test_moved_values_keep_where_they_were_written() -> None:
    """What a profile lays over the file is reported in the profile, the rest of the table where it was."""
    places = Places("x.toml", LINES)
    places.move(("profiles", "p", "backends", "a", "url"), ("backends", "a", "url"))
    places.move(("profiles", "p", "backends", "new"), ("backends", "new"))

    assert places.origin(("backends", "a")) == Origin("x.toml", 2, ("backends", "a"))
    assert str(places.place(("backends", "a", "url")).fault((), "no")) == "x.toml:9: profiles.p.backends.a.url: no"
    assert places.origin(("backends", "new", "x")) == Origin("x.toml", 7, ("profiles", "p", "backends", "new", "x"))


def test_a_table_moves_with_what_is_in_it() -> None:
    """What was known of the old table is forgotten, all that is in the new one has its own line."""
    places = Places("x.toml", LINES)
    places.move(("profiles", "p", "backends", "a"), ("backends", "a"))

    assert places.origin(("backends", "a")).line == 8
    assert places.origin(("backends", "a", "url")).line == 9
    assert places.origin(("backends", "a", "middleware", 0)).line == 8


def test_a_variable_takes_the_place_of_a_file() -> None:
    """All that a variable set is reported at the variable."""
    places = Places("x.toml", LINES)
    places.put(("backends", "a"), Origin("JACKFIELD__BACKENDS__A", None, ("backends", "a")))

    assert str(places.place(("backends", "a", "url")).fault((), "no")) == "JACKFIELD__BACKENDS__A: backends.a.url: no"
