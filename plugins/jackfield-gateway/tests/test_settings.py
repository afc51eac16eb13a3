"""Settings: what a configuration file says is what the gateway has."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from pathlib import Path

import pytest

from jackfield.errors import ConfigError
from jackfield.secret import Secret
from jackfield_gateway.gateway import Gateway
from jackfield_gateway.key import Key, KeyLimits
from jackfield_gateway.refusal import Refusal
from jackfield_gateway.settings import read
from jackfield_gateway.store import store_of

_spec = importlib.util.spec_from_file_location("gateway_databases", Path(__file__).with_name("databases.py"))
databases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(databases)


@pytest.fixture
def server():
    """The URL of a PostgreSQL of this test's own."""
    if why := databases.missing():
        pytest.skip(why)
    with databases.postgres() as url:
        yield url


def settings(store):
    return read({"backends": {"echo": {"provider": "echo"}}, "gateway": {"store": store}})


def test_a_file_may_say_where_the_url_of_the_store_is(server, monkeypatch):
    """A file knows only texts: one that is a reference leads to PostgreSQL, which takes keys and finds them."""
    monkeypatch.setenv("GATEWAY_TEST_URL", server)
    store = store_of(settings("env:GATEWAY_TEST_URL"))

    async def asked():
        await store.open()
        try:
            return await store.find_key("0" * 64)
        finally:
            await store.close()

    assert asyncio.run(asked()) is None


def test_servers_on_one_database_share_the_limits_of_a_key(server, monkeypatch):
    """Though each has one worker only."""
    monkeypatch.setenv("GATEWAY_TEST_URL", server)
    config = {"backends": {"echo": {"provider": "echo"}}, "gateway": {"store": "env:GATEWAY_TEST_URL"}}
    key = Key("key_1", "shared", "jf-1234", limits=KeyLimits(requests_per_minute=1))

    async def asked():
        one, other = Gateway(config), Gateway(config)
        await one.open()
        await other.open()
        try:
            while time.time() % 60 > 50:  # not over the end of a minute
                await asyncio.sleep(1)
            (await one.quota.admit(key)).settle(None)
            with pytest.raises(Refusal, match="requests a minute"):
                await other.quota.admit(key)
        finally:
            await one.close()
            await other.close()

    asyncio.run(asked())


@pytest.mark.parametrize("reference", ["env:DATABASE_URL", "file:~/url", "keyring:gateway/url", "command:print-url"])
def test_every_kind_of_reference_is_one(reference):
    """None of them is taken for a path."""
    assert isinstance(settings(reference).store, Secret)


@pytest.mark.parametrize("store", ["postgresql://u:canary@h/d", "mysql:canary", "gateway.db", "sqlite", "sqlite:"])
def test_what_is_neither_is_refused_without_its_text(store):
    """A URL by value is none: its password would stand in the file."""
    with pytest.raises(ConfigError, match=r"gateway\.store: expected sqlite:PATH") as caught:
        settings(store)

    assert "canary" not in str(caught.value)
