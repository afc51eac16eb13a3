"""A store that is locked, full or gone: clients are told to come again, and when it is back, all is well."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest

from jackfield.secret import Secret
from jackfield_gateway import database, health
from jackfield_gateway.database import Postgres, SQLite, StoreError
from jackfield_gateway.key import KeyLimits
from jackfield_gateway.ring import digest, make_key, make_token
from jackfield_gateway.settings import GatewaySettings
from jackfield_gateway.store import Completion, Store

_spec = importlib.util.spec_from_file_location("gateway_databases_failing", Path(__file__).with_name("databases.py"))
databases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(databases)
BODY = {"model": "fast", "messages": [{"role": "user", "content": "hello"}]}
CHAT = "/v1/chat/completions"


def with_a_key(made: Store) -> dict[str, str]:
    """The header with the key that the store then has, whose tokens it counts."""

    async def main() -> dict[str, str]:
        token = make_token()
        await made.open()
        await made.add_key(make_key(token, "a", limits=KeyLimits(tokens_per_day=10**9)), digest(token))
        await made.close()
        return {"authorization": f"Bearer {token}"}

    return asyncio.run(main())


def until(ask, path: str, status: int, key: Mapping[str, str] | None = None) -> None:
    """Ask until the answer is that one."""
    end = time.monotonic() + 60
    while ask(path, headers=key).status != status:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Nothing is waited for long."""
    monkeypatch.setattr(database, "BUSY", 0.3)
    monkeypatch.setattr(database, "PATIENCE", 1.0)
    monkeypatch.setattr(health, "KEPT", 0.0)


def unavailable(told) -> bool:
    """Whether a client is told to come again, in the shape of OpenAI's errors."""
    shape = told.error.keys() == {"message", "type", "param", "code"}
    return shape and (told.status, told.error["code"], told.headers["retry-after"]) == (503, "store_unavailable", "1")


def test_a_file_that_another_process_locks(gateway, service, tmp_path, caplog):
    """What needs it is refused before the service works for it, what does not goes on; then all goes on."""
    path = tmp_path / "g.db"
    ask = gateway(GatewaySettings(keys="never", store=f"sqlite:{path}"))
    assert ask("/readyz").status == 200
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert unavailable(ask("/readyz"))
        assert unavailable(ask(CHAT, {**BODY, "store": True}))
        assert unavailable(ask(CHAT, {**BODY, "store": True, "stream": True}))
        assert not service.ledger.requests
        assert ask(CHAT, BODY).status == 200
        assert ask("/healthz").status == 200
        other.execute("ROLLBACK")
    assert ask("/readyz").status == 200
    assert ask(CHAT, {**BODY, "store": True}).status == 200
    assert len(ask(CHAT).json["data"]) == 1
    assert "SQLITE_BUSY" in caplog.text


def test_who_waits_behind_others_for_a_locked_file_is_not_kept_longer(tmp_path):
    """Each statement waits by itself, one after the other; nobody waits for all of them."""
    path = tmp_path / "g.db"

    async def main() -> float:
        store = Store(SQLite(str(path)))
        await store.open()
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writes = [asyncio.create_task(store.count("key", "day:1", 1, 9e9)) for _ in range(20)]
            await asyncio.sleep(0)
            began = time.monotonic()
            with contextlib.suppress(StoreError):
                await store.has_keys()
            took = time.monotonic() - began
            assert all(isinstance(one, StoreError) for one in await asyncio.gather(*writes, return_exceptions=True))
        assert not await store.has_keys()
        await store.close()
        return took

    assert asyncio.run(main()) < 2 * database.PATIENCE


def test_a_file_that_is_full():
    """It is no fault of the program's; what is freed can be used again."""

    async def main() -> None:
        full = SQLite(":memory:")
        store = Store(full)
        await store.open()
        (pages,) = (await full.run("PRAGMA page_count"))[0]
        await full.run(f"PRAGMA max_page_count = {pages}")
        large = Completion("id", "m", '"' + "x" * 200_000 + '"', "[]")
        with pytest.raises(StoreError, match="SQLITE_FULL"):
            await store.save("", large)
        await full.run("PRAGMA max_page_count = 10000")
        await store.save("", large)
        assert await store.completion("", "id") == large
        await store.close()

    asyncio.run(main())


@attrs.define(eq=False)
class Relay:
    """A way to a socket of Unix that can be closed, and that can let nothing pass.

    Attributes:
        where: socket at the other end.
        folder: where its own is.
        flows: whether anything passes.
    """

    where: str
    folder: str
    flows: threading.Event = attrs.field(factory=threading.Event, init=False)
    _open: list[socket.socket] = attrs.field(factory=list, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    @property
    def path(self) -> str:
        """Of its socket."""
        return f"{self.folder}/{os.path.basename(self.where)}"

    def begin(self) -> None:
        """Take connections."""
        self.flows.set()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen()
        self._open.append(listener)
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def end(self) -> None:
        """Close those that there are, and take no other."""
        self.flows.set()
        Path(self.path).unlink(missing_ok=True)
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                here = listener.accept()[0]
                with self._lock:
                    if listener not in self._open:  # it was ended meanwhile
                        here.close()
                        return
                    there = socket.socket(socket.AF_UNIX)
                    self._open += [here, there]
                    there.connect(self.where)
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self.flows.wait()
                target.sendall(data)
        with contextlib.suppress(OSError):  # the end of one side is told to the other
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL."""
    if reason := databases.missing():
        pytest.skip(reason)
    with databases.postgres() as url:
        yield url


@pytest.fixture
def relay(server, monkeypatch) -> Iterator[Relay]:
    """A way to it, whose URL is in the environment."""
    url, _, folder = server.partition("?host=")
    with tempfile.TemporaryDirectory(prefix="jf-relay-", dir="/tmp") as own:
        monkeypatch.setenv("GATEWAY_TEST_URL", f"{url}?host={own}")
        made = Relay(f"{folder}/.s.PGSQL.5432", own)
        made.begin()
        try:
            yield made
        finally:
            made.end()


@pytest.mark.parametrize("how", ["gone", "silent"])
def test_a_database_server_that_does_not_answer(gateway, service, relay, how):
    """Whether its connections end or only say nothing more: no request waits for it for ever, and it may come back."""
    key = with_a_key(Store(Postgres(Secret("env:GATEWAY_TEST_URL"))))
    ask = gateway(GatewaySettings(keys="always", store=Secret("env:GATEWAY_TEST_URL")))
    assert ask("/readyz").status == 200
    assert ask(CHAT, BODY, headers=key).status == 200
    before = len(service.ledger.requests)
    relay.end() if how == "gone" else relay.flows.clear()
    until(ask, CHAT, 503, key)  # a key that was found is taken for a second more
    assert unavailable(ask("/readyz"))
    assert unavailable(ask(CHAT, BODY, headers=key))
    assert ask("/healthz").status == 200
    assert len(service.ledger.requests) == before
    relay.begin() if how == "gone" else relay.flows.set()
    until(ask, "/readyz", 200)
    until(ask, CHAT, 200, key)
    assert ask(CHAT, BODY, headers=key).status == 200
