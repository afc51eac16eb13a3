"""Text from outside, made fit for one line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.redaction import remember
from jackfield_logging.line import capped, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("größer als 猫 🐈", "größer als 猫 🐈"),
        ("a\nb", "a\\nb"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\x00\x07\x08\x7f", "\\x00\\x07\\x08\\x7f"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u200bzero", "\\u200bzero"),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, line: str):
    """Line breaks, control, bidirectional and invisible characters become escapes; letters of any script stay."""
    assert one_line(text) == line


@settings(deadline=None)  # other processes may want the processor
@given(st.text(st.characters(codec=None)))
def test_it_is_always_one_printable_line(text: str):
    """Whatever comes in, one line of printable characters that can be encoded comes out."""
    line = one_line(text)

    assert line.isprintable()
    assert line.splitlines() in ([line], [])
    assert line.encode().decode() == line


@settings(deadline=None)  # other processes may want the processor
@given(st.text(st.characters(codec=None)), st.integers(1, 50))
def test_a_capped_text_is_within_its_limit(text: str, limit: int):
    """At most ``limit`` characters, and an ellipsis only where something was cut."""
    line = capped(text, limit)

    assert line.isprintable()
    assert len(line) <= limit or (len(line) == limit + 1 and line.endswith("…"))
    if len(one_line(text)) <= limit:
        assert line == one_line(text)


def test_a_secret_does_not_survive_the_cut():
    """The cap does not leave half of a secret that is no longer recognised."""
    remember("canary-4ac1-capped")

    assert capped("key: canary-4ac1-capped", 12) == "key: ***"


def test_what_is_no_text_is_made_one():
    """A label may be a number, though it should not."""
    assert one_line(7) == "7"
