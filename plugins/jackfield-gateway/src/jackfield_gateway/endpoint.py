"""Endpoint: the way of each request: guard, handler, answer or refusal, and the books.

Both classes are ASGI applications, so that routes call them without a layer between.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from jackfield.errors import CallError, JackfieldError
from jackfield.failure import sentence
from jackfield_gateway.database import StoreError
from jackfield_gateway.inbound import ClientLeftError, Inbound, Receive, Scope, Send
from jackfield_gateway.outbound import Outbound, Reply
from jackfield_gateway.refusal import Refusal, refusal_of

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway

Access: TypeAlias = Literal["open", "key", "inspect"]
Handler: TypeAlias = Callable[["Gateway", Inbound], Awaitable[Reply]]
StreamHandler: TypeAlias = Callable[["Gateway", Inbound, Outbound], Awaitable[None]]
log = logging.getLogger("jackfield.gateway")
TOLD = 500
"""Characters of a message that the log gets."""
LINKS, FRAMES = 5, 10
"""Errors of one chain, and functions of each, that the log gets; the innermost first."""
LEFT = 499
"""The status in the books for a client that left before its answer, as nginx has it."""


class Streaming:
    """An endpoint whose handler writes its answer itself.

    Args:
        gateway: whose it is.
        handler: called with the gateway, the request and the answer.
        access: ``open`` to all, with a ``key``, or with a key that may ``inspect``.
        name: of the route, in the metrics.
    """

    def __init__(self, gateway: Gateway, handler: StreamHandler, access: Access, name: str) -> None:
        self._gateway, self._handler, self._access, self._name = gateway, handler, access, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        gateway, began = self._gateway, time.monotonic()
        inbound = Inbound(scope, receive, send, gateway.settings.limits)
        outbound = Outbound(inbound)
        gateway.answers.add(outbound)
        try:
            await self._answer(inbound, outbound)
        except ClientLeftError:
            outbound.status = outbound.status or LEFT
        finally:
            gateway.answers.discard(outbound)
            gateway.metrics.request(self._name, outbound.status, time.monotonic() - began)

    async def _answer(self, inbound: Inbound, outbound: Outbound) -> None:
        try:
            await self._admit(inbound)
            await self._handler(self._gateway, inbound, outbound)
        except (Refusal, JackfieldError) as error:
            await self._refuse(error, inbound, outbound)
        except (ClientLeftError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            log.error("%s: %s failed: %s", inbound.id, self._name, places(error))  # noqa: TRY400 - see there
            await self._refuse(error, inbound, outbound)

    async def _admit(self, inbound: Inbound) -> None:
        gateway = self._gateway
        gateway.guard.check_place(inbound)
        origin = gateway.guard.allowed_origin(inbound)
        if origin is not None:
            inbound.scope["jackfield.headers"] = cors(origin)
        if self._access == "open":
            return
        inbound.key = await gateway.guard.check_key(inbound, inspects=self._access == "inspect")
        if gateway.draining:
            raise shutting_down()

    async def _refuse(self, error: Exception, inbound: Inbound, outbound: Outbound) -> None:
        refusal = refusal_of(error)
        own = refusal.status == 500 and isinstance(error, JackfieldError) and not isinstance(error, CallError)
        if own or isinstance(error, StoreError):  # what a service said of a call is in the inspector
            log.error("%s: %s failed: %s", inbound.id, self._name, sentence(str(error), TOLD))
        if outbound.whole:
            outbound.break_off(self._gateway.cut)
        elif outbound.started:
            await outbound.end(b"data: %b\n\n" % refusal.body)  # only streams fail after their head
        else:
            await outbound.reply(Reply(refusal.body, refusal.status, headers=refusal.headers))


class Endpoint(Streaming):
    """An endpoint whose handler returns a whole answer, in short time.

    Args:
        gateway: whose it is.
        handler: called with the gateway and the request.
        access: as for ``Streaming``.
        name: as for ``Streaming``.
    """

    def __init__(self, gateway: Gateway, handler: Handler, access: Access, name: str) -> None:
        async def whole(gateway: Gateway, inbound: Inbound, outbound: Outbound) -> None:
            await outbound.reply(await handler(gateway, inbound))

        super().__init__(gateway, whole, access, name)


def places(error: BaseException) -> str:
    """The classes of an error and of what led to it, and where they were raised.

    Their texts may be anybody's, a prompt's or a credential's, and the log is not the place for either.
    """
    told, seen = [], set[int]()
    link: BaseException | None = error
    while link is not None and id(link) not in seen and len(seen) < LINKS:
        seen.add(id(link))
        where = [
            f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(link.__traceback__)
        ]
        told.append(" < ".join([type(link).__name__, *where[: -FRAMES - 1 : -1]]))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "; after ".join(told)


def shutting_down() -> Refusal:
    """What is told while the gateway drains."""
    return Refusal(
        503,
        "the gateway is shutting down",
        code="shutting_down",
        headers={"retry-after": "1", "connection": "close"},
    )


def cors(origin: str) -> list[tuple[bytes, bytes]]:
    """Headers by which a browser lets a page of that origin read the answer. WHATWG Fetch, section 3.2."""
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b"x-request-id, retry-after, x-should-retry"),
        (b"vary", b"origin"),
    ]
