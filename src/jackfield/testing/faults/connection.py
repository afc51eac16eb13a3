"""Connection: one client's connection, to be answered byte by byte, well or badly."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import suppress

from jackfield.testing.faults.ledger import Received

LONGEST_HEAD = 2**20
"""Bytes: a fault server bears more than it would answer."""
GONE = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
"""What reading or writing raises once the client has left, or sends what has no end, which is its right."""


class Connection:
    """A connection of a client.

    Args:
        reader, writer: its two halves.
        door: name of the door that it came through.
        number: it is the nth of the server.

    Attributes:
        open: whether another request may come on it.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, door: str, number: int) -> None:
        self.door, self.number = door, number
        self.open = True
        self._reader, self._writer = reader, writer

    async def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on.

        Raises:
            OSError: there was no handshake.
        """
        await self._writer.start_tls(context)

    async def request(self) -> Received | None:
        """The next request; None where the client sends no more, or something else.

        Raises:
            OSError: it left in the middle.
        """
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        words, length = first.split(" "), headers.get("content-length", "0")
        if len(words) != 3 or not length.isdecimal():
            return None
        body = await self._reader.readexactly(int(length))
        return Received(self.door, self.number, words[0], words[1], headers, body)

    async def send(self, *blocks: bytes | float) -> None:
        """Send bytes, each block in a segment of its own; a number is a pause in seconds.

        Raises:
            OSError: the client has left.
        """
        for block in blocks:
            if isinstance(block, bytes):
                self._writer.write(block)
                await self._writer.drain()
            else:
                await asyncio.sleep(block)

    async def left(self, received: Received, since: float) -> None:
        """Send nothing more until the client has left, and note when that was."""
        with suppress(*GONE):
            await self.drained()
        self.gone(received, since)

    def gone(self, received: Received, since: float) -> None:
        """Note that the client has left."""
        received.left_after = asyncio.get_running_loop().time() - since
        received.left.set()
        self.open = False

    async def first(self) -> None:
        """Wait for the first bytes of the client, whatever they are."""
        await self._reader.read(65536)

    async def drained(self) -> None:
        """Read, and say nothing, until the client has left."""
        while await self._reader.read(65536):
            pass

    def reset(self) -> None:
        """End the connection rudely: RST, and whatever was on its way is lost."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self.open = False

    async def close(self) -> None:
        """End the connection politely: what was sent arrives, then FIN.

        Raises:
            OSError: the client has left.
        """
        self.open = False
        self._writer.close()
        await self._writer.wait_closed()

    def drop(self) -> None:
        """End it at once, if it has not ended."""
        self._writer.transport.abort()
