"""Outbound: the answer to one request, as it is written; and who notices that nobody reads it.

The server neither cancels a request whose client left, nor lets a send to it fail, nor limits how long a send may
block. So each answer is watched here: one task awaits the message that tells of the client's end, and one sweeper per
gateway looks at the sends that block.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from jackfield_gateway.inbound import ClientLeftError

if TYPE_CHECKING:
    from jackfield_gateway.inbound import Inbound, Receive

PIECE = 1024 * 1024
"""Bytes of a whole answer that are sent at once."""
PERIOD = 1.0
"""Seconds between two looks of the sweeper."""


@attrs.frozen
class Reply:
    """A whole answer.

    Attributes:
        body: its bytes.
        status: of HTTP.
        content_type: of the body.
        headers: besides, names in lower case.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict)


class Outbound:
    """The answer to one request.

    Attributes:
        started: whether its head was sent: after that no other status can be told.
        status: that of its head, 0 before.
        whole: whether what was begun is a whole answer, in which no event can tell of a failure.
        blocked: when the send began that has not returned, on the loop's clock; None where none blocks.
        peer: the client's address and port.
    """

    __slots__ = ("_inbound", "_left", "_task", "blocked", "peer", "reason", "started", "status", "whole")

    def __init__(self, inbound: Inbound) -> None:
        self._inbound = inbound
        self._left = False
        self._task: asyncio.Task[Any] | None = None
        self.reason: BaseException | None = None
        self.started, self.status, self.whole = False, 0, False
        self.blocked: float | None = None
        self.peer: tuple[str, int] | None = inbound.scope.get("client")

    async def reply(self, reply: Reply) -> None:
        """Send a whole answer.

        Raises:
            ClientLeftError: nobody reads it.
        """
        length = {"content-length": str(len(reply.body))}
        self.whole = True
        await self.start(reply.status, {"content-type": reply.content_type, **length, **reply.headers})
        body = reply.body if self._inbound.method != "HEAD" else b""
        while len(body) > PIECE:  # the server takes the last piece whatever its size, and nobody would see it stall
            await self.write(body[:PIECE])
            body = body[PIECE:]
        await self.end(body)

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head. Raises ``ClientLeftError``."""
        self.started, self.status = True, status
        sent = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        sent.append((b"x-request-id", self._inbound.id.encode("ascii")))
        sent += self._inbound.scope.get("jackfield.headers", ())
        await self._send({"type": "http.response.start", "status": status, "headers": sent})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body, and give other requests their turn. Raises ``ClientLeftError``."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        await asyncio.sleep(0)  # a send seldom suspends: a fast backend would keep the loop to itself

    async def end(self, data: bytes = b"") -> None:
        """Send the last piece of the body. Raises ``ClientLeftError``."""
        await self._send({"type": "http.response.body", "body": data})

    def break_off(self, cut: Callable[[tuple[str, int]], None]) -> None:
        """Close the connection, so that half an answer does not look like a whole one.

        Args:
            cut: closes the connection with that client.
        """
        if self.peer is not None:
            cut(self.peer)

    async def _send(self, message: dict[str, Any]) -> None:
        if self._left:
            raise ClientLeftError
        self.blocked = asyncio.get_running_loop().time()
        try:
            await self._inbound.send(message)
        finally:
            self.blocked = None

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Within it, the task is cancelled when the client leaves or stops reading; outside comes ``ClientLeftError``.

        The request's body must have been read.
        """
        task = self._task = asyncio.current_task()
        assert task is not None  # noqa: S101 - within a coroutine
        watcher = asyncio.ensure_future(_gone(self._inbound.receive))
        watcher.add_done_callback(self._noticed)
        try:
            yield
        except asyncio.CancelledError:
            if self.reason is None or task.uncancel() > 0:
                raise
            raise self.reason from None
        finally:
            self._task = None
            watcher.remove_done_callback(self._noticed)
            watcher.cancel()

    def leave(self, reason: BaseException) -> None:
        """End the request from elsewhere, for that reason; nothing outside of ``watched``, or where it ends already."""
        if self._task is not None and self.reason is None:
            self.reason = reason
            self._task.cancel()

    def _noticed(self, watcher: asyncio.Task[None]) -> None:
        if not watcher.cancelled():
            self._left = True
            self.leave(ClientLeftError())


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def sweep(
    answers: Callable[[], Iterable[Outbound]], stall: float, cut: Callable[[tuple[str, int]], None]
) -> None:
    """End the answers whose client has not read for that long; runs until it is cancelled.

    Args:
        answers: those that are being written.
        stall: seconds.
        cut: closes the connection with that client; the server itself would keep it for ever.
    """
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(min(PERIOD, stall / 4))
        for one in list(answers()):
            if one.blocked is not None and loop.time() - one.blocked > stall:
                one.leave(ClientLeftError())
                if one.peer is not None:
                    cut(one.peer)
