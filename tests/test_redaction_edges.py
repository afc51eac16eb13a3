"""Redaction at the edges: several secrets and several ways of writing in one text, and what belongs to no secret."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable

import pytest

from jackfield import redaction
from jackfield.needle import FEW_BLANKS
from jackfield.redaction import FEW, MASK, remember, scrub, scrub_bytes


def test_secrets_side_by_side_are_a_mask_each() -> None:
    """They do not overlap."""
    remember("hunter22")
    remember("second-key")

    assert scrub("<hunter22second-key>") == f"<{MASK}{MASK}>"


def test_secrets_written_in_different_ways_are_all_taken_out() -> None:
    """One that can only be seen as the text is, and one that can only be seen when it was undone three times."""
    remember("key%252541")
    remember("hunter22")

    assert scrub("<key%252541> <%252568unter22>") == f"<{MASK}> <{MASK}>"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_line_breaks_that_are_escaped_themselves_split_nothing(end: str) -> None:
    """As in JSON that holds a text in lines, whatever ends them."""
    remember("hunter22")
    text = json.dumps(f"<hun{end}\tter{end}22>")

    assert scrub(text) == f'"<{MASK}>"'


@pytest.mark.parametrize("edge", ["X", "\x0b", "\x0c", "\xa0", "\u3000", "x"])
def test_only_blanks_and_tabs_are_an_indentation(edge: str) -> None:
    """What else a line begins or ends with belongs to it, and stays."""
    remember("hunter22")
    text = f"{edge}\n{edge} hun\n\tter22{edge}\n {edge}hunter22 {edge}\r{edge}"

    assert scrub(text) == text.replace("hun\n\tter22", MASK).replace("hunter22", MASK)


def test_the_last_character_of_unicode_is_an_escape_like_any_other() -> None:
    """The first number beyond it is none."""
    remember("\U0010ffffkey")

    assert scrub("\\U0010ffffkey \\U00110000key") == f"{MASK} \\U00110000key"


def test_bytes_may_begin_and_end_with_a_part_of_a_character() -> None:
    """A letter of Latin-1 at the very ends of what is no text."""
    remember("key-\u00e9")
    remember("\u00a9-key")

    assert scrub_bytes(b"\xa9-key") == scrub_bytes(b"key-\xe9") == MASK.encode()


def many() -> None:
    """Have more values known than are looked for one by one."""
    for number in range(FEW + 10):
        remember(f"sk-{number:05d}/abcdefgh")


@pytest.mark.parametrize("value", ["ключ-ключ", "plain-key-1", "日本語の鍵"])
def test_among_many_values_letters_of_any_alphabet_are_found(value: str) -> None:
    """At every place of a text."""
    many()
    remember(value)

    for shift in range(9):
        assert scrub(f"{'x' * shift}{value}") == f"{'x' * shift}{MASK}"
        assert scrub(f"{'x' * shift}{value} and more") == f"{'x' * shift}{MASK} and more"


def test_what_is_forgotten_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many values that end alike, those that are still known are found at every place of a text."""
    monkeypatch.setattr(redaction, "MAX_KNOWN", FEW)
    for number in range(2 * FEW):
        remember(f"{number:03d}-with-the-same-end")

    for number in range(FEW, 2 * FEW):
        for shift in range(4):
            assert scrub(f"{'x' * shift}{number:03d}-with-the-same-end") == f"{'x' * shift}{MASK}"
    assert scrub(f"{FEW - 1:03d}-with-the-same-end") == f"{FEW - 1:03d}-with-the-same-end"


def test_base64_at_the_ends_of_a_text() -> None:
    """Whether the characters that hold bits of the secret and of others are still there, or were cut off."""
    remember("0123456789")
    whole = base64.b64encode(b"a0123456789b").decode()

    for begin in (0, 1, 2):
        for end in (16, 15, 14):
            text = whole[begin:end]
            kept = whole[:1] if begin == 0 else "", whole[15:] if end == 16 else ""
            assert scrub(text) == f"{kept[0]}{MASK}{kept[1]}"


@pytest.mark.parametrize("blanks", [1, FEW_BLANKS, FEW_BLANKS + 1, 12])
def test_a_passphrase_may_be_broken_at_any_of_its_blanks(blanks: int) -> None:
    """At one of them, wherever it is, and at all of them; of a few blanks also at any two."""
    words = [f"word{number}" for number in range(blanks + 1)]
    remember(" ".join(words))

    for at in range(1, len(words)):
        assert scrub(f"<{' '.join(words[:at])}\n{' '.join(words[at:])}>") == f"<{MASK}>"
    if 1 < blanks <= FEW_BLANKS:
        assert scrub(f"<{words[0]}\n{' '.join(words[1:-1])}\n{words[-1]}>") == f"<{MASK}>"
    assert scrub("\n".join(words)) == MASK


@pytest.mark.parametrize("value", ["\U0001f511-key", "key-\U00012345", "\U0010fffdkey"])
@pytest.mark.parametrize("digits", [str.lower, str.upper, str.title])
def test_a_pair_of_surrogates_is_a_character_however_its_digits_are_written(
    value: str, digits: Callable[[str], str]
) -> None:
    """JSON allows small and capital digits, and both in one (RFC 8259, section 7)."""
    remember(value)
    units = struct.unpack(f">{len(value) + 1}H", value.encode("utf-16-be"))
    escaped = "".join("\\u" + digits(f"{unit:04x}") for unit in units)
    mixed = "".join(char if char.isascii() else "\\u{:04X}\\u{:04x}".format(*pair(char)) for char in value)

    assert scrub(f"<{escaped}>") == f"<{MASK}>"
    assert scrub(f"<{mixed}>") == f"<{MASK}>"
    assert scrub(json.dumps(f"<{mixed}>")) == f'"<{MASK}>"'


def pair(char: str) -> tuple[int, int]:
    """The surrogates of a character beyond the first 65,536."""
    high, low = struct.unpack(">2H", char.encode("utf-16-be"))
    return high, low


def test_all_four_digits_of_an_escape_count() -> None:
    """Also where only one of the characters is escaped, and its digits are capitals."""
    remember("\u65e5\u672c-key")

    assert scrub("<\\u65E5\u672c-key>") == scrub("<\\U000065E5\u672c\\u002Dkey>") == f"<{MASK}>"
    assert scrub("<\\u05e5\u672c-key>") == "<\\u05e5\u672c-key>"
