"""Answer: one answer of HTTP/1.1 as it is read off a connection, without a byte of the next one."""

from __future__ import annotations

import re
from collections.abc import Callable

from jackfield.drivers.head import CHUNKED, END, LONGEST_HEAD, UNTIL_CLOSE, Head, MalformedError, decode_head

BLOCK = 16384
"""Bytes that are received at once: some sixty chunks of a stream, which still fit a processor's cache."""
LONGEST_LINE = 1024
"""Bytes of the line that tells the size of an HTTP chunk."""

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_NEXT_SIZE = re.compile(rb"\r\n" + _SIZE.pattern)
_TRAILER = re.compile(rb"(?:[^\r\n]+\r\n)*\r\n")


class Answer:
    """One answer: its head when it is made, its body block by block. Nothing is received that is not needed.

    Args:
        receive: the next bytes of the connection, at most as many as told, ``b""`` at its end; may raise ``OSError``.

    Attributes:
        head: of the answer; informational ones before it are skipped (RFC 9110, section 15.2).
        ended: the body was read to its end.

    Raises:
        ConnectionResetError: the connection ended before the head did.
        MalformedError: the head is none.
    """

    __slots__ = ("_buffer", "_left", "_receive", "_size", "ended", "head")

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._buffer = b""
        self.head = self._read_head()
        self._left = max(self.head.length, 0)  # of the body, or of the HTTP chunk
        self._size = _SIZE
        self.ended = self.head.length == 0

    @property
    def reusable(self) -> bool:
        """Whether its connection stands for another exchange: the answer is whole, and nothing came behind it."""
        return self.ended and self.head.keep_alive and not self._buffer

    def read(self) -> bytes:
        """The next bytes of the body, ``b""`` at its end; what came before a failure is given before it is raised.

        Raises:
            MalformedError: the body is cut short, or its chunks are none.
            OSError: of ``receive``.
        """
        if self.ended:
            return b""
        if self.head.length == CHUNKED:
            return self._chunks()
        block = self._buffer or self._receive(BLOCK)
        self._buffer = b""
        if self.head.length == UNTIL_CLOSE:
            self.ended = not block
            return block
        if not block:
            raise MalformedError("the answer ended before the length that it told")
        self._buffer = block[self._left :]
        block = block[: self._left]
        self._left -= len(block)
        self.ended = not self._left
        return block

    def _read_head(self) -> Head:
        while True:
            found = END.search(self._buffer)
            if found is None:
                self._more(LONGEST_HEAD, "the head of the answer is longer than 64 KiB")
                continue
            data, self._buffer = self._buffer[: found.start()], self._buffer[found.end() :]
            head = decode_head(data)
            if head.status >= 200:
                return head
            if head.status == 101:
                raise MalformedError("the server changes to a protocol that was not asked for")

    def _more(self, limit: int, too_long: str) -> None:
        """Receive what is missing of a head or of a line."""
        if len(self._buffer) > limit:
            raise MalformedError(too_long)
        block = self._receive(BLOCK)
        if not block:
            raise ConnectionResetError
        self._buffer += block

    def _chunks(self) -> bytes:
        """All that is here of the body; more is received only where that is nothing."""
        while True:
            pieces = self._here()
            if pieces:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            if self.ended:
                return b""
            try:
                if self._size is _TRAILER:
                    self._more(LONGEST_HEAD, "what follows the last HTTP chunk is longer than 64 KiB")
                else:
                    self._more(LONGEST_LINE, "an HTTP chunk tells no size")
            except ConnectionResetError:
                raise MalformedError("the answer ended before its last HTTP chunk") from None

    def _here(self) -> list[bytes]:
        """Take the HTTP chunks that are in the buffer, as far as they are (RFC 9112, section 7.1)."""
        buffer, left, size = self._buffer, self._left, self._size
        pieces: list[bytes] = []
        position, end = 0, len(buffer)
        while position < end:
            if left:
                piece = buffer[position : position + left]
                pieces.append(piece)
                position += len(piece)
                left -= len(piece)
                continue
            told = size.match(buffer, position)
            if told is None:
                if not pieces and size is not _TRAILER and buffer.find(b"\n", position + 2) >= 0:
                    raise MalformedError("an HTTP chunk tells no size")
                break
            position = told.end()
            if size is _TRAILER:
                self.ended = True
                break
            left = int(told[1], 16)
            size = _NEXT_SIZE if left else _TRAILER
        self._buffer, self._left, self._size = buffer[position:], left, size
        return pieces
