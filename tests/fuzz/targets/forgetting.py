"""Forgetting: of more secrets than are kept the latest are hidden, and of the others nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fuzz.source import Source, tried
from jackfield import redaction
from jackfield.redaction import _Known as Known

PARTS = ("a", "aaaa", "secret", "\n", " ", "b+/", "é", "%41", "\\n", '"', "0123456789abcdef", "\ud800", "x" * 30)
SHORT = 8
"""Characters, blanks aside, below which a secret may not be recognised."""
MOST = 3
"""So many values are kept here."""


def check(data: bytes) -> None:
    """Each byte chooses a part of a secret; those from 128 on end it."""
    source = Source(data)
    known, kept = Known(), list[str]()
    with few():
        for value in values(source):
            tried((), known.add, value)
            if value in kept:
                kept.remove(value)
            if value in known._values:
                kept.append(value)
            kept = kept[-MOST:]
            hidden, _ = tried((), known.scrub, f"<{value}>")
            short = len("".join(value.split())) < SHORT
            assert short or value in kept, "a secret was not taken"
            assert short or value not in hidden, "what was added last is not hidden"
        anew = Known()
        for value in kept:
            anew.add(value)
    assert list(known._values) == kept, "others are kept than the latest"
    assert sorted(known._needles) == sorted(anew._needles), "needles are left or lost"
    assert sorted(known._grams) == sorted(anew._grams), "grams are left or lost"


def values(source: Source) -> Iterator[str]:
    """Secrets."""
    for _ in range(12):
        text = ""
        while not source.ended and len(text) < 60:
            byte = source.byte()
            text += PARTS[byte % len(PARTS)]
            if byte >= 128:
                break
        if source.ended:
            return
        yield text


@contextmanager
def few() -> Iterator[None]:
    """Let few values be kept."""
    before, redaction.MAX_KNOWN = redaction.MAX_KNOWN, MOST
    try:
        yield
    finally:
        redaction.MAX_KNOWN = before
