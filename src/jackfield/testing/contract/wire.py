"""Wire: one HTTP exchange by urllib3 alone, for checks of servers that owe nothing to jackfield."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import urllib3


@attrs.frozen
class RawReply:
    """What a server sent.

    Attributes:
        status: HTTP status; 0 where none came.
        kind: content type, without its parameters.
        body: what came of the body.
        failure: what was wrong with the transport, or None.
    """

    status: int
    kind: str
    body: bytes
    failure: str | None = None

    @property
    def told(self) -> str:
        """The status and the beginning of the body, in a few words."""
        return f"{self.status} {self.body[:80]!r}" if self.failure is None else f"nothing: {self.failure}"

    @property
    def events(self) -> Iterator[bytes]:
        """The data of each event of a stream that an empty line ends (WHATWG HTML, section 9.2)."""
        *blocks, _ = self._text.split(b"\n\n")
        for block in blocks:
            data = _data(block)
            if data:
                yield b"\n".join(data)

    @property
    def unended(self) -> bool:
        """Whether the stream ends with data after which no empty line comes."""
        return bool(_data(self._text.rpartition(b"\n\n")[2]))

    @property
    def _text(self) -> bytes:
        return self.body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _data(block: bytes) -> list[bytes]:
    return [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]


def fetch(url: str, body: bytes, headers: Mapping[str, str], timeout: float, limit: int = 2**24) -> RawReply:
    """POST ``body``; at most ``limit`` bytes of the answer are read, and no redirect is followed.

    Args:
        url: absolute.
        body: to send.
        headers: to send.
        timeout: seconds that each wait may take.
        limit: bytes.
    """
    status, kind, blocks = 0, "", bytearray()
    with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
        try:
            answer = pool.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
            status = answer.status
            kind = (answer.headers.get("content-type") or "").partition(";")[0].strip().lower()
            for block in answer.stream(65536, decode_content=True):
                blocks += block
                if len(blocks) > limit:
                    return RawReply(status, kind, bytes(blocks), f"more than {limit} bytes came")
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            return RawReply(status, kind, bytes(blocks), f"{type(error).__name__}: {error}"[:200])
    return RawReply(status, kind, bytes(blocks))
