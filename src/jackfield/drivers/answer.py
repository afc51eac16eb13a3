"""Answer: one answer of HTTP/1.1 from the bytes of its connection, without I/O and without a byte of the next one."""

from __future__ import annotations

import re

from jackfield.drivers.head import CHUNKED, END, LONGEST_HEAD, UNTIL_CLOSE, Head, MalformedError, decode_head

BLOCK = 16384
"""Bytes to be fed at once: some sixty chunks of a stream, which still fit a processor's cache."""
LONGEST_LINE = 1024
"""Bytes of the line that tells the size of an HTTP chunk."""

# No longer than a line may be that has not ended: what is taken must not depend on how the bytes come.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]{0,99}(?:;[^\r\n]{0,900})?\r\n")
_NO_SIZE = "an HTTP chunk tells no size"
_TOO_MUCH = "too much follows the last HTTP chunk"
_NEXT_SIZE = re.compile(rb"\r\n" + _SIZE.pattern)
_TRAILER = re.compile(rb"([^\r\n]*)\r\n")


class Answer:
    """One answer: first its head, then its body, block by block.

    Whoever drives it asks for a part and, where it is not all here, feeds the next bytes and asks again; so it needs no
    byte that the answer does not have.

    Attributes:
        ended: the body was read to its end.
    """

    __slots__ = ("_buffer", "_closed", "_keep_alive", "_left", "_length", "_size", "_trailer", "ended")

    def __init__(self) -> None:
        self._buffer = b""
        self._closed = self._keep_alive = self.ended = False
        self._length = self._left = 0  # of the body; what is left of it, or of the HTTP chunk
        self._size = _SIZE
        self._trailer = 0  # bytes of what follows the last HTTP chunk

    @property
    def reusable(self) -> bool:
        """Whether its connection stands for another exchange: the answer is whole, and nothing came behind it."""
        return self.ended and self._keep_alive and not self._buffer

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection, ``b""`` being its end."""
        if not data:
            self._closed = True
        self._buffer = self._buffer + data if self._buffer else data

    def head(self) -> Head | None:
        """The head, None where more is needed; informational ones before it are skipped (RFC 9110, section 15.2).

        Raises:
            ConnectionResetError: the connection ended before the head did.
            MalformedError: it is none.
        """
        while (found := END.search(self._buffer)) is not None:
            if found.end() > LONGEST_HEAD + 1:  # it was longer before its last byte came
                break
            data, self._buffer = self._buffer[: found.start()], self._buffer[found.end() :]
            head = decode_head(data)
            if head.status >= 200:
                self._length, self._left, self._keep_alive = head.length, max(head.length, 0), head.keep_alive
                self.ended = head.length == 0
                return head
            if head.status == 101:
                raise MalformedError("the server changes to a protocol that was not asked for")
        if self._closed:
            raise ConnectionResetError
        if len(self._buffer) > LONGEST_HEAD:
            raise MalformedError("the head of the answer is longer than 64 KiB")
        return None

    def read(self) -> bytes | None:
        """The next bytes of the body, ``b""`` at its end, None where more is needed.

        What came before a failure is given before it is raised.

        Raises:
            MalformedError: the body is cut short, or its chunks are none.
        """
        if self.ended:
            return b""
        if self._length == CHUNKED:
            return self._chunks()
        block, self._buffer = self._buffer, b""
        if self._length == UNTIL_CLOSE:
            self.ended = self._closed and not block
            return block if block or self.ended else None
        if not block:
            if self._closed:
                raise MalformedError("the answer ended before the length that it told")
            return None
        self._buffer = block[self._left :]
        block = block[: self._left]
        self._left -= len(block)
        self.ended = not self._left
        return block

    def _chunks(self) -> bytes | None:
        """All that is here of the body."""
        if self._buffer:
            pieces = self._here()
            if pieces:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            if self.ended:
                return b""
        if self._closed:
            raise MalformedError("the answer ended before its last HTTP chunk")
        if self._trailer + len(self._buffer) > (LONGEST_HEAD if self._size is _TRAILER else LONGEST_LINE):
            raise MalformedError(_TOO_MUCH if self._size is _TRAILER else _NO_SIZE)
        return None

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
                    raise MalformedError(_NO_SIZE)
                break
            position = told.end()
            if size is _TRAILER:
                self._trailer += len(told[1])
                if told[1] and self._trailer <= LONGEST_HEAD:
                    continue
                self.ended = not told[1]
                break
            left = int(told[1], 16)
            size = _NEXT_SIZE if left else _TRAILER
        self._buffer, self._left, self._size = buffer[position:], left, size
        return pieces
