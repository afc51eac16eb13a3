"""Connector: aiohttp's, telling a call how far its request has come, so that each part of the way keeps its limit."""

from __future__ import annotations

import asyncio
import select
from typing import Any

import aiohttp

from jackfield.drivers.live import Live


class Connector(aiohttp.TCPConnector):
    """Tells the call how far its request has come: each part of the way has a limit of its own."""

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's signature
        """A connection for the request of the current task; bytes of the request may leave from then on."""
        connection = await super().connect(req, traces, timeout)
        while _hung_up(connection.transport):
            connection.close()  # the event loop has not yet seen that the server left
            connection = await super().connect(req, traces, timeout)
        try:
            sending_by_task[asyncio.current_task()].enter("first_byte")
        except BaseException:
            connection.release()  # nothing was sent on it
            raise
        return connection

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's signature
        """A new connection: there is room for one."""
        sending_by_task[asyncio.current_task()].enter("connect")
        return await super()._create_connection(req, traces, timeout)


def _hung_up(transport: asyncio.Transport | None) -> bool:
    """Whether the other side of a connection has closed it, as the system knows it; False where it cannot be asked."""
    if transport is None or transport.is_closing():
        return True
    sock = transport.get_extra_info("socket")
    if HUNG_UP is None or sock is None:
        return False
    poll = select.poll()
    poll.register(sock, HUNG_UP)
    return bool(poll.poll(0))


HUNG_UP: int | None = getattr(select, "POLLRDHUP", None)
"""Linux tells of a close from the other side apart from data, which TLS may send at any time."""


class Sending:
    """A request on its way, and the scope that ends with its time."""

    __slots__ = ("live", "scope")

    def __init__(self, live: Live, scope: asyncio.Timeout) -> None:
        self.live, self.scope = live, scope

    def enter(self, part: str) -> None:
        """Begin a part of the way."""
        live = self.live
        live.wait(part, getattr(live.timeouts, part))
        live.sent = part == "first_byte"

    def cut(self) -> None:
        """End the wait at once."""
        if not self.scope.expired():
            self.scope.reschedule(0)


sending_by_task: dict[Any, Sending] = {}
"""By task; aiohttp connects in the task that sends."""
