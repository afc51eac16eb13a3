"""Answer: an HTTP answer as bytes, framed in the way that a fault needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import attrs


def chunk(block: bytes) -> bytes:
    """A block in the chunked coding (RFC 9112, section 7.1); an empty one ends the body."""
    return f"{len(block):x}\r\n".encode() + block + b"\r\n"


def event(data: bytes, name: str = "", *, end: bytes = b"\n") -> bytes:
    """A server-sent event whose line ends are ``end``."""
    lines = [b"event: " + name.encode()] if name else []
    lines += [b"data: " + line for line in data.split(b"\n")]
    return end.join([*lines, b"", b""])


def _blocks(blocks: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(blocks)


@attrs.frozen
class RawAnswer:
    """An answer.

    Attributes:
        blocks: the body; where it is chunked, each block is a chunk.
        status: HTTP status.
        headers: besides those of the framing.
        framing: ``length``, ``chunked``, or ``close``: the end of the connection is the end of the body.
    """

    blocks: tuple[bytes, ...] = attrs.field(converter=_blocks)
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=lambda: {"content-type": "application/json"})
    framing: str = "length"

    @property
    def head(self) -> bytes:
        """The head, with the framing's own header."""
        framing = {
            "length": f"content-length: {sum(map(len, self.blocks))}\r\n",
            "chunked": "transfer-encoding: chunked\r\n",
            "close": "connection: close\r\n",
        }[self.framing]
        return head(self.status, self.headers, framing)

    @property
    def parts(self) -> list[bytes]:
        """What is sent, in parts: the head, each block, the end."""
        if self.framing != "chunked":
            return [self.head, *self.blocks]
        return [self.head, *map(chunk, self.blocks), chunk(b"")]

    @property
    def whole(self) -> bytes:
        """What is sent, at once."""
        return b"".join(self.parts)


def head(status: int, headers: Mapping[str, str] | Iterable[tuple[str, str]], framing: str = "") -> bytes:
    """The head of an answer; ``framing`` is one more line, or none."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}{framing}\r\n".encode("latin-1")
