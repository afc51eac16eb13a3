"""Calls at a time, in one process and by leases in Redis."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from jackfield import AsyncClient, Client
from jackfield.errors import DeadlineExceededError, InternalServerError, RateLimitError
from jackfield.flow import Acquire, Deliver, Send, Sleep
from jackfield.secret import Secret
from jackfield_limits import Concurrency

HELLO = [{"role": "user", "content": "Hello."}]


@pytest.fixture(params=["memory", "redis"])
def make(request) -> Callable[..., Concurrency]:
    """Makes the middleware, of one process or shared."""
    if request.param == "memory":
        return Concurrency
    url = request.getfixturevalue("url")
    return lambda limit, **settings: Concurrency(limit, **{"name": "t", "redis": Secret(url), **settings})


def test_one_more_than_the_limit_is_refused(bench, make, act):
    """While two go on, a third is refused; when one has ended, the next passes."""
    one = bench(make(2, on_limit="fail"))
    codes: list[Any] = []

    def inside() -> None:
        if len(one.backend.asked) < 2:
            one.call()
        else:
            error = one.fails()
            codes.append((type(error), error.code, error.stage, error.status_code, error.should_retry))

    one.backend.acts = [act(during=inside)]
    one.call()
    one.backend.acts = [act()]
    one.call()

    assert codes == [(RateLimitError, "local_concurrency_limit", "not_sent", None, False)]
    assert len(one.backend.asked) == 3


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_fails_gives_its_place_back(bench, make, backend, act, stream):
    """Before and after the answer began."""
    failing = act(error=lambda: InternalServerError("down", status_code=503))
    one = bench(make(1, on_limit="fail"), backend([failing]))
    for _ in range(3):
        assert one.fails(stream=stream).status_code == 503


@pytest.mark.parametrize("effects", range(5))
def test_a_call_that_is_taken_down_gives_its_place_back(bench, make, effects):
    """Wherever it stands; in Redis with the next call."""
    one = bench(make(1))
    engine, effect = one.begin(stream=True, timeout=100)
    for _ in range(effects):
        effect = one.driver.step(engine, effect)
    engine.cancel()

    one.call()

    assert one.slept() == 0


def test_a_call_that_runs_out_of_time_gives_its_place_back(bench, make, backend, act):
    """Nothing can be yielded after the deadline."""
    one = bench(make(1), backend([act(error=DeadlineExceededError), act()]))
    one.fails(timeout=100)

    one.call()

    assert one.slept() == 0


def test_a_stream_goes_on_until_it_has_ended(bench, make):
    """Not only until it has begun."""
    one = bench(make(1, on_limit="fail"))
    engine, effect = one.begin(stream=True)
    while not isinstance(effect, Deliver):
        effect = one.driver.step(engine, effect)

    error = one.fails()
    assert error.code == "local_concurrency_limit"
    title = "concurrency" if one.layer.name is None else "concurrency t"
    assert str(error) == f"{title}: 1 call is under way, and no more may be"
    one.driver.run(engine, effect)
    one.call()


def test_keys_have_places_of_their_own(bench, make):
    """Each model, each value of a label."""
    one = bench(make(1, per=("model", "label:tenant"), on_limit="fail"))
    holders = [{"labels": {"tenant": "a"}}, {"labels": {"tenant": "b"}}, {"model": "other/m"}]
    held = [hold(one, **fields) for fields in holders]  # kept: an engine that is garbage gives its place back

    assert one.fails(labels={"tenant": "a"}).code == "local_concurrency_limit"
    assert one.fails(model="other/m").code == "local_concurrency_limit"
    one.call(labels={"tenant": "c"})
    assert not any(engine.done for engine, _ in held)


def hold(one, **fields):
    """Begin a call, and let it go on until it has sent its request."""
    engine, effect = one.begin(**fields)
    while not isinstance(effect, Send):
        effect = one.driver.step(engine, effect)
    return engine, effect


def test_a_gate_is_forgotten_with_its_last_call(bench):
    """However many values a label has."""
    one = bench(Concurrency(1, per=("label:id",)))
    for number in range(100):
        one.call(labels={"id": str(number)})
    engine, effect = one.begin(labels={"id": "x"})
    waiting, _ = one.begin(labels={"id": "x"})
    assert isinstance(_, Acquire)
    waiting.cancel()
    assert len(one.layer._gates._gates) == 1
    one.driver.run(engine, effect)

    assert one.layer._gates._gates == {}


def test_a_call_waits_until_its_deadline(bench, make):
    """Then it fails as any call does whose time is over."""
    one = bench(make(1))
    engine, _ = hold(one, timeout=1000)

    assert isinstance(one.fails(timeout=3), DeadlineExceededError)
    assert not engine.done


CONFIG: dict[str, Any] = {"default_model": "b/m", "backends": {"b": {"provider": "busy"}}}


def provider(client: Client | AsyncClient) -> Any:
    return client._session.plan.routes["b"].provider.plugin


@pytest.fixture(params=["memory", "redis"])
def settings(request) -> dict[str, Any]:
    """Of the middleware: of one process or shared."""
    if request.param == "memory":
        return {"use": "concurrency", "limit": 3}
    return {"use": "concurrency", "limit": 3, "name": "t", "redis": request.getfixturevalue("url")}


@pytest.mark.parametrize("stream", [False, True])
def test_many_threads_are_never_more_than_the_limit(settings, busy, stream):
    """And all of them come through."""
    config = {**CONFIG, "middleware": [settings]}
    with Client(config, plugins={"busy": busy}) as client:

        def work() -> None:
            for _ in range(2):
                answer = client.create_chat_completion(messages=HELLO, stream=stream, timeout=60)
                if stream:
                    list(answer)

        threads = [threading.Thread(target=work) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seen = provider(client)

    assert seen.most == 3
    assert seen.done == 24


@pytest.mark.parametrize("stream", [False, True])
def test_many_tasks_are_never_more_than_the_limit(settings, busy, stream):
    """And all of them come through."""
    config = {**CONFIG, "middleware": [settings]}

    async def work(client: AsyncClient) -> None:
        for _ in range(2):
            if stream:
                async with client.create_chat_completion(messages=HELLO, stream=True, timeout=60) as chunks:
                    async for _ in chunks:
                        pass
            else:
                await client.create_chat_completion(messages=HELLO, timeout=60)

    async def main() -> Any:
        async with AsyncClient(config, plugins={"busy": busy}) as client:
            await asyncio.gather(*(work(client) for _ in range(12)))
            return provider(client)

    seen = asyncio.run(main())

    assert seen.most == 3
    assert seen.done == 24


def test_a_task_that_is_cancelled_gives_its_place_back(settings, busy):
    """While it waits and while it is answered; in Redis with the next call."""
    config = {**CONFIG, "middleware": [{**settings, "limit": 1}]}
    config["backends"] = {"b": {"provider": "busy", "seconds": 60}}

    async def main() -> None:
        async with AsyncClient(config, plugins={"busy": busy}) as client:
            tasks = [asyncio.create_task(client.create_chat_completion(messages=HELLO)) for _ in range(3)]
            while not provider(client)._now:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            provider(client).seconds = 0
            await client.create_chat_completion(messages=HELLO, timeout=30)

    asyncio.run(main())


def leased(url: str, limit: int = 1, **settings: Any) -> Concurrency:
    return Concurrency(limit, name="t", redis=Secret(url), **settings)


def test_clients_share_their_places(bench, url):
    """What one has, another has not."""
    first, second = bench(leased(url)), bench(leased(url, on_limit="fail"))
    engine, effect = hold(first, timeout=100)

    assert second.fails().code == "local_concurrency_limit"
    first.driver.run(engine, effect)
    second.call()


def test_a_place_of_a_process_that_has_gone_runs_out(bench, url):
    """After the time that its call had left, and a second; or after the lease."""
    gone, later = bench(leased(url, lease=1)), bench(leased(url))
    engine, effect = hold(gone)
    assert not engine.done

    begun = time.monotonic()
    engine, effect = later.begin()
    while effect is not None:
        if isinstance(effect, Sleep):
            time.sleep(effect.seconds)  # the clock of Redis is a real one
        effect = later.driver.step(engine, effect)

    assert len(later.backend.asked) == 1
    assert time.monotonic() - begun > 0.5


def test_a_lease_is_as_long_as_the_call_may_be(bench, url, redis):
    """A second more than what is left of its time, and never more than ``lease``."""
    one = bench(leased(url, 2, lease=50))
    for timeout in (10, 1000):
        engine, effect = one.begin(timeout=timeout)
        one.driver.step(engine, effect)
    seconds, micros = redis.time()
    left = [
        score - seconds - micros / 1e6
        for _, score in redis.zrange("jackfield:{concurrency:t}:held", 0, -1, withscores=True)
    ]

    assert 9 < left[0] <= 11
    assert 48 < left[1] <= 50


def test_who_waits_in_redis_comes_first(bench, url):
    """A newcomer does not pass those who stand in line, also of another client."""
    first, second, third = (bench(leased(url)) for _ in range(3))
    engine, effect = hold(first)
    waiting, look = second.begin()
    look = second.driver.step(waiting, look)
    assert isinstance(look, Sleep)
    first.driver.run(engine, effect)

    newcomer, theirs = third.begin()
    theirs = third.driver.step(newcomer, theirs)
    assert isinstance(theirs, Sleep)
    second.driver.run(waiting, look)
    third.driver.run(newcomer, theirs)

    assert len(second.backend.asked) == len(third.backend.asked) == 1


def test_who_looks_no_more_loses_the_place_in_the_line(bench, url, redis):
    """A process that has gone while it waited holds up nobody for long."""
    first, gone, third = bench(leased(url)), bench(leased(url)), bench(leased(url))
    engine, effect = hold(first)
    waiting, look = gone.begin()
    gone.driver.step(waiting, look)
    first.driver.run(engine, effect)
    seen = "jackfield:{concurrency:t}:seen"
    for member, score in redis.zrange(seen, 0, -1, withscores=True):
        redis.zadd(seen, {member: score - 6})

    third.call()

    assert third.slept() == 0


def test_settings_are_checked():
    """At least one place."""
    with pytest.raises(ValueError, match=r"^limit: expected a whole number from 1"):
        Concurrency(0)
    with pytest.raises(ValueError, match=r"^lease: expected seconds from 1"):
        Concurrency(1, lease=0.0)
    with pytest.raises(ValueError, match=r"^name: expected a text"):
        Concurrency(1, redis=Secret("env:X"))


FORK = """
import os
import jackfield
layer = {"use": "concurrency", "limit": 1}
config = {"default_model": "e/m", "backends": {"e": {"provider": "echo"}}, "middleware": [layer]}
client = jackfield.Client(config)
ask = {"messages": [{"role": "user", "content": "one two three"}], "timeout": 20}
stream = client.create_chat_completion(**ask, stream=True)
next(stream)
child = os.fork()
if not child:
    client.create_chat_completion(**ask)
    client.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
stream.close()
client.create_chat_completion(**ask)
client.close()
"""


def test_a_forked_child_has_places_of_its_own():
    """Those that calls of its parent have are never given back there."""
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)


CLOSED_LOOP = """
import asyncio
import jackfield
layer = {"use": "concurrency", "limit": 1}
config = {"default_model": "e/m", "backends": {"e": {"provider": "echo"}}, "middleware": [layer]}
client = jackfield.AsyncClient(config)
ask = {"messages": [{"role": "user", "content": "one two three"}], "timeout": 20}
first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

async def begun():
    return await client.create_chat_completion(**ask, stream=True)

async def asked():
    return await client.create_chat_completion(**ask)

stream = first.run_until_complete(begun())
waiting = second.create_task(asked())
second.run_until_complete(asyncio.sleep(0.1))
second.close()  # with a call that waits
first.run_until_complete(stream.close())
first.run_until_complete(asked())
assert stream.call.faults == []
first.run_until_complete(client.close())
first.close()
"""


def test_a_call_that_waits_on_a_loop_that_is_closed_gets_no_place():
    """Nobody would give it back; and who leaves hears nothing of it."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", CLOSED_LOOP], check=True, timeout=60, stderr=subprocess.PIPE)
