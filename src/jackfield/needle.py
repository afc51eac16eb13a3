"""Needle: one form of a secret that is looked for in views of a text."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from itertools import chain, product
from urllib.parse import quote

from jackfield.view import joined, undone

MIN_LENGTH = 4
"""Values shorter than this are not looked for: they would tear holes into ordinary text."""
MIN_LINE = 16
"""Characters of a line of a secret that is looked for by itself."""
FEW_BLANKS = 4
"""At so many blanks of a secret line breaks are recognised in any of their places."""
MANY_BLANKS = 64
"""With more of them only a text without any is looked for."""
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")


class Needle:
    """Bytes to be found.

    Attributes:
        text: the bytes.
        tail: their smallest period: what is repeated where they overlap themselves.
        edges: characters of base64 before and after them that hold a part of the secret too.
    """

    __slots__ = ("edges", "tail", "text")

    def __init__(self, text: bytes, edges: tuple[int, int] = (0, 0)) -> None:
        self.text, self.edges = text, edges
        self.tail = text[-_period(text) :]

    def spans(self, view: bytes) -> Iterator[tuple[int, int]]:
        """Where it stands; pieces that overlap are one. The time is in proportion to the view, whatever is in it."""
        length = len(self.text)
        start = view.find(self.text)
        while start >= 0:
            end = start + length
            while view.startswith(self.tail, end):
                end += len(self.tail)
            before, after = self.edges
            yield (
                start - (before and start > 0 and view[start - 1] in _BASE64),
                end + (after and end < len(view) and view[end] in _BASE64),
            )
            start = view.find(self.text, end - length + 1)


def _period(text: bytes) -> int:
    """The smallest shift by which a text overlaps itself, in time proportional to it (Knuth, Morris, Pratt 1977)."""
    borders, border = [0] * len(text), 0
    for at in range(1, len(text)):
        while border and text[at] != text[border]:
            border = borders[border - 1]
        border += text[at] == text[border]
        borders[at] = border
    return len(text) - border


def needles(value: str) -> dict[bytes, Needle]:
    """All that is looked for on account of a secret, by its bytes."""
    value = value.strip()
    raw = value.encode("utf-8", "surrogatepass")
    cases = [value.lower(), value.upper()] if len(value) >= MIN_LINE else []  # shorter ones may be words
    found = (
        [Needle(text) for text in {*_plain(value), *_lines(raw), *_raw(cases)} if text]
        if len(value) >= MIN_LENGTH
        else []
    )
    if found:
        found += _in_base64(raw)
    return {needle.text: needle for needle in found if len(needle.text) >= MIN_LENGTH}


def _plain(value: str) -> Iterator[bytes]:
    """The value as views show it, which undo what looks like a way of writing in the value itself; and as written."""
    # As usually written: what stands before may look like the beginning of an escape, and swallow the first letter.
    yield from _raw([quote(value, safe="", errors="surrogatepass"), json.dumps(value)[1:-1]])
    yield from _raw([html.escape(value), html.escape(value, quote=False)])
    for raw in {value.encode("utf-8", "surrogatepass"), _in_python(value, shown=True), _in_python(value, shown=False)}:
        for kinds in (b"", b"%", b"\\", b"%\\"):
            text = joined(undone(raw, kinds))
            yield text
            words = text.split(b" ")
            if len(words) > 1:
                yield b"+".join(words)  # as forms write it
                yield from _run_together(words)


def _run_together(words: list[bytes]) -> Iterator[bytes]:
    """Where a line was broken at a blank, the blank is gone: at any of a few, at one or all of many."""
    blanks = len(words) - 1
    if blanks <= FEW_BLANKS:
        for gaps in product((b" ", b""), repeat=blanks):
            yield b"".join([*chain.from_iterable(zip(words, gaps, strict=False)), words[-1]])
    else:
        yield b"".join(words)
        for at in range(1, len(words)) if blanks <= MANY_BLANKS else ():
            yield b" ".join(words[:at]) + b" ".join(words[at:])


def _raw(texts: Iterable[str]) -> Iterator[bytes]:
    for text in texts:
        yield text.encode("utf-8", "surrogatepass")


def _in_python(value: str, *, shown: bool) -> bytes:
    """Letters of Latin-1 as a byte each, as ``ascii`` writes them; or, as ``repr`` does, those that are not shown."""
    return b"".join(
        [
            char.encode(
                "latin-1" if char < "\u0100" and (shown or not char.isprintable()) else "utf-8", "surrogatepass"
            )
            for char in value
        ]
    )


def _lines(raw: bytes) -> Iterator[bytes]:
    """Lines of a key in PEM (RFC 7468) and the like, which each give a part of it away; not what all keys have."""
    lines = [line.strip() for line in raw.splitlines()]
    for line in lines if len(lines) > 1 else ():
        if len(line) >= MIN_LINE and _BASE64.issuperset(line.rstrip(b"=")) and any(48 <= char <= 57 for char in line):
            yield line


def _in_base64(raw: bytes) -> Iterator[Needle]:
    """What is the same in base64 (RFC 4648) whatever stands before and after the value: three ways, two alphabets."""
    for shift in range(3):
        first, last = -(-shift * 8 // 6), (shift + len(raw)) * 8 // 6
        text = base64.b64encode(bytes(shift) + raw)[first:last]
        edges = int(shift > 0), int((shift + len(raw)) % 3 > 0)
        yield Needle(text, edges)
        yield Needle(text.translate(bytes.maketrans(b"+/", b"-_")), edges)
