"""A progress bar on stderr; on anything but a terminal, one line."""

from __future__ import annotations

import sys
from typing import TextIO

WIDTH = 30
MEGABYTE = 1_000_000


class Progress:
    """Shows how much of something has arrived.

    Args:
        what: what arrives, and where to, in a few words.
        total: bytes it has.
        stream: where to; stderr unless told. None, as in programs without a console, shows nothing.
    """

    def __init__(self, what: str, total: int, stream: TextIO | None = None) -> None:
        self._what, self._total = what, total
        self._stream = sys.stderr if stream is None else stream
        self._bar = self._stream is not None and self._stream.isatty()
        self._shown = ""
        if not self._bar:
            self._write(f"{what} ({total / MEGABYTE:.0f} MB)\n")

    def update(self, done: int) -> None:
        """``done`` bytes are here."""
        if not self._bar:
            return
        share = min(done / self._total, 1.0)
        bar = "#" * int(share * WIDTH)
        line = f"\r{self._what} [{bar:<{WIDTH}}] {share:4.0%} of {self._total / MEGABYTE:.0f} MB"
        if line != self._shown:
            self._shown = line
            self._write(line)

    def close(self) -> None:
        """Leave the line of the bar."""
        if self._shown:
            self._write("\n")

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None  # closed, or its reader is gone: the model matters more
