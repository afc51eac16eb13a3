"""A relay between the gateway and its backend, which sees when the gateway lets go of an answer.

An answer to a request that says ``hold:NAME`` is held: of a stream the first event comes through, of a whole answer
nothing. Whoever asked for it can only leave.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

MARK = re.compile(rb"hold:([\w-]+)")
EVENTS = b"text/event-stream"
PIECE = 65_536


class Relay:
    """Passes bytes between whoever connects and one server; a context manager that ends it.

    Attributes:
        base_url: where it listens: ``http://127.0.0.1:PORT``.

    Args:
        port: of the server, on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._changed = threading.Condition()
        self._left: dict[str, float] = {}
        threading.Thread(target=self._accept, daemon=True).start()

    def left(self, name: str, patience: float) -> float | None:
        """When the connection was closed that had asked for ``hold:NAME``, in seconds since the epoch.

        Args:
            name: as the request says it.
            patience: seconds to wait for it; after that None.
        """
        with self._changed:
            self._changed.wait_for(lambda: name in self._left, patience)
            return self._left.get(name)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                _Pair(self, near, socket.create_connection(("127.0.0.1", self._port)))

    def note(self, name: str) -> None:
        """Take down that the one who asked for ``hold:NAME`` has left."""
        with self._changed:
            self._left[name] = time.time()
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class _Pair:
    """Two connections, and a thread for each direction."""

    def __init__(self, relay: Relay, near: socket.socket, far: socket.socket) -> None:
        self._relay, self._near, self._far = relay, near, far
        self._held: str | None = None
        for direction in (self._ask, self._answer):
            threading.Thread(target=direction, daemon=True).start()

    def _ask(self) -> None:
        with suppress(OSError):
            while data := self._near.recv(PIECE):
                if found := MARK.search(data):
                    self._held = found[1].decode()
                self._far.sendall(data)
        if self._held is not None:
            self._relay.note(self._held)
        _close(self._far)
        self._near.close()

    def _answer(self) -> None:
        held = b""
        with suppress(OSError):
            while data := self._far.recv(PIECE):
                if self._held is None:
                    self._near.sendall(data)
                elif not _first_event(held):
                    held += data
                    self._near.sendall(_first_event(held))
        if self._held is None:
            _close(self._near)
        self._far.close()


def _first_event(answer: bytes) -> bytes:
    """What there is of an answer, to the end of its first event; nothing before that is there."""
    _, found, _ = answer.partition(EVENTS)
    head, end, _ = answer.partition(b"\n\n")
    return head + end if found and end else b""


def _close(connection: socket.socket) -> None:
    """End a connection whose other thread may be reading it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
