"""The only words that a setting takes, from its type."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal, Optional

import attrs
import pytest

from jackfield.config.choices import choices, choices_of


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Literal["a", "b"], ("a", "b")),
        (Literal["a"] | None, ("a",)),
        (Optional[Colour], ("red",)),  # noqa: UP045 - the older way to write it is another type
        (Colour, ("red",)),
        (str, ()),
        (list[Literal["a"]], ()),
    ],
)
def test_the_words_are_those_that_the_type_names(wanted: Any, words: tuple[str, ...]) -> None:
    """Of a type that takes any text there are none."""
    assert choices(wanted) == words


@attrs.define
class Plugin:
    """Its types are texts, as those of every module that postpones annotations."""

    way: Literal["body", "basic"] = "basic"
    name: str = ""


def test_all_settings_of_a_class_are_told() -> None:
    """Also those that take anything; none where a type is not there when it runs."""
    assert choices_of(Plugin) == {"way": ("body", "basic"), "name": ()}
    assert choices_of(attrs.make_class("Broken", {"x": attrs.field(type="Nowhere")})) == {}
