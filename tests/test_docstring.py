"""What a class says of itself and of its attributes, from its docstring."""

from __future__ import annotations

import attrs

from jackfield.docstring import attributes, summary, text_of


@attrs.define(eq=False)
class Base:
    """A base.

    Attributes:
        url: where it goes, without
            the end; ``x`` say.
        old: of the base.
    """

    url: str = ""
    old: int = 0


@attrs.define(eq=False)
class Told(Base):
    """Say what it does, in one sentence.

    And more of ``it``.

    Attributes:
        one, two: of both.
        typed (int): with a type.
        old: of the class itself: this one.

        apart: after an empty line.
    not: an entry.

    Raises:
        other: no entry.
    """


class Mute:
    __doc__ = None


def test_the_text_is_what_stands_before_the_sections() -> None:
    """Paragraphs, each in one line, and code as Markdown has it."""
    assert text_of(Told) == "Say what it does, in one sentence.\n\nAnd more of `it`."
    assert summary(Told) == "Say what it does, in one sentence."


def test_every_attribute_has_its_help() -> None:
    """Several names share one text, lines are joined, and what a class derives from counts, as far as it is silent."""
    assert attributes(Told) == {
        "url": "where it goes, without the end; `x` say.",
        "old": "of the class itself: this one.",
        "one": "of both.",
        "two": "of both.",
        "typed": "with a type.",
        "apart": "after an empty line.",
    }


def test_a_class_without_a_docstring_says_nothing() -> None:
    """As with ``python -OO``."""
    assert (text_of(Mute), summary(Mute), attributes(type("Bare", (Mute,), {}))) == ("", "", {})
