"""The time of scrubbing grows with the text, whatever is in it: no one can stop a program by an answer."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from jackfield.redaction import remember, scrub
from keys import KEYS

pytestmark = pytest.mark.long
KIB, MIB = 2**10, 2**20
SIZES = [64 * KIB << step for step in range(7)]
"""From 64 KiB to 4 MiB."""
MOST = 2.3
"""Twice the text takes at most so many times as long."""
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


def seconds(scrubber: Callable[[str], str], text: str, times: int) -> float:
    """The least time that it takes, of this process alone."""
    least = float("inf")
    for _ in range(times):
        before = time.process_time()
        scrubber(text)
        least = min(least, time.process_time() - before)
    return least


def growth(scrubber: Callable[[str], str], piece: str, sizes: list[int]) -> float:
    """How many times as long the slowest doubling takes; what is under a millisecond tells nothing."""
    texts = [piece * (size // len(piece)) for size in sizes]
    taken = [
        max(seconds(scrubber, text, 3 if size <= MIB else 2), 0.001) for size, text in zip(sizes, texts, strict=True)
    ]
    return max(longer / shorter for shorter, longer in pairwise(taken))


def grows_too_fast(scrubber: Callable[[str], str], piece: str, sizes: list[int]) -> bool:
    """Whether it does in each of three tries: a busy machine is slow once."""
    return all(growth(scrubber, piece, sizes) > MOST for _ in range(3))


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize("seed", SEEDS)
def test_twice_the_text_takes_twice_the_time(seed: str) -> None:
    """From 64 KiB to 4 MiB."""
    assert not grows_too_fast(scrub, SEEDS[seed], SIZES)


def quadratic(text: str) -> str:
    """A scrubber that looks at the rest of the text from each thousandth place."""
    return "".join("***" for start in range(0, len(text), 1000) if "sk-nothing-of-it" in text[start:])


def test_a_scrubber_that_is_not_linear_is_found_out() -> None:
    """The measure above can fail."""
    assert grows_too_fast(quadratic, PROSE, [64 * KIB << step for step in range(5)])


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize("seed", ["prose", "prose in lines", "log lines", "json"])
def test_ordinary_text_takes_little_time(seed: str) -> None:
    """At most 50 ms for a MiB on a machine that is not loaded; here with room for one that is."""
    text = SEEDS[seed] * (MIB // len(SEEDS[seed]))

    assert min(seconds(scrub, text, 3) for _ in range(3)) < 0.25


def test_many_known_values_cost_no_more_than_few() -> None:
    """A server that has seen a thousand tokens logs as fast as one that has seen ten."""
    text = SEEDS["log lines"] * (256 * KIB // len(SEEDS["log lines"]))
    best = []
    for numbers in (range(10), range(10, 1000)):
        for number in numbers:
            remember(f"sk-proj-{number:04d}-{KEYS['azure'][number % 8 :]}{number * 7919 % 65521:04x}")
        best.append(min(seconds(scrub, text, 3) for _ in range(5)))

    assert best[1] < MOST * best[0]
