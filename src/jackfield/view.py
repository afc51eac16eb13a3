"""View: a text with some ways of writing undone, and where in the text each piece of it came from.

Undone are line breaks with the indentation after them, percent-encoding (RFC 3986, section 2.1), and the escapes of
JSON (RFC 8259, section 7) and of Python's ``repr``; one inside the other too, as in JSON inside of JSON. Texts are
bytes in UTF-8, so that a percent-encoded letter and a plain one look alike.

All of it takes time in proportion to the text. The way back is only worked out for what was found.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

BLOCK = 65536
"""Bytes that are split into lines at once."""
DEPTH = 4
"""So many ways of writing around each other are undone."""
_TOKEN = re.compile(
    rb"%[0-9A-Fa-f]{2}"
    rb"|\\(?:[\"'/\\bfnrt]"
    rb"|u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}"
    rb"|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2})"
)
"""What stands for another character. Each has a greatest length, and none can be read in two ways."""
_LETTERS = {ord("b"): b"\b", ord("f"): b"\f", ord("n"): b"\n", ord("r"): b"\r", ord("t"): b"\t"}


class _Meanings(dict[bytes, bytes]):
    """What each token stands for; those of one byte are kept."""

    def __missing__(self, token: bytes) -> bytes:
        kind = token[1:2]
        if token[:1] == b"%":
            meaning = bytes.fromhex(token[1:].decode())
        elif kind == b"x":
            meaning = bytes.fromhex(token[2:].decode())
        elif kind in b"uU":
            return _characters(token)
        else:
            meaning = _LETTERS.get(token[1], kind)
        self[token] = meaning
        return meaning


def _characters(token: bytes) -> bytes:
    if len(token) == 12:  # a pair of surrogates
        high, low = int(token[2:6], 16), int(token[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).encode()
    number = int(token[2:].decode(), 16)
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else token


_meanings = _Meanings()


class Step:
    """One way of writing that was undone.

    Args:
        source: before.
        lines: whether it was split into lines; else it had tokens.
    """

    __slots__ = ("_lines", "_source", "_spans", "_starts")

    def __init__(self, source: bytes, *, lines: bool) -> None:
        self._source, self._lines = source, lines
        self._spans: list[tuple[int, int]] = []
        self._starts: list[int] = []

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where in the source a piece of the result stands."""
        if not self._spans:
            self._trace()
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, at: int) -> tuple[int, int]:
        number = bisect_right(self._starts, at) - 1
        start, end = self._spans[number]
        if end - start != self._starts[number + 1] - self._starts[number]:
            return start, end  # a token, which is whole or not at all
        place = start + at - self._starts[number]
        return place, place + 1

    def _trace(self) -> None:
        reached = 0
        for start, end, length in self._pieces():
            if length:
                self._spans.append((start, end))
                self._starts.append(reached)
                reached += length
        self._starts.append(reached)

    def _pieces(self) -> Iterator[tuple[int, int, int]]:
        """Start and end in the source, and the length of what it became."""
        at, source = 0, self._source
        if self._lines:
            for line in source.splitlines(keepends=True):
                kept = line.lstrip(b" \t").rstrip(b"\r\n")
                start = at + len(line) - len(line.lstrip(b" \t"))
                yield start, start + len(kept), len(kept)
                at += len(line)
            return
        for token in _TOKEN.finditer(source):
            start, end = token.span()
            yield at, start, start - at
            yield start, end, len(_meanings[token[0]])
            at = end
        yield at, len(source), len(source) - at


def views(data: bytes) -> Iterator[tuple[bytes, tuple[Step, ...]]]:
    """The text, and what it is when its ways of writing are undone one after the other; with the steps to each."""
    steps: tuple[Step, ...] = ()
    if b"\n" in data or b"\r" in data:
        steps = (Step(data, lines=True),)
        data = joined(data)
    yield data, steps
    for _ in range(DEPTH):
        decoded = undone(data)
        if decoded == data:
            return
        steps += (Step(data, lines=False),)
        if b"\n" in decoded or b"\r" in decoded:
            steps += (Step(decoded, lines=True),)
            decoded = joined(decoded)
        data = decoded
        yield data, steps


def joined(data: bytes) -> bytes:
    """Lines put together, without the blanks at their beginnings."""
    if b"\r" in data:
        data = data.replace(b"\r", b"\n")
    blocks, start = [], 0
    while start < len(data):  # a list of all lines would not stay in the processor's caches
        end = data.find(b"\n", start + BLOCK) + 1 or len(data)
        blocks.append(b"".join([line.lstrip(b" \t") for line in data[start:end].split(b"\n")]))
        start = end
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def undone(data: bytes, kinds: bytes = b"%\\") -> bytes:
    """The text with what its tokens stand for, of those that begin with one of ``kinds``."""
    if not (0x25 in data or 0x5C in data):
        return data
    return _TOKEN.sub(lambda token: _meanings[token[0]] if token[0][0] in kinds else token[0], data)


def origin(steps: tuple[Step, ...], start: int, end: int) -> tuple[int, int]:
    """Where in the text a piece of a view stands."""
    for step in reversed(steps):
        start, end = step.origin(start, end)
    return start, end
