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
from jackfield_gateway.guard import Guard
from jackfield_gateway.inbound import Inbound
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


def written(**table):
    return read({"backends": {"echo": {"provider": "echo"}}, "gateway": table})


def settings(store):
    return written(store=store)


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


HOSTS = [
    "llm.example",
    "BOX",
    "a_b-c",
    "llm.example.",
    "10.0.0.1",
    "::1",
    "[2001:db8::1]",
    "xn--bcher-kva.example",
    "*",
]
NO_HOSTS = [
    "https://canary",
    "canary.example:443",
    "canary/v1",
    "*.canary",
    " canary",
    "b\u00fccher.canary",
    "u@canary",
    "canary..x",
    "",
]
ORIGINS = [
    "https://app.example",
    "https://app.example/",
    "HTTP://localhost:3000",
    "http://[::1]:5173",
    "https://app.example:80",
    "chrome-extension://abcdef",
    "null",
]
NO_ORIGINS = [
    "canary",
    "canary.example:3000",
    "https://canary/path",
    "https://canary:443",
    "http://canary:80/",
    "https://canary:080",
    "https://*.canary",
    "*",
    "https://canary?x",
    "https://u@canary",
    "https://b\u00fccher.canary",
    "//canary",
]


def test_names_and_origins_that_can_be_met_are_taken():
    """Names and addresses, and the origins of all that browsers run."""
    made = written(hosts=HOSTS, origins=ORIGINS)
    assert (list(made.hosts), list(made.origins)) == (HOSTS, ORIGINS)


@pytest.mark.parametrize(
    ("name", "value"), [("hosts", one) for one in NO_HOSTS] + [("origins", one) for one in NO_ORIGINS]
)
def test_one_that_nothing_can_match_is_a_fault_of_the_configuration(name, value):
    """The message tells what one looks like, and not what was given: an origin may have a password in it."""
    with pytest.raises(ConfigError, match=rf"gateway\.{name}: expected an array of .*\.example") as caught:
        written(**{name: ["a.example" if name == "hosts" else "https://a.example", value]})

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("port", ["", ":8443"])
def test_what_is_taken_is_matched(name, port):
    """By the ``Host`` that a client sends for it, in whatever case, and with whatever port."""
    host = f"[{name}]" if ":" in name and "[" not in name else name.replace("*", "any.example")
    inbound = Inbound({"headers": [(b"host", f"{host}{port}".encode())]}, receive=None, send=None, limits=None)
    Guard(written(hosts=[name.upper()]), ring=None).check_place(inbound)
