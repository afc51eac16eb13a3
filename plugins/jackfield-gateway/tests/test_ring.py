"""Ring and store: keys, and what opens."""

from __future__ import annotations

import asyncio
import time

import attrs
import pytest

from jackfield_gateway import ring as module
from jackfield_gateway.database import SQLite
from jackfield_gateway.gateway import Gateway
from jackfield_gateway.key import Key, KeyLimits
from jackfield_gateway.ring import KeyRing, digest, make_key, make_token
from jackfield_gateway.settings import GatewaySettings
from jackfield_gateway.store import Store


def with_store(work):
    """What comes of it with a store in memory."""

    async def main():
        store = Store(SQLite(":memory:"))
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


def test_a_key_comes_back_as_it_was_kept():
    """With its limits and models; without its token."""
    token = make_token()
    limits = KeyLimits(requests_per_minute=3, tokens_per_day=5)
    key = make_key(token, "laptop", models=("fast", "b/*"), limits=limits, inspect=True, expires=2e9)

    async def work(store):
        await store.add_key(key, digest(token))
        return await store.keys(), await KeyRing(store, "auto").find(token)

    assert with_store(work) == ([key], key)
    assert token not in repr(key)


def test_tokens_cannot_be_guessed():
    """256 bits each, none like another."""
    tokens = {make_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {46}


@pytest.mark.parametrize("token", ["", "jf-", "jf-other", "\udcff", "x" * 100_000])
def test_what_is_no_token_opens_nothing(token):
    """Whatever it is."""

    async def work(store):
        await store.add_key(Key("key_1", "a", "jf-"), digest("jf-real"))
        return await KeyRing(store, "always").find(token)

    assert with_store(work) is None


def test_a_revoked_key_opens_nothing_from_a_second_on(monkeypatch):
    """It cannot be revoked twice; it stays in the list."""

    async def work(store):
        ring = KeyRing(store, "auto")
        await store.add_key(make_key("jf-t", "a"), digest("jf-t"))
        key = await ring.find("jf-t")
        assert await store.revoke_key(key.id, time.time())
        assert not await store.revoke_key(key.id, time.time())
        monkeypatch.setattr(module, "KEPT", 0.0)
        now = time.monotonic
        monkeypatch.setattr(module.time, "monotonic", lambda: now() + 1.1)
        return await ring.find("jf-t"), [one.revoked is not None for one in await store.keys()]

    assert with_store(work) == (None, [True])


def test_an_expired_key_opens_nothing(monkeypatch):
    """From its second on, though it was remembered."""

    async def work(store):
        ring = KeyRing(store, "auto")
        await store.add_key(make_key("jf-t", "a", expires=time.time() + 600), digest("jf-t"))
        before, now = await ring.find("jf-t"), time.time
        monkeypatch.setattr(module.time, "time", lambda: now() + 601)
        return before is not None, await ring.find("jf-t")

    assert with_store(work) == (True, None)


@pytest.mark.parametrize(
    ("mode", "before", "after"), [("auto", False, True), ("always", True, True), ("never", False, False)]
)
def test_keys_are_demanded_as_the_mode_says(mode, before, after):
    """``auto``: as soon as one was made, by whichever process."""

    async def work(store):
        first = await KeyRing(store, mode).demanded()
        await store.add_key(make_key("jf-t", "a"), digest("jf-t"))
        return first, await KeyRing(store, mode).demanded()

    assert with_store(work) == (before, after)


def test_a_flood_of_wrong_tokens_does_not_fill_the_memory(monkeypatch):
    """What is remembered has an end."""
    monkeypatch.setattr(module, "MOST", 10)

    async def work(store):
        ring = KeyRing(store, "auto")
        for number in range(50):
            await ring.find(f"jf-{number}")
        return len(ring._found)

    assert with_store(work) <= 10


def test_in_a_pattern_only_the_star_is_one():
    """Whatever else stands in a name is itself: neither is a name shut out by its brackets, nor another let in."""
    patterns = ("a[1]", "b?", "c\\d*")
    settings = GatewaySettings(store="sqlite::memory:", models=patterns)
    gateway = Gateway({"backends": {"echo": {"provider": "echo"}}}, settings=settings)
    key = Key("key_1", "a", "jf-1234", models=patterns)
    names = {"a[1]": True, "a1": False, "b?": True, "bx": False, "c\\d/e": True, "c\\": False}
    assert {name: key.allows(name) for name in names} == names
    assert {name: gateway.serves(name, None) for name in names} == names


def test_a_key_allows_what_its_patterns_say():
    """All where it has none."""
    key = Key("k", "l", "h", models=("fast", "b/*"))
    assert [key.allows(name) for name in ("fast", "b/x", "b/", "faster", "B/x")] == [True, True, True, False, False]
    assert attrs.evolve(key, models=()).allows("anything")
