"""Store: the files it makes, and stores that cannot be used."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest

from jackfield.errors import ConfigError
from jackfield.secret import Secret
from jackfield_gateway.database import Postgres, SQLite
from jackfield_gateway.ring import digest, make_key, make_token
from jackfield_gateway.settings import GatewaySettings
from jackfield_gateway.store import Store, store_of


def opened(path) -> None:
    """Open and close a store."""

    async def main():
        store = Store(SQLite(str(path)))
        try:
            await store.open()
        finally:
            await store.close()

    asyncio.run(main())


def test_only_its_owner_may_read_the_file(tmp_path):
    """Nor what SQLite puts beside it; one that others could read before is closed to them."""
    path = tmp_path / "new" / "g.db"
    path.parent.mkdir()
    path.touch(0o644)

    async def main():
        store = store_of(GatewaySettings(store=f"sqlite:{path}"))
        await store.open()
        await store.count("key", "day:1", 1, 1.0)
        modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
        await store.close()
        return modes

    assert asyncio.run(main()) == {"g.db": 0o600, "g.db-wal": 0o600, "g.db-shm": 0o600}


def test_the_token_is_not_in_the_file(tmp_path):
    """Nor most of it."""
    token = make_token()

    async def main():
        store = Store(SQLite(str(tmp_path / "g.db")))
        await store.open()
        await store.add_key(make_key(token, "a"), digest(token))
        await store.close()

    asyncio.run(main())
    assert token[8:].encode() not in b"".join(one.read_bytes() for one in tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["text", "database"])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path, kind):
    """A path is soon mistyped: its owner's others may read it as before, and nothing is written."""
    path = tmp_path / "g.db"
    if kind == "text":
        path.write_text("hello\n")
    else:
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE t (a)")
    path.chmod(0o644)
    before = path.read_bytes()

    with pytest.raises(ConfigError, match="is no SQLite database" if kind == "text" else "of something else"):
        opened(path)
    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o644, before)
    assert [one.name for one in tmp_path.iterdir()] == ["g.db"]


def test_a_store_that_others_could_read_is_closed_to_them(tmp_path):
    """It has the digests of keys."""
    path = tmp_path / "g.db"
    opened(path)
    path.chmod(0o644)
    opened(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"this is no database, but a file of another program" * 50, None])
def test_a_file_that_cannot_be_used_is_told(tmp_path, content):
    """As an error of the configuration; nothing stays open."""
    path = tmp_path / "g.db"
    path.mkdir() if content is None else path.write_bytes(content)

    with pytest.raises(ConfigError, match="cannot be opened"):
        opened(path)


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@127.0.0.1:1/x", "hunter2://", "postgresql://u:hunter2@[/"])
def test_a_server_that_cannot_be_reached_is_told_without_its_url(monkeypatch, url):
    """Not even in the chain of causes."""
    pytest.importorskip("asyncpg")
    monkeypatch.setenv("GATEWAY_TEST_URL", url)

    async def main():
        store = Store(Postgres(Secret("env:GATEWAY_TEST_URL")))
        try:
            await store.open()
        finally:
            await store.close()

    with pytest.raises(ConfigError, match="cannot be opened") as caught:
        asyncio.run(main())
    assert "hunter2" not in str(caught.getrepr(style="long", showlocals=False).reprcrash)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
