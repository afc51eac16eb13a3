"""Redaction: every secret that was read is known by its value, and taken out of any text.

The limit: a secret that jackfield never saw cannot be recognised. ``jackfield.needle`` has the forms in which one is,
``jackfield.view`` the ways of writing that hide none.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from jackfield.needle import Needle, needles
from jackfield.view import origin, views

MASK = "***"
MAX_KNOWN = 1024
"""So many values are remembered, the longest unused forgotten first: a rotating token must not fill the memory."""
FEW = 32
"""So many needles are looked for one by one, more of them by their grams."""
GRAM = 4
"""Bytes that are looked up at once."""
REACH = 8
"""Times its length that a secret takes in a text, written in a long way: six for each character, and line breaks."""


class _Known:
    """The values of secrets, and all that is looked for on their account.

    A few needles are looked for by ``in``: nothing is faster. With many, each fourth place of the text is looked up in
    a table of the last bytes of all needles, and only what is found there is looked for. No pattern: one of a thousand
    values takes 0.3 s to make, and five times as long to use.
    """

    def __init__(self) -> None:
        self.reach = 0
        self._values: OrderedDict[str, dict[bytes, Needle]] = OrderedDict()
        self._needles: dict[bytes, Needle] = {}
        self._owners: dict[bytes, int] = {}
        self._grams: dict[int, tuple[bytes, ...]] = {}
        # What is looked for one by one, and that as text where it is all there is. One value: others read meanwhile.
        self._singly: tuple[tuple[bytes, ...], tuple[str, ...] | None] = (), ()
        self._pinned: set[str] = set()
        self._lock = threading.Lock()

    def add(self, value: str, *, pinned: bool = False) -> None:
        with self._lock:
            if value in self._values:
                self._values.move_to_end(value)
                if pinned:
                    self._pinned.add(value)
                return
            found = needles(value)
            if not found:
                return
            self._values[value] = found
            if pinned:
                self._pinned.add(value)
            self.reach = max(self.reach, REACH * len(value))
            for needle in found.values():
                self._enter(needle)
            while len(self._values) - len(self._pinned) > MAX_KNOWN:
                oldest = next(value for value in self._values if value not in self._pinned)
                for text in self._values.pop(oldest):
                    self._drop(text)
            few = len(self._needles) <= FEW
            singly = tuple([text for text in self._needles if few or len(text) < 2 * GRAM - 1])
            self._singly = singly, tuple([text.decode() for text in singly if text.isascii()]) if few else None

    def _enter(self, needle: Needle) -> None:
        text = needle.text
        self._needles[text] = needle
        self._owners[text] = self._owners.get(text, 0) + 1
        if self._owners[text] == 1:
            for gram in _grams(text):
                self._grams[gram] = (*self._grams.get(gram, ()), text)

    def _drop(self, text: bytes) -> None:
        self._owners[text] -= 1
        if self._owners[text]:
            return
        del self._owners[text], self._needles[text]
        for gram in _grams(text):
            self._grams[gram] = tuple([other for other in self._grams[gram] if other != text])
            if not self._grams[gram]:
                del self._grams[gram]

    def scrub(self, text: str) -> str:
        forms = self._singly[1]
        if forms is not None and text.isascii() and not ("\n" in text or "\\" in text or "%" in text or "\r" in text):
            # Most texts: nothing can be undone in them, and to look at them as they are takes half the time.
            for form in forms:
                if form in text:
                    break
            else:
                return text
        try:
            data = text.encode()
        except UnicodeEncodeError:  # a lone surrogate
            data = text.encode("utf-8", "surrogatepass")
        clean = self.scrub_bytes(data)
        return text if clean is data else clean.decode("utf-8", "surrogatepass")

    def scrub_bytes(self, data: bytes) -> bytes:
        spans: list[tuple[int, int]] = []
        for view, steps in views(data) if self._values else ():
            found = self._in(view)
            if found:
                spans += [origin(steps, start, end) for start, end in self._spans(view, found)]
        return _masked(data, spans) if spans else data

    def _in(self, view: bytes) -> list[bytes]:
        """The needles that are in a view."""
        singly, forms = self._singly
        if forms is not None:
            return [text for text in singly if text in view]
        grams = self._grams
        words = memoryview(view)[: len(view) // GRAM * GRAM].cast("I")
        hits = {text for word in words if word in grams for text in grams.get(word, ())}
        return [text for text in (*hits, *singly) if text in view]

    def _spans(self, view: bytes, found: list[bytes]) -> Iterator[tuple[int, int]]:
        # Another thread may have made room meanwhile.
        for needle in filter(None, map(self._needles.get, found)):
            yield from needle.spans(view)


def _grams(text: bytes) -> set[int]:
    """The last grams of a needle: one of them stands at a fourth place of any text that has the needle."""
    if len(text) < 2 * GRAM - 1:
        return set()
    return {int.from_bytes(text[end - GRAM : end], sys.byteorder) for end in range(len(text) - GRAM + 1, len(text) + 1)}


def _masked(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """The text with the mask for each piece of it; those that overlap are one, and no character is cut in two."""
    kept, reached = [], 0
    mask, begun, ended = MASK.encode(), -1, -1
    for start, end in sorted(_whole(data, start, end) for start, end in spans):
        if start < ended:
            ended = max(ended, end)
            continue
        if begun >= 0:
            kept += [data[reached:begun], mask]
            reached = ended
        begun, ended = start, end
    return b"".join([*kept, data[reached:begun], mask, data[ended:]])


def _whole(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The piece with the rest of the characters at its ends: a byte of Latin-1 is also found in one of UTF-8."""
    for _ in range(3):
        start -= start > 0 and data[start] & 0xC0 == 0x80
        end += end < len(data) and data[end] & 0xC0 == 0x80
    return start, end


_known = _Known()


def remember(value: str, *, pinned: bool = False) -> None:
    """Have ``scrub`` take ``value`` out of every text from now on, however it is written; see ``scrub``.

    Args:
        value: the secret.
        pinned: it stands in a configuration, and is not forgotten however many others come.
    """
    _known.add(value, pinned=pinned)


def scrub(text: str) -> str:
    """The text with ``***`` for each secret that was read.

    As it is, percent-encoded, in base64 (also inside of what was encoded), escaped as in JSON or ``repr``, and split by
    line breaks. It takes time in proportion to the text.
    """
    return _known.scrub(text)


def scrub_bytes(data: bytes) -> bytes:
    """``scrub`` for text in UTF-8 as bytes, or bytes that are no text."""
    return _known.scrub_bytes(data)


def reach() -> int:
    """Characters within which any known secret stands, however it is written: who cuts a text looks at so many more."""
    return _known.reach
