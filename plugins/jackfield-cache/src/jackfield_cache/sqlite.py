"""SQLite: answers in one file, which many threads and processes share."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator

from jackfield_cache import fork, schema
from jackfield_cache.store import OutOfTime

BUSY = 1.0
"""Seconds for which another process that writes is waited for at most."""
RARELY = 60.0
"""Seconds within which it is not written down again that an answer was used."""
AHEAD = 60.0
"""Seconds by which another machine's clock may be ahead; an answer from later than that is none."""
ROW = 256
"""Bytes that an answer takes besides its own."""
EXPIRED_AT_ONCE = 64
"""So many answers that are too old are deleted when one is written."""
ROOM = 0.9
"""The part of the limit down to which old answers are deleted."""


class SQLiteStore:
    """Answers in an SQLite file. Nothing of a question is in it but a digest.

    One connection, used by one thread at a time: what it does takes far less than a call. It is closed before the
    process forks, since SQLite's locks do not survive that, and opened again when it is needed.

    Args:
        path: of the file; it and its directory are made where they are not there, for this user alone.
        ttl: seconds after which an answer is too old.
        max_bytes: of all answers; those that were not used for longest are deleted.
        clock: seconds since 1970.
    """

    def __init__(self, path: str, ttl: float, max_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._path = os.path.abspath(os.path.expanduser(path))
        self._ttl, self._max_bytes, self._clock = ttl, max_bytes, clock
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._closed = False
        fork.watch(self)

    def get(self, key: str, within: float) -> bytes | None:
        """See ``Store``."""
        with self._connection(within) as db:
            now = self._clock()
            row = db.execute("SELECT answer, stored, used FROM answers WHERE key = ?", (bytes.fromhex(key),)).fetchone()
            if row is None:
                return None
            answer, stored, used = row
            if not now - self._ttl < stored <= now + AHEAD:
                return None
            if abs(now - used) >= RARELY:
                _touch(db, key, now)
            return bytes(answer)

    def put(self, key: str, answer: bytes, within: float) -> None:
        """See ``Store``."""
        size = len(answer) + ROW
        if size > self._max_bytes:
            return
        with self._connection(within) as db, schema.transaction(db):
            now = self._clock()
            self._expire(db, now)
            db.execute("DELETE FROM answers WHERE key = ?", (bytes.fromhex(key),))
            db.execute(
                "INSERT INTO answers (key, answer, size, stored, used) VALUES (?, ?, ?, ?, ?)",
                (bytes.fromhex(key), answer, size, now, now),
            )
            self._make_room(db)

    def close(self) -> None:
        """See ``Store``."""
        with self._lock:
            self._closed = True
            self.disconnect()

    # -- forks ---------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Close the connection, and let nobody open one until ``resume``."""
        self._lock.acquire()
        self.disconnect()

    def resume(self) -> None:
        """Let others open a connection again."""
        self._lock.release()

    def disconnect(self) -> None:
        """Close the connection, whose lock the caller has."""
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):  # a disk that is full, say: what was committed is in the file
                db.close()

    # -- the connection ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _connection(self, within: float) -> Iterator[sqlite3.Connection]:
        """The connection, for the caller alone; closed where something went wrong, so that the next one is new."""
        hurried, within = within < BUSY, min(within, BUSY)
        if not self._lock.acquire(timeout=max(within, 0.0)):
            raise OutOfTime if hurried else TimeoutError("other calls have used it for too long")
        try:
            if self._file != self._there():  # who deletes the file wants its answers forgotten
                self.disconnect()
            if self._db is None:
                self._db = schema.connect(self._path, within)
                self._file = self._there()
            schema.wait_at_most(self._db, within)
            yield self._db
        except BaseException as error:
            self.disconnect()
            if hurried and isinstance(error, sqlite3.OperationalError) and schema.locked(error):
                raise OutOfTime from None
            raise
        finally:
            if self._closed:  # a call that came just after: nobody would close it again
                self.disconnect()
            self._lock.release()

    def _there(self) -> tuple[int, int] | None:
        """Which file is at the path now; None where there is none."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    # -- what is in it -------------------------------------------------------------------------------------------

    def _expire(self, db: sqlite3.Connection, now: float) -> None:
        """Delete some answers that are too old, or that a clock which was wrong has dated."""
        db.execute(
            "DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE stored <= ? OR stored > ? LIMIT ?)",
            (now - self._ttl, now + AHEAD, EXPIRED_AT_ONCE),
        )

    def _make_room(self, db: sqlite3.Connection) -> None:
        """Delete the answers that were not used for longest, where all of them are too many bytes."""
        (total,) = db.execute("SELECT bytes FROM total").fetchone()
        if total <= self._max_bytes:
            return
        victims = []
        for row, size in db.execute("SELECT id, size FROM answers ORDER BY used, id"):
            if total <= ROOM * self._max_bytes:
                break
            victims.append((row,))
            total -= size
        newest = db.execute("SELECT max(id) FROM answers").fetchone()
        db.executemany("DELETE FROM answers WHERE id = ?", [victim for victim in victims if victim != newest])


def _touch(db: sqlite3.Connection, key: str, now: float) -> None:
    """Write down that an answer was used, unless someone else writes: it is found all the same."""
    schema.wait_at_most(db, 0.0)
    with contextlib.suppress(sqlite3.OperationalError):
        db.execute("UPDATE answers SET used = ? WHERE key = ?", (now, bytes.fromhex(key)))
