"""FaultServer: a service on 127.0.0.1 that fails as it is told, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from jackfield.testing.faults.answer import RawAnswer
from jackfield.testing.faults.catalogue import FAULTS, Exchange, parse
from jackfield.testing.faults.connection import GONE, LONGEST_HEAD, Connection
from jackfield.testing.faults.dialect import Ask, Dialect, OpenAIDialect
from jackfield.testing.faults.doors import CLOSED, DOORS, HOST, SECURE, Certificates
from jackfield.testing.faults.ledger import Ledger, Received
from jackfield.testing.faults.mix import Mix

T = TypeVar("T")


class FaultServer:
    """A service that fails as the model name says: ``reset?at=40``, ``status?code=429&retry-after=1``, ``ok``.

    The argument ``first=n`` has the first n requests with the same body fail, and answers the others well. A context
    manager; afterwards no thread, task or socket is left.

    Args:
        dialect: the wire format; OpenAI's unless told.
        seed: of everything that is drawn; the same requests in the same order get the same answers.
        mix: parts of each fault, by model name, for the model ``mix``; see ``jackfield.testing.faults.mix``.

    Attributes:
        ledger: what it received.
        errors: what went wrong in the server itself. A fault that could not be carried out is answered with 500, and
            ``close`` raises the first of them: a mistake in a test must not be taken for the fault that it wanted.
    """

    def __init__(self, dialect: Dialect | None = None, *, seed: int = 0, mix: Mix | None = None) -> None:
        self.dialect: Dialect = OpenAIDialect() if dialect is None else dialect
        self.seed = seed
        self.ledger = Ledger()
        self.errors: list[Exception] = []
        self._mix = Mix() if mix is None else mix
        self._asked: Counter[object] = Counter()
        self._ports: dict[str, int] = {}
        self._certificates = Certificates()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._servers: list[asyncio.Server] = []
        self._bound: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="jackfield-faults", daemon=True)

    @property
    def url(self) -> str:
        """The base URL of the usual door, where every request is answered."""
        return self.door("plain")

    @property
    def ca_file(self) -> Path:
        """PEM file of the authority that signed the certificate of the door ``tls``."""
        return self._certificates.ca_file

    def door(self, name: str) -> str:
        """The base URL of a door: one of ``jackfield.testing.faults.DOORS``; it is opened when it is first asked for.

        Raises:
            ValueError: there is no such door.
        """
        if name not in DOORS:
            raise ValueError(f"no door is named {name!r}; there are {', '.join(DOORS)}")
        if name not in self._ports:
            self._run(self._open(name))
        return self.door_url(name)

    def start(self, port: int = 0) -> Self:
        """Begin to answer, at a free port unless told.

        Raises:
            OSError: the port is taken.
        """
        self._thread.start()
        try:
            self._run(self._open("plain", port))
            self._run(self._open("other"))  # so that no fault has to open it
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End everything, whatever clients are still waiting for.

        Raises:
            Exception: the first of ``errors``.
        """
        if self._thread.is_alive():
            self._run(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        self._certificates.remove()
        if self.errors:
            raise self.errors.pop(0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- on the loop ---------------------------------------------------------------------------------------------

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if not self._thread.is_alive():
            coroutine.close()
            raise RuntimeError("the fault server is not running: use it as a context manager, or start it")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _open(self, door: str, port: int = 0) -> None:
        if door in SECURE:  # first: without trustme no socket is to be left, nor a door that is none
            self._contexts[door] = self._certificates.context(door)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, port))
        except OSError:
            sock.close()
            raise
        self._ports[door] = sock.getsockname()[1]
        if door == "refused":
            self._bound.append(sock)  # bound, so that no one else gets the port, and not listening
            return

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.ledger.connections[door] += 1
            connection = Connection(reader, writer, door, self.ledger.connections.total())
            task = self._loop.create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(serve, sock=sock, backlog=1024, limit=LONGEST_HEAD)
        self._servers.append(server)

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for sock in self._bound:
            sock.close()
        # A connection that has just been accepted is begun by the loop in a few steps, each of which is a task.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)

    async def _serve(self, connection: Connection) -> None:
        """Treat a connection as its door does: answer request after request, or none."""
        try:
            with suppress(*GONE):
                await (self._refuse(connection) if connection.door in CLOSED else self._converse(connection))
                await connection.close()
        finally:
            connection.drop()

    async def _converse(self, connection: Connection) -> None:
        if connection.door in SECURE:
            await connection.secure(self._contexts[connection.door])
            self.ledger.handshakes[connection.door] += 1
        while connection.open and (received := await connection.request()) is not None:
            await self._answer(connection, received)

    async def _refuse(self, connection: Connection) -> None:
        if connection.door == "reset":
            connection.reset()
        elif connection.door in {"silent", "tls-silent"}:
            await connection.drained()
        else:
            await connection.first()
        if connection.door == "tls-garbage":
            await connection.send(b"220 mail.example ESMTP\r\n")
        elif connection.door == "tls-reset":
            connection.reset()

    async def _answer(self, connection: Connection, received: Received) -> None:
        try:
            ask = self.dialect.ask(received.method, received.target, received.body)
        except ValueError as error:
            self.ledger.requests.append(received)
            await self._refused(connection, received, 400, str(error))
            return
        if received.target == "/ledger":
            await self._tell(connection, received)
        elif ask is None:
            self.ledger.requests.append(received)
            await connection.send(RawAnswer([self.dialect.other(received.method, received.target)]).whole)
        else:
            received.model, received.stream = ask.model, ask.stream
            self.ledger.requests.append(received)
            await self._fail(connection, received, ask)

    async def _tell(self, connection: Connection, received: Received) -> None:
        """The ledger's counts, which ``DELETE`` sets back; for a server in another process."""
        await connection.send(RawAnswer([json.dumps(self.ledger.summary()).encode()]).whole)
        if received.method == "DELETE":
            self.ledger.clear()

    async def _fail(self, connection: Connection, received: Received, ask: Ask) -> None:
        self._asked[ask.model] += 1
        source = random.Random(f"{self.seed} {ask.model} {self._asked[ask.model]}")  # noqa: S311 - to be repeatable
        try:
            fault, arguments = parse(self._mix.draw(source) if ask.model == "mix" else ask.model)
        except ValueError as error:
            await self._refused(connection, received, 404, str(error))
            return
        if "first" in arguments:
            self._asked[received.body] += 1
            if self._asked[received.body] > int(arguments["first"]):
                fault = FAULTS["ok"]
        if fault.only_streams and not ask.stream:
            fault = FAULTS["ok"]
        exchange = Exchange(connection, received, ask, self.dialect, arguments, source, self.door_url)
        try:
            await fault.act(exchange)
        except GONE:
            connection.gone(received, exchange.began)
            raise
        except Exception as error:  # noqa: BLE001 - of a fault, or its arguments
            self.errors.append(error)
            await self._refused(connection, received, 500, f"the fault server itself failed: {error!r}")

    async def _refused(self, connection: Connection, received: Received, status: int, message: str) -> None:
        received.executed = False
        await connection.send(RawAnswer([self.dialect.error(status, message)], status).whole)

    def door_url(self, name: str) -> str:
        """The base URL of a door that is open: for faults, which run on the loop."""
        return f"{'https' if name.startswith('tls') else 'http'}://{HOST}:{self._ports[name]}/v1"
