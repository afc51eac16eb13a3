"""Database: statements to SQLite or PostgreSQL, in words that both understand, with placeholders ``$1`` and ``$2``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from jackfield.errors import ConfigError, JackfieldError

if TYPE_CHECKING:
    from jackfield.secret import Secret

EXTRA = "pip install 'jackfield-gateway[postgres]'"
BUSY = 10.0
"""Seconds that SQLite waits for another process to finish writing."""
PATIENCE = 10.0
"""Seconds for a statement, those before it and a free connection included."""


class StoreError(JackfieldError):
    """The database did not do what it was asked: it is locked, full, or not there. It may again at any time.

    Args:
        failure: the database's own word for it; its texts may hold what was asked.
    """

    def __init__(self, failure: str) -> None:
        super().__init__(f"the gateway's store failed: {failure}")


class Database(Protocol):
    """Takes statements, each of which is a transaction."""

    async def open(self, tables: Sequence[str]) -> None:
        """Connect, and create what is not there. Raises ``ConfigError`` where it cannot be used."""

    async def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement gives, a tuple for each row. Raises ``StoreError``."""

    async def close(self) -> None:
        """End it."""


class SQLite:
    """A file, or memory, by Python's own library on one thread.

    Several processes may use one file: readers see the last state, writers wait for each other (write-ahead log).

    Args:
        path: of the file, which only its owner may read; ``:memory:`` for none. What is there already and is no store
            is left as it is.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self, tables: Sequence[str]) -> None:
        """Connect, and create what is not there."""
        self._thread = ThreadPoolExecutor(1, "jackfield-store")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open, tables)

    async def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement gives. One that waits for too many others is not begun any more."""
        try:
            async with asyncio.timeout(PATIENCE):  # where the file is locked, each waits ``BUSY``, one after the other
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, statement, values)
        except TimeoutError as error:
            failure = type(error).__name__
        raise StoreError(failure)

    async def close(self) -> None:
        """Close the file and end the thread."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
            self._connection = None
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _open(self, tables: Sequence[str]) -> None:
        path = self._path if self._path == ":memory:" else os.path.expanduser(self._path)
        try:
            if path != ":memory:":
                os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
                _create(path)
            connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            try:
                if path != ":memory:":
                    _own(connection, path)
                for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", *tables):
                    connection.execute(statement)
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            failure = _FAILURES.get(getattr(error, "sqlite_errorname", ""), type(error).__name__)
        else:
            self._connection = connection
            return
        raise ConfigError(f"gateway.store: {self._path} cannot be opened: {failure}")

    def _run(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        assert self._connection is not None  # noqa: S101 - it was opened
        named = {str(number): value for number, value in enumerate(values, 1)}  # as SQLite takes $1
        try:
            rows: list[tuple[Any, ...]] = self._connection.execute(statement, named).fetchall()
        except sqlite3.DatabaseError as error:
            failure = error.sqlite_errorname if hasattr(error, "sqlite_errorname") else type(error).__name__
        else:
            return rows
        raise StoreError(failure)  # outside of the handler: its error would be shown with this one


class Postgres:
    """PostgreSQL by asyncpg (extra ``postgres``).

    Args:
        url: a reference to ``postgresql://…``.
    """

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._pool: Any = None

    async def open(self, tables: Sequence[str]) -> None:
        """Connect, and create what is not there."""
        try:
            import asyncpg  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra
        except ImportError:
            raise ConfigError(f"gateway.store: PostgreSQL needs the extra: {EXTRA}") from None
        url = await asyncio.to_thread(self._url.read)
        try:
            self._pool = await asyncpg.create_pool(
                url, min_size=1, max_size=8, timeout=PATIENCE, command_timeout=PATIENCE
            )
            async with self._pool.acquire() as connection, connection.transaction():
                # Two workers that create a table at once would fail: the second waits.
                await connection.execute("SELECT pg_advisory_xact_lock(7105171)")
                for table in tables:
                    await connection.execute(table)
        except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            failure = type(error).__name__
        else:
            return
        raise ConfigError(f"gateway.store: the database that {self._url} leads to cannot be opened: {failure}")

    async def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement gives. A connection that broke is replaced for the next."""
        import asyncpg  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra

        try:
            async with asyncio.timeout(PATIENCE):  # the pool waits for a free connection without end
                return [tuple(row) for row in await self._pool.fetch(statement, *values)]
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            failure = type(error).__name__
        raise StoreError(failure)

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                async with asyncio.timeout(PATIENCE):  # a server that is silent is waited for without end
                    await pool.close()
            except (OSError, TimeoutError):
                pool.terminate()


def _create(path: str) -> None:
    """Make the file where there is none, closed to others: SQLite itself would let them read it."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _own(connection: sqlite3.Connection, path: str) -> None:
    """Close a store that others may read to them; raise ``ConfigError`` for a database that is something else.

    Before this has looked, nothing of a file that was there is changed: its name may be a mistake.
    """
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if names and not any(name.startswith("gateway_") for name in names):
        raise ConfigError(f"gateway.store: {path} is the database of something else: give the store a file of its own")
    if os.stat(path).st_mode & 0o077:
        os.chmod(path, 0o600)


_FAILURES = {"SQLITE_NOTADB": "it is no SQLite database"}
"""What people know no word of SQLite's for."""
