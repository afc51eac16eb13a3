"""Limits that processes share through Redis, and what becomes of calls where Redis fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jackfield import AsyncClient
from jackfield.errors import APIError, ConfigError, RateLimitError
from jackfield.flow import Run, Sleep
from jackfield.secret import Secret
from jackfield.testing.contract.host import HOSTS
from jackfield.testing.leaks import Capture, artefacts, leaks
from jackfield_limits import Budget, RateLimit

NAMED = {"name": "t"}
HELLO = [{"role": "user", "content": "Hello."}]


def test_two_clients_share_a_rate(bench, url):
    """What one has used, another has not."""
    first, second = (bench(RateLimit(requests=3, on_limit="fail", redis=Secret(url), **NAMED)) for _ in range(2))
    first.call()
    second.call()
    first.call()

    assert first.fails().code == second.fails().code == "local_rate_limit"


def test_two_clients_share_a_budget(bench, backend, act, url):
    """Tokens that the calls of one took are gone for the other."""
    told = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
    first, second = (
        bench(Budget(tokens=100, redis=Secret(url), **NAMED), backend([act(usage=told)])) for _ in range(2)
    )
    first.call(max_tokens=20)
    second.call(max_tokens=20)

    assert first.fails(max_tokens=20).code == second.fails(max_tokens=20).code == "budget_exceeded"


def test_windows_of_two_lengths_do_not_mix(bench, url):
    """Where a setting was changed, old counts make nobody wait for years."""
    for window in (1.0, 3600.0, 60.0):
        one = bench(RateLimit(requests=1, window=window, on_limit="fail", redis=Secret(url), **NAMED))
        one.call()
        assert one.fails().retry_after <= window * 61 / 60


def test_names_part_limits(bench, url):
    """Two limits of other names do not count together."""
    first, second = (bench(RateLimit(requests=1, on_limit="fail", redis=Secret(url), name=name)) for name in "ab")
    first.call()
    second.call()


PROGRAM = """
import json, sys, threading
from jackfield import Client, RateLimitError
config = json.loads(sys.argv[1])
passed = refused = 0
lock = threading.Lock()
with Client(config) as client:
    def work():
        global passed, refused
        for _ in range(10):
            try:
                client.create_chat_completion(messages=[{"role": "user", "content": "Hello."}])
            except RateLimitError as error:
                assert error.code == "local_rate_limit", error.code
                with lock: refused += 1
            else:
                with lock: passed += 1
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(json.dumps([passed, refused]))
"""


def test_processes_share_a_rate(url):
    """Of 120 calls of three processes, as many pass as the limit says, to the last one."""
    limit = {"use": "rate-limit", "requests": 50, "window": 3600, "on_limit": "fail", "redis": url, "name": "p"}
    config = {
        "default_model": "e/m",
        "backends": {"e": {"provider": "echo"}},
        "middleware": [{**limit, "store_timeout": 10.0}],
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(config)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    counts = [json.loads(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(passed for passed, _ in counts) == 50
    assert sum(refused for _, refused in counts) == 70


def test_a_call_waits_for_its_time_in_redis(url):
    """By the clock of the server; nobody comes before it."""
    config = {
        "default_model": "e/m",
        "backends": {"e": {"provider": "echo"}},
        "middleware": [{"use": "rate-limit", "requests": 2, "window": 1.0, "redis": url, "name": "w"}],
    }

    async def main() -> float:
        async with AsyncClient(config) as client:
            begun = time.monotonic()
            await asyncio.gather(*(client.create_chat_completion(messages=HELLO) for _ in range(5)))
            return time.monotonic() - begun

    assert asyncio.run(main()) >= 2.0


def test_redis_that_is_down_fails_calls(bench, make_limit, server, monkeypatch, kind):
    """``closed``: the error is one of jackfield's, and nothing is sent; when Redis is there again, calls pass."""
    monkeypatch.setenv("LIMITS_URL", server.url)
    one = bench(make_limit(kind, "env:LIMITS_URL"))
    one.call()
    sent = len(one.backend.asked)
    server.stop()

    error = one.fails()

    assert type(error) is APIError
    assert (error.code, error.stage, error.status_code, error.should_retry) == ("limit_store", "not_sent", None, True)
    assert str(error) == (
        "the limits cannot be counted: Redis failed (ConnectionError), and on_store_failure is closed"
    )
    assert len(one.backend.asked) == sent
    server.start()
    one.call()


def test_redis_that_is_down_lets_calls_pass(bench, make_limit, server, monkeypatch, kind):
    """``open``: they are not counted."""
    monkeypatch.setenv("LIMITS_URL", server.url)
    one = bench(make_limit(kind, "env:LIMITS_URL", on_store_failure="open"))
    server.stop()
    one.call()
    one.call(stream=True)

    assert len(one.backend.asked) == 2
    assert len([effect for effect in one.driver.effects if isinstance(effect, Run)]) == 2  # nothing to settle


def test_an_answer_is_not_lost_where_redis_ends_meanwhile(bench, make_limit, backend, act, server, monkeypatch, kind):
    """What was booked stays; the call succeeds."""
    monkeypatch.setenv("LIMITS_URL", server.url)
    one = bench(make_limit(kind, "env:LIMITS_URL"), backend([act(during=server.stop)]))

    assert one.call().choices[0].message.content == "Hello"


def test_a_time_that_was_given_holds_where_redis_ends_meanwhile(bench, server, monkeypatch):
    """A call that waits goes on waiting, and begins."""
    monkeypatch.setenv("LIMITS_URL", server.url)
    one = bench(RateLimit(requests=1, max_wait=100, redis=Secret("env:LIMITS_URL"), **NAMED))
    one.call()
    engine, effect = one.begin()
    while not isinstance(effect, Sleep):
        assert effect is not None
        effect = one.driver.step(engine, effect)
    server.stop()

    one.driver.run(engine, effect)

    assert len(one.backend.asked) == 2
    assert 58 < one.slept() <= 61  # the clock of Redis went on


def test_redis_that_does_not_answer_takes_little_time(bench, make_limit, server, monkeypatch, kind):
    """Each step is given up after ``store_timeout``; no call hangs."""
    monkeypatch.setenv("LIMITS_URL", server.url)
    one = bench(make_limit(kind, "env:LIMITS_URL", store_timeout=1.0))
    one.call()
    server.silence()

    begun = time.monotonic()
    error = one.fails()

    assert error.code == "limit_store"
    assert time.monotonic() - begun < 3  # it asked once
    assert "TimeoutError" in str(error)


@pytest.mark.parametrize("how", list(HOSTS))
def test_real_clients_survive_the_end_of_redis(server, monkeypatch, how):
    """Calls before pass, calls while it is down fail with jackfield's error, calls after pass again."""
    monkeypatch.setenv("LIMITS_URL", server.url)
    shared = {"redis": "env:LIMITS_URL", "name": "t"}
    config = {
        "default_model": "e/m",
        "backends": {"e": {"provider": "echo"}},
        "middleware": [
            {"use": "rate-limit", "requests": 100, "tokens": 10**6, **shared},
            {"use": "concurrency", "limit": 5, **shared},
            {"use": "budget", "tokens": 10**6, **shared},
        ],
    }
    with contextlib.closing(HOSTS[how](config, {})) as host:
        before = host.ask(messages=HELLO).error
        server.stop()
        meanwhile = host.ask(messages=HELLO).error
        server.start()
        after = host.ask(messages=HELLO).error

    assert (before, after) == (None, None)
    assert isinstance(meanwhile, APIError)
    assert meanwhile.code == "limit_store"


def test_what_cannot_be_said_now_is_said_with_the_next_call(bench, sleeping, url, redis):
    """A call that was cancelled gives back its booking when another of the process asks."""
    layer = RateLimit(requests=1, tokens=1000, on_limit="fail", redis=Secret(url), **NAMED)
    one = bench(layer, inside=[sleeping])
    for _ in range(5):
        engine, effect = one.begin(max_tokens=900)
        assert isinstance(one.driver.step(engine, effect), Sleep)
        engine.cancel()
        assert [" ".join(value.split()) for value in redis.hgetall("jackfield:rate:60:t").values()] == ["1 901"]

    one.call(max_tokens=900)


def test_notices_are_not_kept_without_end(url):
    """Of many that nobody takes along, the oldest are dropped."""
    from jackfield.testing import make_call
    from jackfield_limits.operations import Leave
    from jackfield_limits.store import MOST_NOTICES, Store

    store = Store(Secret(url), "closed", 0.5)
    call = make_call()
    for number in range(MOST_NOTICES + 10):
        store.later(Leave("k", str(number)), call)

    assert len(store._notices) == MOST_NOTICES


@pytest.mark.parametrize("state", ["well", "down", "wrong password"])
def test_no_password_is_shown(bench, make_limit, redis, url_file, password, kind, state, caplog):
    """Neither in errors and their traces, nor in logs, reprs or the effects that were asked for."""
    if state == "down":
        path = Path(url_file.removeprefix("file:"))
        path.write_text(path.read_text().rpartition(":")[0] + ":9/0")
    if state == "wrong password":
        redis.acl_setuser("limits", enabled=True, reset=True, passwords=["+another"])
    with Capture() as capture, caplog.at_level(logging.DEBUG):
        layer = make_limit(kind, url_file)
        one = bench(layer)
        shown = [repr(layer), repr(layer._store)]
        if state == "well":
            one.call()
        else:
            error = one.fails()
            assert error.code == "limit_store"
            shown += [text for _, text in artefacts(error)]
        shown += [repr(effect) for effect in one.driver.effects] + [repr(layer)]
    shown += [text for _, text in capture.texts()]

    assert not [text for text in shown if leaks(text, password)]


def test_a_password_that_has_changed_is_read_again(bench, redis, redis_url, url_file):
    """After Redis refused the old one, the next call uses the new one."""
    one = bench(RateLimit(requests=100, redis=Secret(url_file), **NAMED))
    one.call()
    one.layer.close()
    redis.acl_setuser("limits", enabled=True, reset_passwords=True, passwords=["+another-one-4Jq"])
    assert one.fails().code == "limit_store"
    path = Path(url_file.removeprefix("file:"))
    path.write_text(redis_url.replace("redis://", "redis://limits:another-one-4Jq@"))

    one.call()


@pytest.mark.parametrize("text", ["http://127.0.0.1/", "nonsense", "redis://[::1", "redis://127.0.0.1:port/0"])
def test_a_url_that_is_none_is_told(bench, monkeypatch, text):
    """As any failure of Redis, without the text."""
    monkeypatch.setenv("LIMITS_URL", text)
    error = bench(RateLimit(requests=1, redis=Secret("env:LIMITS_URL"), **NAMED)).fails()

    assert error.code == "limit_store"
    assert text not in str(error)


def test_a_reference_that_leads_nowhere_is_told(bench, monkeypatch):
    """It is a fault of the configuration."""
    monkeypatch.delenv("LIMITS_URL", raising=False)
    one = bench(RateLimit(requests=1, redis=Secret("env:LIMITS_URL"), **NAMED))
    engine, effect = one.begin()

    with pytest.raises(ConfigError, match=r"environment variable LIMITS_URL is not set"):
        one.driver.run(engine, effect)


def test_the_library_for_redis_is_asked_for_when_it_is_loaded(monkeypatch):
    """Not only with the first call; the remedy is told."""
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ValueError, match=r"^redis: it needs the extra: pip install 'jackfield-limits\[redis\]'"):
        RateLimit(requests=1, redis=Secret("env:LIMITS_URL"), **NAMED)


def test_near_the_deadline_nothing_is_waited_for(bench, backend, act, url):
    """What was used is told with the next call, so that an answer that has come in time is not late."""
    one = bench(Budget(tokens=10**6, redis=Secret(url), **NAMED))

    def late() -> None:
        one.driver.now += 99.5

    one.backend.acts = [act(during=late), act()]
    one.call(timeout=100)
    runs = [effect for effect in one.driver.effects if isinstance(effect, Run)]
    assert len(runs) == 1

    one.call(timeout=100)
    assert not one.layer._store._notices


def test_long_and_strange_values_make_keys(bench, url, redis):
    """A label may hold anything."""
    layer = RateLimit(requests=1, per=("label:x",), on_limit="fail", redis=Secret(url), **NAMED)
    one = bench(layer)
    strange = ["", "a:b", "a", "*", "\n\0", "x" * 10_000, "x" * 10_001, "ж", "\ud800", "{}"]
    for value in strange:
        one.call(labels={"x": value})

    assert len(redis.keys("jackfield:rate:60:t:*")) == len(strange)
    assert all(len(key) < 200 and key.isprintable() for key in redis.keys("*"))
    assert one.fails(labels={"x": "a:b"}).code == "local_rate_limit"


def test_a_refusal_can_be_told_from_the_backends_own(bench, act, backend):
    """That has a status."""
    theirs = RateLimitError("HTTP 429: slow down", status_code=429, code="rate_limit_exceeded")
    one = bench(RateLimit(requests=1, on_limit="fail"), backend([act(error=lambda: theirs)]))

    assert one.fails().status_code == 429
    assert one.fails().status_code is None
