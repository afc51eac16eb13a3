"""Every known secret is taken out of every text, in whatever form it stands there."""

from __future__ import annotations

import base64
import html
import json
import threading
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield import needle, redaction
from jackfield.redaction import FEW, MASK, reach, remember, scrub, scrub_bytes
from jackfield.testing.leaks import leaks
from keys import ENCODED, FORMS, PEM, SPLITS, encoded

KEY = 'sk-Té/Key+9 &"x\\y_z%41'
"""Has what each way of writing changes, and what looks like a way of writing."""


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("form", FORMS)
def test_scrub_knows_each_form(form: str, split: str) -> None:
    """However a server repeats the key, and wherever a log breaks its lines, all of it is taken out."""
    for width in (1, 2, 3, 5, 8, 13, 76):
        written = SPLITS[split](FORMS[form](KEY), width)
        text = f"before ({written}) after"
        redaction._known = redaction._Known()
        assert scrub(text) == text
        remember(KEY)

        assert scrub(text) == f"before ({MASK}) after", (width, text)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("form", ENCODED)
def test_scrub_knows_what_is_in_base64(form: str, split: str) -> None:
    """Also where the key is a part of what was encoded: every character of base64 that tells of it goes."""
    remember(KEY)
    for width in (1, 2, 3, 5, 8, 13, 76):
        text = f"before ({SPLITS[split](ENCODED[form](KEY), width)}) after"
        clean = scrub(text)

        assert MASK in clean
        assert leaks(clean, KEY, 2) == []
        assert clean.startswith("before (")
        assert clean.endswith(") after")


def test_both_alphabets_of_base64_are_known() -> None:
    """The characters in which they differ come in each of the three ways to stand in a group."""
    key = "??>>~~??>>~~ÿÿ"
    remember(key)
    for before in ("", "a", "ab"):
        raw = f"{before}{key}".encode()
        standard, other = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
        assert standard != other

        assert leaks(scrub(standard), key, 4) == leaks(scrub(other), key, 4) == []
        assert MASK in scrub(standard)
        assert MASK in scrub(other)


def test_base64_is_taken_out_to_the_last_character() -> None:
    """The characters at its ends hold bits of the key besides others; they go too, and no more than they."""
    remember("0123456789")
    other = base64.b64encode(b"user:").decode()

    assert scrub(f"Basic {encoded('user:0123456789')}") == f"Basic {other[:6]}{MASK}"
    assert scrub(f"Basic {encoded('user:0123456789:x')}") == f"Basic {other[:6]}{MASK}Ong="
    assert scrub(f"Basic {encoded('a0123456789b')[1:-1]}") == f"Basic {MASK}"
    assert scrub(f"Basic {encoded('a0123456789b')[2:-2]}, x") == f"Basic {MASK}, x"


@given(
    value=st.text(st.characters(exclude_characters="*"), min_size=needle.MIN_LENGTH),
    before=st.text(),
    after=st.text(),
)
@example(value="   a", before="", after="")
@example(value="n\ud800\U0001f511", before="\ud83d", after="\udd11")
@example(value="©key", before="\u0169", after="")
def test_no_known_value_is_left(value: str, before: str, after: str) -> None:
    """Whatever stands around it, a known value is not in a scrubbed text, and the rest is."""
    known = redaction._Known()
    known.add(value)
    clean = known.scrub(before + value + after)

    if len(value.strip()) >= needle.MIN_LENGTH:
        assert value.strip() not in clean
    else:
        assert clean == before + value + after


def test_short_values_are_left_alone() -> None:
    """A value of three characters would tear holes into ordinary text."""
    remember("abc")
    remember(" abc\n")

    assert scrub("abc abcd") == "abc abcd"


def test_blanks_around_a_value_are_no_part_of_it() -> None:
    """The line break at the end of a file with a key is often lost on its way."""
    remember(" hunter22\r\n")

    assert scrub("x hunter22 y") == f"x {MASK} y"


def test_secrets_that_overlap_leave_nothing() -> None:
    """A secret that is part of another, one that begins in another, and one that begins in itself."""
    for value in ("hunter22", "hunter22-and-more", "and-more-again", "abababab"):
        remember(value)

    assert scrub("x hunter22-and-more y hunter22") == f"x {MASK} y {MASK}"
    assert scrub("x hunter22-and-more-again y") == f"x {MASK} y"
    assert scrub("x abababababab y cabababababab") == f"x {MASK} y c{MASK}"
    assert scrub("hunter22hunter22") == MASK


def test_overlaps_of_any_kind_are_found() -> None:
    """Pieces that overlap themselves by less than their period are one."""
    text = needle.Needle(b"aabaa")

    assert text.tail == b"baa"
    assert list(text.spans(b"aabaabaa_aabaaabaa_aabaa")) == [(0, 8), (9, 14), (13, 18), (19, 24)]


def test_a_line_of_a_key_is_taken_out() -> None:
    """Of a key of many lines each line gives a part away; a line that all keys have is nobody's secret."""
    remember(PEM)
    lines = PEM.splitlines()

    assert scrub(f"key: {PEM}") == f"key: {MASK}\n"
    assert scrub(json.dumps({"key": PEM})) == f'{{"key": "{MASK}\\n"}}'
    assert scrub(f"at {lines[2]}, {lines[3]}") == f"at {MASK}, {MASK}"
    assert scrub(f"at {lines[0]}") == f"at {lines[0]}"
    remember("a word\nin two lines that are long\n1234567890abcdef\nabcdefghijklmnopqrstuvwxyz")
    assert scrub("in two lines that are long") == "in two lines that are long"
    assert scrub("abcdefghijklmnopqrstuvwxyz") == "abcdefghijklmnopqrstuvwxyz"
    assert scrub("<1234567890abcdef>") == f"<{MASK}>"


def test_a_blank_may_become_a_line_break() -> None:
    """Who wraps text at blanks, or joins its words, hides no passphrase."""
    remember("correct horse battery")

    for text in (
        "correct\nhorse battery",
        "correct horse\r\n  battery",
        "correct\nhorse\nbattery",
        "correct horse\\nbattery",
    ):
        assert scrub(f"<{text}>") == f"<{MASK}>"
    remember(" ".join("abcdefghijkl"))
    assert scrub("a b c d e f\ng h i j k l") == MASK
    assert scrub("a b c\nd e f\ng h i j k l") == "a b c\nd e f\ng h i j k l"
    assert scrub("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl") == MASK


def test_what_is_no_escape_is_left() -> None:
    """Half an escape, and one beyond Unicode, stand for themselves, and hide nothing near them."""
    remember("hunter22")

    for text in ("%", "%4", "%zz", "\\", "\\q", "\\u12", "\\U00110000", "\\x4", "100% \\o/ C:\\dir %zz"):
        assert scrub(f"{text} <%68unter22> {text}") == f"{text} <{MASK}> {text}"
    remember("\U0001f511key")
    assert scrub("\\ud83d\\udd11key \\U0001f511key \\ud83d \\uDD11key") == f"{MASK} {MASK} \\ud83d \\uDD11key"


def test_what_was_around_is_as_it_was() -> None:
    """Only the secret is changed: line breaks, blanks and escapes of the rest stay."""
    remember("hunter22")
    text = (
        ' \t\n\r\n  a\\n"b%20" \u00e9\u2028\n\n\n <hun\n\t ter22>  \r\r é\\u00e9 %C3%A9 \n<%68unter22>\n <hunter\\n22>'
    )

    assert scrub(text) == text.replace("hun\n\t ter22", MASK).replace("%68unter22", MASK).replace("hunter\\n22", MASK)


def test_bytes_are_scrubbed_as_they_are() -> None:
    """Also such as are no text; what has no secret in it is the same object."""
    remember("hunter22é")
    dirty = b"\xff\xfe hunter22\xc3\xa9 \x80"

    assert scrub_bytes(dirty) == b"\xff\xfe *** \x80"
    clean, text = b"\xff nothing\n", "nothing\n"
    assert scrub_bytes(clean) is clean
    assert scrub(text) is text


def test_lone_surrogates_are_no_obstacle() -> None:
    """JSON may hold half a character, in a secret and around it."""
    remember("key-\ud83d")
    remember("hunter22")

    assert scrub("\udd11 key-\ud83d hunter22") == f"\udd11 {MASK} {MASK}"
    assert scrub("key-\\ud83d") == MASK


def test_repr_writes_some_letters_of_latin_1_as_bytes() -> None:
    """Those that are not printable, among others that are."""
    remember("k\u00e9y\u00ad\u00a0z")

    assert repr("k\u00e9y\u00ad\u00a0z") == "'k\u00e9y\\xad\\xa0z'"
    assert scrub(repr("k\u00e9y\u00ad\u00a0z")) == f"'{MASK}'"
    assert scrub(ascii("k\u00e9y\u00ad\u00a0z")) == f"'{MASK}'"


def test_a_character_is_not_cut_in_two() -> None:
    """A letter of Latin-1 as a byte is a part of other characters in UTF-8; what comes out is text again."""
    remember("key-\u00e9")
    remember("\u00a9-key")

    assert scrub("key-\u9999") == MASK
    assert scrub("\u0169-key") == MASK


def filled(count: int) -> None:
    """Have many values known."""
    for number in range(count):
        remember(f"sk-{number:05d}/{'abcdefghij'[number % 10] * 8}")


@pytest.mark.parametrize("form", [*FORMS, *ENCODED])
def test_among_many_values_each_is_found(form: str) -> None:
    """With more than can be looked for one by one, at every place of a text."""
    filled(FEW + 10)
    remember(KEY)
    remember("tiny")
    for shift in range(9):
        clean = scrub(f"{'x' * shift} {({**FORMS, **ENCODED})[form](KEY)} tiny")

        assert leaks(clean, KEY, 4) == []
        assert clean.startswith("x" * shift)
        assert clean.endswith(f" {MASK}")
    assert scrub("nothing of it") == "nothing of it"


@pytest.mark.parametrize("count", [3, FEW])
def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Rotated tokens are forgotten, the oldest first; one that came again is not, nor what another value has too."""
    monkeypatch.setattr(redaction, "MAX_KNOWN", count)
    remember("shared-by-two")
    for number in range(count):
        remember("shared-by-two\n")
        remember("key-in-use")
        remember(f"rotated-{number:03d}")

    assert scrub(f"key-in-use shared-by-two rotated-{count - 1:03d}") == f"{MASK} {MASK} {MASK}"
    assert scrub("rotated-000") == "rotated-000"
    known = redaction._known
    assert len(known._values) == count
    for number in range(count):
        remember(f"later-{number:03d}")
    assert scrub("key-in-use shared-by-two") == "key-in-use shared-by-two"
    assert {text for texts in known._grams.values() for text in texts} == set(known._needles) == set(known._owners)


def test_a_value_that_repeats_itself_can_be_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the pieces by which it is looked up are one and the same."""
    monkeypatch.setattr(redaction, "MAX_KNOWN", 1)
    for value in ("a" * 16, "another value", "a" * 16):
        remember(value)
        assert scrub(f"<{value}>") == f"<{MASK}>"


@pytest.mark.parametrize("value", ["\\n\\n", "\n\\n\\n", "%0a%0a"])
def test_a_value_of_escapes_alone_is_no_obstacle(value: str) -> None:
    """Undone they are line breaks, and nothing is left to be looked for."""
    remember(value)
    assert scrub("a text") == "a text"


def test_a_text_may_be_cut_beyond_the_reach() -> None:
    """The reach covers the longest known secret in its longest form."""
    assert reach() == 0
    remember("hunter22")
    remember("hunter2")

    assert reach() >= len(FORMS["json, all of it"]("hunter22")) == 48
    remember(PEM)
    assert reach() >= 6 * len(PEM)


def test_other_threads_may_scrub_while_values_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known is found in every moment."""
    monkeypatch.setattr(redaction, "MAX_KNOWN", FEW)
    remember("always-known")
    stop, seen = threading.Event(), []

    def reader() -> None:
        while not stop.is_set():
            seen.append(scrub("say always-known"))

    threads = [threading.Thread(target=reader) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(2000):
        remember(f"passing-{number}")
        remember("always-known")
    stop.set()
    for thread in threads:
        thread.join()

    assert set(seen) == {f"say {MASK}"}


@pytest.mark.parametrize("before", ["C:\\temp\\f", "50%", "100 %2", "\\", "\\u00", "\\x4"])
@pytest.mark.parametrize(
    "form", [lambda key: quote(key, safe=""), lambda key: json.dumps(key)[1:-1]], ids=["url", "json"]
)
def test_beginning_of_an_escape_hides_no_secret_behind_it(before: str, form: Callable[[str], str]) -> None:
    """What looks like the beginning of an escape does not take the first letter of a secret away."""
    key = 'fuzzcanary/+"\u00e9=0123'
    remember(key)
    clean = scrub(f"{before}{form(key)} and so on")

    assert not leaks(clean, key)


@pytest.mark.parametrize("changed", [str.lower, str.upper, html.escape], ids=["lower", "upper", "html"])
def test_long_secret_is_known_in_other_letters(changed: Callable[[str], str]) -> None:
    """Names of hosts and headers are put into lower case, and pages of errors are HTML."""
    key = "sk-Fuzz<Canary>&0123456789\u00e9"
    remember(key)

    assert scrub(f"got {changed(key)} here") == f"got {MASK} here"


def test_short_secret_is_no_word_in_other_letters() -> None:
    """What is short may be an ordinary word in small letters, and is looked for as it is."""
    remember("Password")

    assert scrub("Password: your password") == f"{MASK}: your password"


def test_what_stands_in_a_configuration_is_never_forgotten() -> None:
    """However many credentials of single calls come after it."""
    remember("sk-of-the-configuration", pinned=True)
    for number in range(redaction.MAX_KNOWN + 100):
        remember(f"token-{number:05d}")

    assert scrub("sk-of-the-configuration and token-00001") == f"{MASK} and token-00001"


def test_long_secret_is_known_in_no_time() -> None:
    """The time grows with its length, not with its square: a service may send what it likes for a token."""
    value = "ab" * 200_000 + " c" * 5_000
    remember(value)

    assert scrub(f"<{value}>") == f"<{MASK}>"
