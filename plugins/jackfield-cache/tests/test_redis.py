"""Answers in Redis: a real server, and one that is not there, hangs, or wants a password."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from jackfield.redaction import scrub
from jackfield.secret import Secret
from jackfield.testing import run_call
from jackfield_cache.redis_store import LONGEST, TIMEOUT, RedisStore

redis = pytest.importorskip("redis")


@pytest.fixture
def fresh():
    """A model name that no other test has: the server keeps what they put."""
    return f"m-{uuid.uuid4().hex}"


def test_another_client_has_the_answer(make_bench, redis_url, fresh):
    """What one client was answered, another is, as a stream too."""
    url = Secret.of(redis_url)
    first, second = make_bench(url=url), make_bench(url=url)

    assert first.says(model=fresh) == "Answer 1."
    assert second.says(model=fresh, stream=True) == "Answer 1."
    assert second.streamed == "Answer 1."
    assert second.backend.asked == []


def test_an_answer_expires(redis_url, fresh):
    """By the server's own clock, after ``ttl``; a time too long for it is cut."""
    store, ages = RedisStore(redis_url, 0.05), RedisStore(redis_url, 10**30)
    store.put(fresh, b"x", 1.0)
    assert store.get(fresh, 1.0) == b"x"
    end = time.monotonic() + 30
    while store.get(fresh, 1.0) is not None:
        assert time.monotonic() < end
        time.sleep(0.01)
    ages.put(fresh, b"x", 1.0)
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        assert 0 < client.ttl(f"jackfield:cache:1:{fresh}") <= LONGEST
    store.close()
    ages.close()


def test_text_is_bytes_whatever_the_url_asks_for(redis_url, fresh):
    """The options of a URL may have the library decode what it gets."""
    store = RedisStore(f"{redis_url}?decode_responses=true", 60)
    store.put(fresh, "ü".encode(), 1.0)

    assert store.get(fresh, 1.0) == "ü".encode()
    store.close()


def test_a_connection_that_the_server_closed_is_made_anew(make_bench, redis_url, fresh, told):
    """One that was kept, and is no more, costs nobody an answer."""
    bench = make_bench(url=Secret.of(redis_url))
    bench.ask(model=fresh)
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        client.client_kill_filter(_type="normal", skipme=True)

    assert bench.says(model=fresh) == "Answer 1."
    assert told() == []


def test_no_server_fails_no_call(make_bench, told, monkeypatch):
    """The calls go to the backend, and it is told once, without the password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("CACHE_URL", f"redis://user:canary-password@127.0.0.1:{port}/0")
    bench = make_bench(url=Secret("env:CACHE_URL"))

    assert [bench.says(), bench.says()] == ["Answer 1.", "Answer 2."]
    (text,) = told()
    assert "ConnectionError" in text
    assert "canary" not in text + repr(bench.cache)


def test_a_secret_that_is_not_there_fails_no_call(make_bench, told, monkeypatch):
    """It is told by its name."""
    monkeypatch.delenv("CACHE_URL", raising=False)
    bench = make_bench(url=Secret("env:CACHE_URL"))

    assert [bench.says(), bench.says()] == ["Answer 1.", "Answer 2."]
    assert told() == ["the cache is skipped: it cannot be read: ConfigError: environment variable CACHE_URL is not set"]


@pytest.mark.parametrize(
    "url",
    [
        "http://canary-host/",
        "canary-text",
        "redis://[canary/0",
        "redis://:canary/word@127.0.0.1/0",  # a password that is not percent-encoded, which then looks like a port
        "redis://user:canary#word@127.0.0.1/0",
        "redis://user:canary?word@127.0.0.1/0",
    ],
)
def test_a_url_that_is_none_fails_no_call(make_bench, told, monkeypatch, url):
    """It is told, and not repeated."""
    monkeypatch.setenv("CACHE_URL", url)
    bench = make_bench(url=Secret("env:CACHE_URL"))

    assert bench.says() == "Answer 1."
    (text,) = told()
    assert "canary" not in text


def test_a_password_that_is_refused_is_not_shown(make_bench, told, monkeypatch, redis_url):
    """Nor is it in what the server says."""
    monkeypatch.setenv("CACHE_URL", f"redis://nobody:canary%2Dpassword@{urlsplit(redis_url).netloc}/0")
    bench = make_bench(url=Secret("env:CACHE_URL"))

    assert bench.says() == "Answer 1."
    (text,) = told()
    assert "AuthenticationError" in text
    assert "canary" not in text


def test_a_password_is_known_by_its_value():
    """Wherever it were repeated, also without the URL around it, it is taken out."""
    RedisStore("redis://nobody:canary%2Dpassword@127.0.0.1:1/0", 60).close()

    assert scrub("no canary-password here") == "no *** here"


def test_a_server_that_hangs_is_not_waited_for_long(make_bench, told):
    """It takes the connection and says nothing: the call goes on, and the next ones do not wait at all."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bench = make_bench(url=Secret.of(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        began = time.monotonic()

        assert [bench.says(seed=seed) for seed in range(5)] == [f"Answer {number}." for number in range(1, 6)]
        assert TIMEOUT <= time.monotonic() - began < 10 * TIMEOUT
    assert len(told()) == 1


def test_many_threads_share_it(make_bench, redis_url, fresh, told):
    """Each has a connection while it needs one; what is kept is found by all."""
    bench = make_bench(url=Secret.of(redis_url), single_flight=False)
    bench.ask(model=fresh)
    request = bench.backend.asked[0]
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: run_call(bench._plan, request), range(100)))

    assert {one.choices[0].message.content for one in answers} == {"Answer 1."}
    assert len(bench.backend.asked) == 1
    assert told() == []


def test_without_the_extra_it_is_told(make_bench, told, monkeypatch):
    """The remedy is in the warning."""
    monkeypatch.setitem(sys.modules, "redis", None)
    bench = make_bench(url=Secret.of("redis://127.0.0.1:1/0"))

    assert bench.says() == "Answer 1."
    remedy = "url needs the extra: pip install 'jackfield-cache[redis]'"
    assert told() == [f"the cache is skipped: it cannot be read: ImportError: {remedy}"]


def test_without_a_url_the_library_is_not_loaded():
    """Nor SQLite, before anything is cached."""
    code = (
        "import sys, jackfield_cache\n"
        "from jackfield_cache import Cache\n"
        "Cache()\n"
        "print(sorted({'redis', 'sqlite3', 'platformdirs'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"
