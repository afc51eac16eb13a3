"""The ledger of a fault server: what it received, so that a test can compare what a client says with what it did."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import attrs

CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie")
"""Headers in which services are sent a key."""


@attrs.define(eq=False)
class Received:
    """One request that a server read.

    Attributes:
        door: name of the door that it came through, ``plain`` for the usual one.
        connection: number of the connection that it came on; two requests with one number shared it.
        method, target: of the request line.
        headers: by name in lower case.
        body: bytes, as sent.
        model: the model name that was asked for, or ``""``; it selects the fault.
        stream: whether a stream was asked for.
        executed: whether the server would have done the work: it is False for a request that it refused.
        left_after: seconds from the request's arrival until the client was seen to close the connection; None where it
            did not, or where the server did not look.
    """

    door: str
    connection: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes = attrs.field(repr=False)
    model: str = ""
    stream: bool = False
    executed: bool = True
    left_after: float | None = None
    left: threading.Event = attrs.field(factory=threading.Event, repr=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """The credentials that came with it, as the headers hold them."""
        return tuple(self.headers[name] for name in CREDENTIALS if name in self.headers)


@attrs.define(eq=False)
class Ledger:
    """Everything that a server received, oldest first.

    Attributes:
        connections: how many were accepted, by door; handshakes that failed are counted too.
        handshakes: TLS handshakes that came to their end, by door.
        requests: those that were read to their end.
    """

    connections: Counter[str] = attrs.field(factory=Counter)
    handshakes: Counter[str] = attrs.field(factory=Counter)
    requests: list[Received] = attrs.field(factory=list)

    def of(self, model: str) -> list[Received]:
        """The requests that asked for ``model``."""
        return [received for received in self.requests if received.model == model]

    def through(self, door: str) -> list[Received]:
        """The requests that came through ``door``."""
        return [received for received in self.requests if received.door == door]

    @property
    def keys(self) -> Counter[str]:
        """How often each credential was seen."""
        return Counter(key for received in self.requests for key in received.keys)

    @property
    def executions(self) -> Counter[str]:
        """How often the work was done for each ``Idempotency-Key``, ``""`` standing for requests without one."""
        return Counter(received.headers.get("idempotency-key", "") for received in self.requests if received.executed)

    def clear(self) -> None:
        """Forget everything."""
        self.connections.clear()
        self.handshakes.clear()
        self.requests.clear()

    def summary(self) -> dict[str, Any]:
        """The counts as plain values, for a server in another process."""
        return {
            "connections": dict(self.connections),
            "handshakes": dict(self.handshakes),
            "requests": len(self.requests),
            "executed": sum(received.executed for received in self.requests),
            "models": dict(Counter(received.model for received in self.requests)),
            "keys": dict(self.keys),
            "executions": dict(self.executions),
        }
