"""Store: what outlives a process or is shared by several: keys, stored completions, counts, places that are taken."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import platformdirs

from jackfield.secret import Secret
from jackfield.wire import encode, parse
from jackfield_gateway.database import Postgres, SQLite
from jackfield_gateway.key import Key, KeyLimits

if TYPE_CHECKING:
    from jackfield_gateway.database import Database
    from jackfield_gateway.settings import GatewaySettings

FILE = "gateway.db"
_KEYS = """CREATE TABLE IF NOT EXISTS gateway_keys (
    id TEXT PRIMARY KEY, digest TEXT UNIQUE NOT NULL, key TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL, revoked DOUBLE PRECISION)"""
_COMPLETIONS = """CREATE TABLE IF NOT EXISTS gateway_completions (
    id TEXT NOT NULL, owner TEXT NOT NULL, position BIGINT NOT NULL, model TEXT NOT NULL,
    response TEXT NOT NULL, messages TEXT NOT NULL, metadata TEXT, PRIMARY KEY (owner, id))"""
_BY_OWNER = "CREATE INDEX IF NOT EXISTS gateway_completions_by_owner ON gateway_completions (owner, position)"
_COUNTS = """CREATE TABLE IF NOT EXISTS gateway_counts (
    owner TEXT NOT NULL, span TEXT NOT NULL, amount BIGINT NOT NULL, until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (owner, span))"""
_LEASES = """CREATE TABLE IF NOT EXISTS gateway_leases (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, until DOUBLE PRECISION NOT NULL)"""
TABLES = (_KEYS, _COMPLETIONS, _BY_OWNER, _COUNTS, _LEASES)
GONE, REMEMBERED = "gone:", 3600.0
"""Before the owner of a deleted completion, whose position is kept as a count; seconds for which it is."""
READ = 200
"""Rows that are read at once where a list is narrowed by metadata."""
COLUMNS = "id, model, response, messages, metadata"
LISTED = "id, model, response, '', metadata"
"""The same of many: messages may be large, and no list tells them."""


@attrs.frozen
class Completion:
    """A stored completion.

    Attributes:
        id: of the answer.
        model: that was asked for.
        response: the answer, as JSON text.
        messages: of the request, as JSON text.
        metadata: pairs of the client's own, or None.
    """

    id: str
    model: str
    response: str
    messages: str
    metadata: Mapping[str, str] | None = None


class Store:
    """Keys, completions and counts in a database.

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Connect. Raises ``ConfigError``."""
        await self._database.open(TABLES)

    async def close(self) -> None:
        """End the connection."""
        await self._database.close()

    async def touch(self) -> None:
        """Write something of no meaning. Raises ``StoreError`` where nothing can be written."""
        statement = "INSERT INTO gateway_counts VALUES ('', 'touch', 0, $1) ON CONFLICT (owner, span) DO UPDATE SET"
        await self._run(f"{statement} until = excluded.until", time.time())

    async def add_key(self, key: Key, digest: str) -> None:
        """Keep a key, by the digest of its token."""
        text = encode(attrs.asdict(key)).decode()
        await self._run("INSERT INTO gateway_keys VALUES ($1, $2, $3, $4, NULL)", key.id, digest, text, key.created)

    async def keys(self) -> list[Key]:
        """All keys, oldest first, revoked ones included."""
        return [_key(*row) for row in await self._run("SELECT key, revoked FROM gateway_keys ORDER BY created, id")]

    async def has_keys(self) -> bool:
        """Whether a key was ever made."""
        return bool(await self._run("SELECT 1 FROM gateway_keys LIMIT 1"))

    async def find_key(self, digest: str) -> tuple[str, Key] | None:
        """The key of a digest, with the digest that is stored."""
        rows = await self._run("SELECT digest, key, revoked FROM gateway_keys WHERE digest = $1", digest)
        return (rows[0][0], _key(*rows[0][1:])) if rows else None

    async def revoke_key(self, id_: str, now: float) -> bool:
        """Revoke a key; False where there is none that is not revoked."""
        statement = "UPDATE gateway_keys SET revoked = $1 WHERE id = $2 AND revoked IS NULL RETURNING id"
        return bool(await self._run(statement, now, id_))

    async def save(self, owner: str, completion: Completion) -> bool:
        """Keep a completion; False where that owner has one of that id, which stays."""
        one = completion
        rows = await self._run(
            "INSERT INTO gateway_completions VALUES ($1, $2, $3, $4, $5, $6, $7)"
            " ON CONFLICT (owner, id) DO NOTHING RETURNING id",
            *(_text(one.id), owner, time.time_ns(), _text(one.model), one.response, one.messages),
            _metadata_text(one.metadata),
        )
        return bool(rows)

    async def completion(self, owner: str, id_: str) -> Completion | None:
        """A completion of that owner."""
        statement = f"SELECT {COLUMNS} FROM gateway_completions WHERE owner = $1 AND id = $2"  # noqa: S608 - a constant
        rows = await self._run(statement, owner, _text(id_))
        return _completion(*rows[0]) if rows else None

    async def has_completion(self, owner: str, id_: str) -> bool:
        """Whether that owner has a completion of that id."""
        asked = "SELECT 1 FROM gateway_completions WHERE owner = $1 AND id = $2"
        return bool(await self._run(asked, owner, _text(id_)))

    async def completions(
        self,
        owner: str,
        *,
        after: str | None,
        descending: bool,
        limit: int,
        model: str | None,
        metadata: Mapping[str, str],
    ) -> list[Completion] | None:
        """Completions of that owner in the order in which they were kept, at most ``limit``; without their messages.

        None where the owner has none of the id ``after``, and had none in the last hour.

        Args:
            owner: id of a key, or empty.
            after: only those behind the completion of that id, which may have been deleted since.
            descending: newest first.
            limit: how many at most.
            model: only of that model.
            metadata: only those that have these pairs.
        """
        direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
        edge: tuple[int, str] = (2**63 - 1, "") if descending else (0, "")
        if after is not None:
            position = await self._position(owner, _text(after))
            if position is None:
                return None
            edge = position, _text(after)
        most = READ if metadata else limit
        chosen: list[Completion] = []
        while len(chosen) < limit:
            rows = await self._run(
                f"SELECT position, {LISTED} FROM gateway_completions WHERE owner = $1"  # noqa: S608 - constants
                f" AND (position, id) {beyond} ($2, $3) AND ($4 = '' OR model = $4)"
                f" ORDER BY position {direction}, id {direction} LIMIT {most:d}",
                *(owner, *edge, _text(model or "")),
            )
            page = [_completion(*row[1:]) for row in rows]
            chosen += [one for one in page if metadata.items() <= (one.metadata or {}).items()]
            if len(rows) < most:
                break
            edge = rows[-1][0], rows[-1][1]
        return chosen[:limit]

    async def set_metadata(self, owner: str, id_: str, metadata: Mapping[str, str] | None) -> Completion | None:
        """Change the pairs of a completion; None where the owner has none of that id."""
        statement = "UPDATE gateway_completions SET metadata = $1 WHERE owner = $2 AND id = $3"
        rows = await self._run(f"{statement} RETURNING {COLUMNS}", _metadata_text(metadata), owner, _text(id_))
        return _completion(*rows[0]) if rows else None

    async def delete(self, owner: str, id_: str) -> bool:
        """Delete a completion; False where the owner has none of that id."""
        statement = "DELETE FROM gateway_completions WHERE owner = $1 AND id = $2 RETURNING position"
        rows = await self._run(statement, owner, _text(id_))
        if rows:  # who deletes what he lists asks for what comes after it
            await self._run(
                "INSERT INTO gateway_counts VALUES ($1, $2, $3, $4) ON CONFLICT (owner, span) DO UPDATE SET"
                " amount = excluded.amount, until = excluded.until",
                *(f"{GONE}{owner}", _text(id_), rows[0][0], time.time() + REMEMBERED),
            )
        return bool(rows)

    async def _position(self, owner: str, id_: str) -> int | None:
        """Where a completion stands among those of its owner, or stood."""
        asked = (
            ("SELECT position FROM gateway_completions WHERE owner = $1 AND id = $2", owner),
            ("SELECT amount FROM gateway_counts WHERE owner = $1 AND span = $2", f"{GONE}{owner}"),
        )
        for statement, whose in asked:
            if rows := await self._run(statement, whose, id_):
                position: int = rows[0][0]
                return position
        return None

    async def count(self, owner: str, span: str, amount: int, until: float) -> int:
        """Add to a count and return what it comes to; an amount of 0 only asks.

        Args:
            owner: whose.
            span: of which time.
            amount: to add.
            until: seconds since 1970, after which it may be forgotten.
        """
        if not amount:
            asked = "SELECT amount FROM gateway_counts WHERE owner = $1 AND span = $2"
            return sum(row[0] for row in await self._run(asked, owner, span))
        rows = await self._run(
            "INSERT INTO gateway_counts VALUES ($1, $2, $3, $4) ON CONFLICT (owner, span) DO UPDATE SET"
            " amount = gateway_counts.amount + excluded.amount RETURNING amount",
            *(owner, span, amount, until),
        )
        total: int = rows[0][0]
        return total

    async def lease(self, owner: str, id_: str, now: float, until: float) -> int:
        """Take a place, or keep one that was taken; returns how many places of that owner are taken.

        Of several who take at once, those that come last see all of them: so it never seems to be fewer than it is.

        Args:
            owner: whose.
            id_: of the place.
            now: seconds since 1970.
            until: the same, from when the place is free though nobody gave it back.
        """
        await self._run(
            "INSERT INTO gateway_leases VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET until = excluded.until",
            *(id_, owner, until),
        )
        asked = "SELECT count(*) FROM gateway_leases WHERE owner = $1 AND until > $2"
        taken: int = (await self._run(asked, owner, now))[0][0]
        return taken

    async def release(self, id_: str) -> None:
        """Give a place back."""
        await self._run("DELETE FROM gateway_leases WHERE id = $1", id_)

    async def forget(self, now: float) -> None:
        """Drop the counts and places whose time is over."""
        await self._run("DELETE FROM gateway_counts WHERE until < $1", now)
        await self._run("DELETE FROM gateway_leases WHERE until < $1", now)

    async def _run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return await self._database.run(statement, *values)


def store_of(settings: GatewaySettings) -> Store:
    """The store that the settings name."""
    where = settings.store
    if isinstance(where, Secret):
        return Store(Postgres(where))
    if where is None:
        return Store(SQLite(str(platformdirs.user_data_path("jackfield") / FILE)))
    return Store(SQLite(where.removeprefix("sqlite:")))


def _key(text: str, revoked: float | None) -> Key:
    values: dict[str, Any] = parse(text)
    limits = KeyLimits(**values.pop("limits"))
    return Key(**{**values, "models": tuple(values["models"]), "limits": limits, "revoked": revoked})


def _completion(id_: str, model: str, response: str, messages: str, metadata: str | None) -> Completion:
    return Completion(id_, model, response, messages, None if metadata is None else parse(metadata))


def _metadata_text(metadata: Mapping[str, str] | None) -> str | None:
    return None if metadata is None else encode(dict(metadata)).decode()


def _text(text: str) -> str:
    """What both databases can hold: PostgreSQL knows no NUL, and neither knows half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
