"""Inbound: one HTTP request as the handlers see it, and its body within the limits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import attrs

from jackfield.wire import from_json
from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.key import Key
    from jackfield_gateway.settings import Limits

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
T = TypeVar("T")


class ClientLeftError(Exception):
    """The client closed its connection, or stopped reading: there is nobody to answer."""


@attrs.define(eq=False)
class Inbound:
    """A request that has come in.

    Attributes:
        scope: of ASGI.
        receive: of ASGI; nobody but this object and ``Outbound`` may await it.
        send: of ASGI.
        limits: of bodies.
        id: what ``x-request-id`` tells the client.
        key: whose it is; None where no key is demanded.
        headers: by name in lower case; of a repeated one the first.
    """

    scope: Scope
    receive: Receive
    send: Send
    limits: Limits
    id: str = attrs.field(factory=lambda: f"req_{os.urandom(16).hex()}", init=False)
    key: Key | None = attrs.field(default=None, init=False)
    headers: Mapping[str, str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(self.scope["headers"])
        }

    @property
    def method(self) -> str:
        """The method, in capitals."""
        method: str = self.scope["method"]
        return method

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the placeholders of the route stand for."""
        parameters: Mapping[str, str] = self.scope.get("path_params", {})
        return parameters

    @property
    def query(self) -> list[tuple[str, str]]:
        """Names and values of the query, in order.

        Raises:
            Refusal: it is none.
        """
        try:
            return parse_qsl(
                self.scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=100, errors="strict"
            )
        except ValueError:
            raise Refusal(400, "the query cannot be read", code="invalid_query") from None

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            Refusal: it is too large (413), or did not come in time (408).
            ClientLeftError: the client left before its end.
        """
        most = self.limits.body_bytes
        told = self.headers.get("content-length", "")
        if told.isdecimal() and int(told) > most:
            raise _too_large(most)
        loop = asyncio.get_running_loop()
        until = loop.time() + self.limits.body_total
        pieces: list[bytes] = []
        size = 0
        while True:
            try:
                async with asyncio.timeout_at(min(until, loop.time() + self.limits.body_stall)):
                    message = await self.receive()
            except TimeoutError:
                raise Refusal(
                    408, "the body did not come in time", code="request_timeout", headers={"connection": "close"}
                ) from None
            if message["type"] == "http.disconnect":
                raise ClientLeftError
            if piece := message.get("body", b""):
                size += len(piece)
                if size > most:
                    raise _too_large(most)
                pieces.append(piece)
            if not message.get("more_body", False):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def json(self, cls: type[T]) -> T:
        """The body as a value of a wire type.

        Raises:
            Refusal: it is no JSON by its content type, or it is compressed (415), or one of ``body``.
            ValidationError: it does not have the shape of the type.
            ClientLeftError: the client left before its end.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal(
                415, "expected content-type: application/json", code="unsupported_media_type", headers=LEAVE_UNREAD
            )
        if self.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
            raise Refusal(  # RFC 9110, section 15.5.16; a small body could become any size
                415,
                "expected a body without content-encoding",
                code="unsupported_media_type",
                headers={"accept-encoding": "identity", **LEAVE_UNREAD},
            )
        return from_json(await self.body(), cls)


LEAVE_UNREAD = {"connection": "close"}
"""Where a body was not read: the connection cannot go on."""


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the body has more than {most} bytes", code="request_too_large", headers=LEAVE_UNREAD)
