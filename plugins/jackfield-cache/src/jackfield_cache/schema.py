"""Schema: how the file is opened, and what tables are in it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator

APPLICATION = 0x4A46_4341
"""SQLite's ``application_id`` of a file that is ours: whatever else is in a file, it is not touched."""
VERSION = 1
"""SQLite's ``user_version``; a file of another is emptied."""
WAL_BYTES = 16 * 2**20
"""What is left of the write-ahead log after a checkpoint."""
AGAIN = 0.02
"""Seconds after which a file is tried again that another process is just making."""
TABLES = (
    """CREATE TABLE answers (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        answer BLOB NOT NULL,
        size INTEGER NOT NULL,
        stored REAL NOT NULL,
        used REAL NOT NULL
    )""",
    "CREATE INDEX answers_stored ON answers (stored)",
    "CREATE INDEX answers_used ON answers (used, id, size)",
    "CREATE TABLE total (bytes INTEGER NOT NULL)",
    "INSERT INTO total VALUES (0)",
    "CREATE TRIGGER more AFTER INSERT ON answers BEGIN UPDATE total SET bytes = bytes + NEW.size; END",
    "CREATE TRIGGER less AFTER DELETE ON answers BEGIN UPDATE total SET bytes = bytes - OLD.size; END",
)


def connect(path: str, within: float) -> sqlite3.Connection:
    """A connection to the file, made where it is not there.

    Args:
        path: absolute.
        within: seconds for which others that use it are waited for.

    Raises:
        OSError: the file cannot be made.
        sqlite3.Error: it cannot be opened, is damaged, or holds something else.
    """
    _make(path)
    until = time.monotonic() + within
    while True:
        db = sqlite3.connect(path, timeout=within, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db)
        except BaseException as error:
            db.close()
            # Two that make a file at the same time are told at once that it is locked, whatever they wait for.
            if not isinstance(error, sqlite3.OperationalError) or time.monotonic() > until or not locked(error):
                raise
            time.sleep(AGAIN)
        else:
            return db


def wait_at_most(db: sqlite3.Connection, seconds: float) -> None:
    """How long the next statements wait for another process that writes."""
    db.execute(f"PRAGMA busy_timeout = {max(0, int(seconds * 1000))}")


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Everything or nothing, and nobody else writes meanwhile. Who fails closes the connection, which undoes it."""
    db.execute("BEGIN IMMEDIATE")
    yield
    db.execute("COMMIT")


def _make(path: str) -> None:
    """An empty file that only this user can read. One that is there is not opened.

    To close it again would take away the locks that other connections of this process have on it (POSIX).
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def locked(error: sqlite3.OperationalError) -> bool:
    """Whether others used the file for too long."""
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _prepare(db: sqlite3.Connection) -> None:
    if _is_foreign(db):
        raise sqlite3.DatabaseError("the file holds something else; name another path")
    db.execute("PRAGMA journal_mode = WAL")  # where it cannot be had, on a network's disk, it goes without
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    if not _is_ours(db):
        _build(db)


def _is_ours(db: sqlite3.Connection) -> bool:
    return (_pragma(db, "application_id"), _pragma(db, "user_version")) == (APPLICATION, VERSION)


def _is_foreign(db: sqlite3.Connection) -> bool:
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return tables > 0 and _pragma(db, "application_id") != APPLICATION


def _build(db: sqlite3.Connection) -> None:
    """Make the tables, in place of those of another version."""
    with transaction(db):
        if _is_ours(db):  # another process was faster
            return
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (name,) in tables.fetchall():
            db.execute('DROP TABLE "{}"'.format(name.replace('"', '""')))
        for statement in TABLES:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {VERSION}")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    (value,) = db.execute(f"PRAGMA {name}").fetchone()
    return int(value)
