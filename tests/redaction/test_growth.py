"""The time of scrubbing grows with the text, whatever is in it: no one can stop a program by an answer."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest

from jackfield.redaction import remember, scrub
from keys import KEYS

pytestmark = pytest.mark.long
KIB, MIB = 2**10, 2**20
PART, WHOLE = 64 * KIB, 4 * MIB
MOST = 2.3
"""A text in one piece takes at most so many times as long as its 64 parts; what is quadratic takes 64 times."""
ROUNDS = 20
"""A busy machine is slow for a while: the best of each is compared, and up to so many rounds look for it."""
KEY = KEYS["anthropic"]
ENCODED = base64.b64encode(KEY.encode()).decode()
PROSE = "It was the best of times, it was the worst of times, it was the age of wisdom, and of foolishness. "
SEEDS = {
    "prose": PROSE,
    "prose in lines": f"{PROSE}\n",
    "log lines": '2026-01-01T00:00:00Z INFO "POST /v1/chat/completions HTTP/1.1" 200 status=ok n=17\n',
    "json": '{"id": "chatcmpl-1", "text": "He said: \\"no\\"\\nand left", "n": [1, 2.5, null]}, ',
    "the key": KEY,
    "the key and a blank": f"{KEY} ",
    "the key in lines": "".join(f"{char}\n" for char in KEY),
    "the key percent-encoded": "".join(f"%{ord(char):02x}" for char in KEY),
    "the key in escapes": "".join(f"\\u{ord(char):04x}" for char in KEY),
    "the key in base64": ENCODED,
    "all but the end": KEY[:-1],
    "all but the beginning": KEY[1:],
    "all but the middle": f"{KEY[:20]}x{KEY[21:]}",
    "first half": KEY[: len(KEY) // 2],
    "first half in lines": "".join(f"{char}\n" for char in KEY[: len(KEY) // 2]),
    "almost, percent-encoded": "".join(f"%{ord(char):02X}" for char in KEY[:-1]),
    "almost, in escapes": "".join(f"\\x{ord(char):02x}" for char in KEY[:-1]),
    "almost, in base64": ENCODED[:-8],
    "first character": KEY[0],
    "last character": KEY[-1],
    "last four": KEY[-4:],
    "line feeds": "\n",
    "carriage returns": "\r",
    "both": "\r\n",
    "blanks": " ",
    "line feeds and blanks": "\n \t",
    "percent signs": "%",
    "half codes": "%4",
    "codes of percent signs": "%25",
    "backslashes": "\\",
    "half escapes": "\\u00",
    "escapes of escapes": "\\\\u005c",
    "escaped line breaks": "\\n",
    "surrogates": "\\ud83d",
    "heads of keys": "-----BEGIN PRIVATE KEY-----",
    "heads of keys in lines": "-----BEGIN PRIVATE KEY-----\n",
    "a self-similar key": "ababababababababababababababab",
    "an almost self-similar key": "abababababababababababababababac",
    "base64 letters": "QUFBQUFB",
    "letters beyond ASCII": "é密\U0001f511",
    "control characters": "\x00\x1b\x7f\x85",
}
"""Pieces of which a text is made; most are meant to be slow."""


@pytest.fixture
def _known() -> None:
    for value in (KEY, KEYS["pem"], KEYS["percent"], KEYS["with blanks"], "ab" * 20, "a" * 40):
        remember(value)


def seconds(action: Callable[[], object]) -> float:
    """What it takes, of this process alone."""
    before = time.process_time()
    action()
    return time.process_time() - before


def at_most(times: float, slow: Callable[[], object], quick: Callable[[], object]) -> bool:
    """Whether the best round of the one takes at most so many times as long as that of the other, both in turn."""
    best_slow = best_quick = float("inf")
    for _ in range(ROUNDS):
        best_quick = min(best_quick, seconds(quick))
        best_slow = min(best_slow, seconds(slow))
        if best_slow <= times * best_quick:
            return True
    return False


def is_linear(scrubber: Callable[[str], str], piece: str) -> bool:
    """Whether a text in one piece takes little longer than as much text in parts.

    Both take the same time where it is linear, so that a machine which is slow for a while is slow for both.
    """
    part, whole = piece * (PART // len(piece)), piece * (WHOLE // len(piece))
    return at_most(MOST, lambda: scrubber(whole), lambda: [scrubber(part) for _ in range(WHOLE // PART)])


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_time_grows_as_the_text_does(seed: str) -> None:
    """From 64 KiB to 4 MiB."""
    assert is_linear(scrub, SEEDS[seed])


def quadratic(text: str) -> str:
    """A scrubber that looks at the rest of the text from each ten-thousandth place."""
    return "".join("***" for start in range(0, len(text), 10_000) if "sk-nothing-of-it" in text[start:])


def test_a_scrubber_that_is_not_linear_is_found_out() -> None:
    """The measure above can fail."""
    assert not is_linear(quadratic, PROSE)


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize("seed", ["prose", "prose in lines", "log lines", "json"])
def test_ordinary_text_takes_little_time(seed: str) -> None:
    """At most 50 ms for a MiB on a machine that is not loaded; here with room for one that is."""
    text = SEEDS[seed] * (MIB // len(SEEDS[seed]))

    assert any(seconds(lambda: scrub(text)) < 0.25 for _ in range(ROUNDS))


def test_many_known_values_cost_no_more_than_few() -> None:
    """A server that has seen a thousand tokens logs as fast as one that has seen ten."""
    text = SEEDS["log lines"] * (256 * KIB // len(SEEDS["log lines"]))
    best = []
    for numbers in (range(10), range(10, 1000)):
        for number in numbers:
            remember(f"sk-proj-{number:04d}-{KEYS['azure'][number % 8 :]}{number * 7919 % 65521:04x}")
        best.append(min(seconds(lambda: scrub(text)) for _ in range(ROUNDS)))

    assert best[1] < MOST * best[0]
