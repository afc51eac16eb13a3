"""Store: the same behaviour in memory, in a file and in PostgreSQL."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import attrs
import pytest

from jackfield.secret import Secret
from jackfield_gateway.database import Postgres, SQLite
from jackfield_gateway.key import KeyLimits
from jackfield_gateway.ring import digest, make_key, make_token
from jackfield_gateway.settings import GatewaySettings
from jackfield_gateway.store import Completion, Store, store_of

_spec = importlib.util.spec_from_file_location("gateway_databases", Path(__file__).with_name("databases.py"))
databases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(databases)
ONE = Completion("chatcmpl-1", "fast", '{"id":"chatcmpl-1"}', '[{"role":"user","content":"a\\u0000é"}]', {"a": "b"})
EMPTY = "DROP TABLE IF EXISTS gateway_keys, gateway_completions, gateway_counts, gateway_leases"


@pytest.fixture(scope="module")
def server():
    """The URL of a PostgreSQL."""
    if reason := databases.missing():
        pytest.skip(reason)
    with databases.postgres() as url:
        yield url


@pytest.fixture(params=["memory", "file", "postgres"])
def database(request, tmp_path, monkeypatch):
    """Makes databases that see the same, each time a new connection."""
    if request.param == "memory":
        return lambda: SQLite(":memory:")
    if request.param == "file":
        return lambda: SQLite(str(tmp_path / "g.db"))
    monkeypatch.setenv("GATEWAY_TEST_URL", request.getfixturevalue("server"))

    def make():
        return Postgres(Secret("env:GATEWAY_TEST_URL"))

    async def empty():
        await (one := make()).open([EMPTY])
        await one.close()

    asyncio.run(empty())
    return make


@pytest.fixture
def within(database):
    """What comes of work with an open store."""

    def run(work):
        async def main():
            store = Store(database())
            await store.open()
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(main())

    return run


def every(store, owner="", **how):
    """The completions of an owner."""
    asked = {"after": None, "descending": False, "limit": 1000, "model": None, "metadata": {}, **how}
    return store.completions(owner, **asked)


def test_keys_are_kept_found_and_revoked(within):
    """By the digest of their token; a revoked one stays in the list, and cannot be revoked again."""
    token = make_token()
    key = make_key(token, "ü'\"; --", models=("a", "b/*"), limits=KeyLimits(1, 2, 3, 4), inspect=True, expires=9.5)

    async def work(store):
        before = await store.has_keys()
        await store.add_key(key, digest(token))
        found, other = await store.find_key(digest(token)), await store.find_key(digest("jf-other"))
        revoked = [await store.revoke_key(id_, 7.5) for id_ in ("key_none", key.id, key.id)]
        return before, found, other, revoked, await store.keys(), await store.has_keys()

    before, found, other, revoked, kept, after = within(work)
    assert (before, found, other, revoked, after) == (False, (digest(token), key), None, [False, True, False], True)
    assert kept == [attrs.evolve(key, revoked=7.5)]


def test_a_completion_is_its_owners(within):
    """Two owners may have one id; neither sees, changes or deletes the other's."""

    async def work(store):
        await store.save("key_1", ONE)
        await store.save("key_2", attrs.evolve(ONE, model="other", metadata=None))
        assert await store.set_metadata("key_3", ONE.id, None) is None
        assert not await store.delete("key_3", ONE.id)
        assert (await store.set_metadata("key_2", ONE.id, {"c": "d"})).metadata == {"c": "d"}
        assert await store.delete("key_2", ONE.id)
        return await store.completion("key_1", ONE.id), await store.completion("key_2", ONE.id), await every(store)

    assert within(work) == (ONE, None, [])


def test_a_completion_takes_no_other_s_place(within):
    """Whoever keeps one of an id that is taken is told."""
    other = Completion(ONE.id, "slow", "{}", "[]", None)

    async def work(store):
        saved = [await store.save("", one) for one in (ONE, other)]
        assert await store.has_completion("", ONE.id)
        assert not await store.has_completion("key_1", ONE.id)
        return saved, await store.completion("", ONE.id), len(await every(store))

    assert within(work) == ([True, False], ONE, 1)


@pytest.mark.parametrize("descending", [False, True])
def test_what_is_deleted_while_it_is_listed_leaves_its_place(within, monkeypatch, descending):
    """The next page begins behind it; after an hour, and for other owners, it never was."""
    now = [1e9]
    monkeypatch.setattr("jackfield_gateway.store.time.time", lambda: now[0])

    async def work(store):
        names = [f"c{number}" for number in range(5)]
        for name in names:
            await store.save("key_1", attrs.evolve(ONE, id=name))
        for _ in range(2):  # of an id that came again the last place counts
            await store.delete("key_1", "c2")
            await store.save("key_1", attrs.evolve(ONE, id="c2"))
        await store.delete("key_1", "c2")
        page = await every(store, "key_1", after="c2", descending=descending)
        await store.delete("key_1", "c1")
        second = await every(store, "key_1", after="c1", descending=descending)
        other = await every(store, "key_2", after="c1")
        now[0] += 3601
        await store.forget(now[0])
        return [one.id for one in page], [one.id for one in second], other, await every(store, "key_1", after="c1")

    page, second = (["c4", "c3", "c1", "c0"], ["c0"]) if descending else ([], ["c3", "c4"])
    assert within(work) == (page, second, None, None)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 10_000, ""])
def test_any_text_may_be_asked_for(within, text):
    """What cannot be stored as it is breaks nothing."""

    async def work(store):
        await store.save("", attrs.evolve(ONE, id=text, model=text))
        found = await store.completion("", text)
        listed = await every(store, model=text, limit=1)
        behind = await every(store, after=text)
        return found is not None, len(listed), behind, await store.delete("", text)

    assert within(work) == (True, 1, [], True)


def test_lists_are_paged_and_narrowed_whatever_the_clock_says(within, monkeypatch):
    """Each one comes once in both directions, though all were kept at one instant; pages cross the reader's own."""
    monkeypatch.setattr("jackfield_gateway.store.time.time_ns", lambda: 5)

    async def work(store):
        for number in range(450):
            pair = {"odd": str(number % 2), "all": "yes"}
            await store.save("", attrs.evolve(ONE, id=f"c{number:03}", model=f"m{number % 3}", metadata=pair))
        for descending in (False, True):
            seen, after = [], None
            while page := await every(store, after=after, limit=7, descending=descending, metadata={"odd": "1"}):
                seen += [one.id for one in page]
                after = seen[-1]
            assert sorted(seen) == [f"c{number:03}" for number in range(1, 450, 2)]
            assert seen == sorted(seen, reverse=descending)
        narrow = await every(store, model="m1", metadata={"odd": "0", "all": "yes"})
        return len(narrow), await every(store, metadata={"odd": "2"}), await every(store, after="none")

    assert within(work) == (75, [], None)


@pytest.mark.parametrize("large", ["response", "messages"])
def test_of_a_list_no_more_is_read_than_is_asked_for(within, large):
    """Requests may have megabytes each, and a list does not tell their messages."""
    mib = 1024 * 1024

    async def work(store):
        for number in range(20):
            text = json.dumps("x" * mib)
            await store.save("", attrs.evolve(ONE, id=f"c{number:02}", **{large: text}))
        tracemalloc.start()
        try:
            listed = await every(store, limit=2)
            return [one.id for one in listed], tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    ids, peak = within(work)
    assert ids == ["c00", "c01"]
    assert peak < 8 * mib


def test_counts_add_up_however_many_add_at_once(within):
    """Nothing is lost; what is only asked for is not kept; what is over is forgotten."""

    async def work(store):
        assert await store.count("key", "day:1", 0, 10.0) == 0
        assert await store._run("SELECT 1 FROM gateway_counts") == []
        await asyncio.gather(*(store.count("key", "day:1", 3, 10.0) for _ in range(50)))
        total = await store.count("key", "day:1", 0, 10.0)
        await store.forget(9.0)
        kept = await store.count("key", "day:1", 0, 10.0)
        await store.forget(11.0)
        return total, kept, await store.count("key", "day:1", 0, 10.0), await store.count("other", "day:1", 1, 9.0)

    assert within(work) == (150, 150, 0, 1)


def test_what_was_kept_is_there_after_a_restart(database, within):
    """In a file and in PostgreSQL; what was in memory is gone."""

    async def save(store):
        await store.save("", ONE)

    async def read(store):
        return await store.completion("", ONE.id)

    within(save)
    memory = getattr(database(), "_path", None) == ":memory:"
    assert within(read) == (None if memory else ONE)


WRITER = textwrap.dedent("""
    import asyncio, sys
    from jackfield.secret import Secret
    from jackfield_gateway.settings import GatewaySettings
    from jackfield_gateway.store import Completion, store_of

    async def main(me, where):
        store = store_of(GatewaySettings(store=Secret(where) if where.startswith("env:") else where))
        sys.stdin.readline()
        await store.open()
        for number in range(100):
            await store.count("key", "day:1", 1, 1.0)
            await store.save("", Completion(f"{me}-{number}", "m", "{}", "[]", None))
        await store.close()

    asyncio.run(main(*sys.argv[1:]))
""")


@pytest.mark.parametrize("kind", ["file", "postgres"])
def test_several_processes_lose_nothing(kind, tmp_path, request):
    """They begin with no database at the same moment, and write as fast as they can."""
    url = request.getfixturevalue("server") if kind == "postgres" else ""
    where = "env:GATEWAY_TEST_URL" if url else f"sqlite:{tmp_path / 'g.db'}"
    environment = {**os.environ, "GATEWAY_TEST_URL": url, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    if url:
        asyncio.run(_emptied(url))
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(me), where], stdin=subprocess.PIPE, env=environment)
        for me in range(4)
    ]
    for one in writers:
        one.stdin.write(b"\n")
        one.stdin.flush()
    for one in writers:
        one.communicate(timeout=120)
    assert [one.returncode for one in writers] == [0] * 4
    assert asyncio.run(_seen(where, url)) == (400, 400)
    if not url:
        with sqlite3.connect(tmp_path / "g.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


async def _emptied(url):
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute(EMPTY)
    await connection.close()


async def _seen(where, url):
    """The count and the number of completions."""
    if url:
        os.environ["GATEWAY_TEST_URL"] = url
    store = store_of(GatewaySettings(store=Secret("env:GATEWAY_TEST_URL") if url else where))
    await store.open()
    try:
        return await store.count("key", "day:1", 0, 1.0), len(await every(store))
    finally:
        await store.close()
