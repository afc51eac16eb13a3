"""Line: a connection of aiohttp whose bytes we take as they come, once it is made."""

from __future__ import annotations

import asyncio

from aiohttp.client_proto import ResponseHandler

from jackfield.drivers.answer import BLOCK

BUFFER = 65536
"""Bytes that are received ahead; twice as many stop the server."""


class Line(ResponseHandler, asyncio.BufferedProtocol):
    """aiohttp makes it, may speak to a proxy on it, and keeps it in its pool; requests and answers are ours.

    Its parser, and the buffers and timers around that, cost as much as all the rest of an exchange.

    Args:
        loop: the event loop.
        buffer: where the loop puts what it receives, for all lines of the loop: what is received is taken at once.
            Without it the loop makes room for 256 KiB each time, which costs more than receiving.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: memoryview) -> None:
        super().__init__(loop)
        self._room = buffer
        self._ours = self._in_use = self._stopped = False
        self._received, self._given = b"", 0  # bytes, and how many of them were given
        self._lost: BaseException | None = None
        self._gone = self._cut = False
        self._waiting: asyncio.Future[None] | None = None

    @property
    def fresh(self) -> bool:
        """Whether no exchange was begun on it yet."""
        return not self._ours

    @property
    def drained(self) -> bool:
        """Whether all bytes that were received were given."""
        return not self._received and not self._stopped

    def take(self) -> None:
        """Begin an exchange."""
        self._ours = self._in_use = True

    def abort(self) -> None:
        """End whatever waits for it, at once."""
        self._cut = True
        if self.transport is not None:
            self.transport.abort()

    def leave(self) -> None:
        """End it: whatever comes from now on was not asked for."""
        self._in_use = False

    async def receive(self) -> bytes:
        """The next bytes, ``b""`` at the end of the connection.

        Raises:
            OSError: it broke or was aborted, and all that came before was given.
        """
        if not self._received and not self._gone:
            await self.arrival()
        return self.here() or self.end()

    def arrival(self) -> asyncio.Future[None]:
        """Done once there are bytes, or there will be no more; for who has found none here."""
        self._waiting = self._loop.create_future()
        if self._gone:
            self._waiting.set_result(None)
        return self._waiting

    def end(self) -> bytes:
        """What the end of the bytes means: ``b""``, or that the connection broke or was aborted.

        Raises:
            OSError: it did.
        """
        if self._lost is not None:
            raise self._lost
        if self._cut:
            raise ConnectionResetError  # the end is our own doing
        return b""

    def here(self) -> bytes:
        """The next bytes of those that were received, ``b""`` where none are left."""
        received, begin = self._received, self._given
        if len(received) <= BLOCK:
            self._received = b""
            block = received
        else:
            block = received[begin : begin + BLOCK]
            self._given += BLOCK
            if self._given >= len(received):
                self._received, self._given = b"", 0
        if self._stopped and len(self._received) - self._given < BUFFER:
            self._stopped = False
            if self.transport is not None:
                self.transport.resume_reading()
        return block

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - there is one size
        """Where the event loop is to put bytes."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """The event loop has put them there."""
        self.data_received(self._room[:nbytes].tobytes())

    def data_received(self, data: bytes) -> None:
        """Take bytes of the connection."""
        if not self._ours:
            super().data_received(data)
        elif self._in_use:
            self._received = self._received[self._given :] + data if self._received else data
            self._given = 0
            if len(self._received) > 2 * BUFFER and not self._stopped and self.transport is not None:
                self._stopped = True
                self.transport.pause_reading()
            self._wake()
        elif self.transport is not None:
            self.force_close()
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The event loop has seen its end."""
        self._lost, self._gone = exc, True
        super().connection_lost(exc)
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
