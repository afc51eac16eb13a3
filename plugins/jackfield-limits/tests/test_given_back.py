"""Whatever a call has taken is given back, at whatever moment it is taken down."""

from __future__ import annotations

import pytest

from jackfield.errors import APIError, CallCancelled, DeadlineExceededError
from jackfield.flow import Run, Sleep
from jackfield.secret import Secret
from jackfield.testing import make_call
from jackfield_limits import Budget, Concurrency, RateLimit
from jackfield_limits.operations import Leave, Move, StoreFailure
from jackfield_limits.redis_store import RedisStore, _guarded
from jackfield_limits.store import Store

TOLD = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def held(redis):
    """Requests, tokens and places that count at the server."""
    requests = tokens = places = 0
    for key in redis.keys("jackfield:*"):
        if redis.type(key) == "zset":
            places += redis.zcard(key)
        elif "rate" in key:
            for amounts in redis.hvals(key):
                requests, tokens = requests + int(amounts.split()[0]), tokens + int(amounts.split()[1])
        else:
            tokens += int(redis.hget(key, "tokens"))
    return requests, tokens, places


AFTER_ONE = {"rate-limit": (1, 2, 0), "concurrency": (0, 0, 0), "budget": (0, 2, 0)}
"""What counts when one call has been made, and nothing else."""


def begun(one):
    """A call that has booked: its engine and next effect."""
    engine, effect = one.begin()
    return engine, one.driver.step(engine, effect) if isinstance(effect, Run) else effect


def waiting(bench, act, backend, limit):
    """Two calls under way, two that wait, and the sleep of the first of these."""
    one = bench(limit, backend([act(usage=TOLD)]))
    under_way = [begun(one) for _ in range(2)]
    (first, sleep), (second, _) = begun(one), begun(one)
    assert isinstance(sleep, Sleep)
    for engine, effect in under_way:
        one.driver.run(engine, effect)  # they took less than was booked for them
    return one, first, sleep, second


def test_a_call_that_is_taken_down_as_its_turn_comes_gives_back_its_own(bench, act, backend):
    """Not what another one has booked for the time that it had before."""
    limit = RateLimit(tokens=2100, window=60, max_wait=200)
    one, first, sleep, _ = waiting(bench, act, backend, limit)
    sleep = one.driver.step(first, sleep)
    assert sleep.seconds == 0.0  # it may begin now
    first.cancel()
    ((_, window),) = limit._store._memory._windows.values()

    assert window._slots == {1000: (2, 4), 1061: (1, 1001)}


def test_a_call_that_is_taken_down_while_it_is_moved_gives_back_its_own(bench, act, backend, url, redis):
    """Wherever the server has it by then."""
    limit = RateLimit(tokens=2100, window=60, max_wait=200, name="t", redis=Secret(url))
    one, first, sleep, _ = waiting(bench, act, backend, limit)
    move = one.driver.step(first, sleep)
    assert isinstance(move, Run)
    one.driver.perform(move)  # a worker thread does it all the same
    first.cancel()
    limit.close()

    assert held(redis) == (3, 2 + 2 + 1001, 0)


@pytest.mark.parametrize("left", ["before", "meanwhile", "after"])
def test_what_is_taken_while_the_host_leaves_is_given_back(bench, make_limit, act, url, redis, kind, left, monkeypatch):
    """A worker goes on with what it has begun, and nobody hears of it; what it has not begun is not done."""
    one = bench(make_limit(kind, url))
    one.backend.acts = [act(usage=TOLD)]
    engine, effect = one.begin()
    assert isinstance(effect, Run)
    if left == "meanwhile":
        perform = RedisStore.perform

        def leaves(self, operation):
            answer = perform(self, operation)
            engine.cancel()
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(RedisStore, "perform", leaves)
            one.driver.perform(effect)
    elif left == "after":
        one.driver.perform(effect)
        engine.cancel()
    else:
        engine.cancel()
        one.driver.perform(effect)
    one.call()
    one.layer.close()

    assert held(redis) == AFTER_ONE[kind]


def test_what_is_taken_while_the_time_runs_out_is_given_back(bench, make_limit, act, url, redis, kind, monkeypatch):
    """The deadline is looked at when the server has done it."""
    one = bench(make_limit(kind, url))
    one.backend.acts = [act(usage=TOLD)]
    perform = RedisStore.perform

    def slow(self, operation):
        one.driver.now += 30
        return perform(self, operation)

    with monkeypatch.context() as patch:
        patch.setattr(RedisStore, "perform", slow)
        with pytest.raises(DeadlineExceededError):
            one.call(timeout=20)
    one.call()
    one.layer.close()

    assert held(redis) == AFTER_ONE[kind]


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_a_place_of_which_no_answer_came_is_given_back(bench, make_limit, url, redis, monkeypatch, on_failure):
    """The server may have given it, though nobody heard of it."""
    one = bench(make_limit("concurrency", url, on_store_failure=on_failure))
    perform = RedisStore.perform

    def lost(self, operation):
        perform(self, operation)
        raise StoreFailure("TimeoutError")

    with monkeypatch.context() as patch:
        patch.setattr(RedisStore, "perform", lost)
        if on_failure == "closed":
            with pytest.raises(APIError, match="limits cannot be counted"):
                one.call()
        else:
            one.call()
    one.call()

    assert held(redis) == (0, 0, 0)


@pytest.mark.parametrize(("begun", "left"), [(False, 1), (True, 0)])
def test_what_no_worker_has_begun_is_said_with_the_next_call(url, begun, left):
    """A call that is taken down before there was a worker for it has still a place to give back."""
    store = Store(Secret(url), "closed", 0.5)
    flow = store.tell(Leave("k", "id"), make_call())
    run = next(flow)
    if begun:
        run.function(*run.args)
    with pytest.raises(CallCancelled):
        flow.throw(CallCancelled())

    assert len(store._notices) == left
    run.function(*run.args)  # a worker comes to it after all: it is said once
    assert len(store._notices) == 0
    store.close()


def test_what_was_not_tried_since_redis_failed_before_is_said_later(
    bench, make_limit, backend, act, url, redis, monkeypatch
):
    """Of two places that are to be given back, the second one as well."""

    def down(self, operation):
        raise StoreFailure("ConnectionError")

    with monkeypatch.context() as patch:
        patched = act(during=lambda: patch.setattr(RedisStore, "perform", down))
        one = bench(make_limit("concurrency", url), backend([act(), act(), patched, act()]))
        one.call()
        left, effect = one.begin()
        one.driver.step(left, effect)
        second, effect = one.begin()
        effect = one.driver.step(second, effect)
        left.cancel()
        one.driver.run(second, effect)
    assert held(redis) == (0, 0, 2)
    one.call()

    assert held(redis) == (0, 0, 0)


def test_what_is_left_to_say_is_said_when_the_client_is_closed(bench, make_limit, url, redis):
    """A program that ends keeps nothing that it could give back."""
    one = bench(make_limit("concurrency", url))
    engine, effect = one.begin()
    one.driver.step(engine, effect)
    engine.cancel()
    assert held(redis) == (0, 0, 1)
    one.layer.close()

    assert held(redis) == (0, 0, 0)


def test_a_reference_that_leads_nowhere_any_more_costs_no_answer(bench, make_limit, url, monkeypatch):
    """Where the URL has to be read again, after the answer came."""
    one = bench(make_limit("budget", url))
    engine, effect = one.begin()
    effect = one.driver.step(engine, effect)
    one.layer.close()
    monkeypatch.delenv("LIMITS_REDIS_URL")
    one.layer._store._url = Secret("env:LIMITS_REDIS_URL")

    assert one.driver.run(engine, effect).choices[0].message.content == "Hello"


def test_whatever_the_library_raises_is_a_failure_of_the_store():
    """A connection that is closed while it is read is None to it."""
    with pytest.raises(StoreFailure, match="AttributeError"):
        _guarded(lambda: None.readline)


def test_a_move_takes_its_booking_along():
    """What it gives up is where the move has left it."""
    from jackfield_limits.window import Booking, Rate

    move = Move("k", Rate(60.0, 5), 1061, 7)
    undo = move.undo(Booking(1001, 0.0))

    assert (undo.slot, undo.requests, undo.tokens) == (1001, -1, -7)


def test_a_fork_does_not_say_again_what_its_parent_says(bench, make_limit, url, redis, monkeypatch):
    """It would be given back twice, and there would be more room than there is."""
    one = bench(make_limit("concurrency", url))
    engine, effect = one.begin()
    one.driver.step(engine, effect)
    taken = held(redis)
    with monkeypatch.context() as parent:
        parent.setattr("os.getpid", lambda: -1)
        engine.cancel()
    one.layer.close()

    assert taken == (0, 0, 1)
    assert held(redis) == taken


def test_what_was_refused_while_the_host_leaves_gives_nothing_back(bench, url, redis, kind):
    """It had taken nothing, and what others have taken stays."""
    shared = {"name": "t", "redis": Secret(url)}
    if kind == "rate-limit":
        limit = RateLimit(requests=1, window=3600, on_limit="fail", **shared)
    elif kind == "concurrency":
        limit = Concurrency(1, on_limit="fail", **shared)
    else:
        limit = Budget(tokens=1500, period="total", **shared)
    one = bench(limit)
    first, effect = one.begin()
    one.driver.step(first, effect)
    taken = held(redis)
    second, effect = one.begin()
    one.driver.perform(effect)  # a worker thread has done it: it is refused
    second.cancel()
    limit.close()

    assert taken == {"rate-limit": (1, 0, 0), "concurrency": (0, 0, 1), "budget": (0, 1001, 0)}[kind]
    assert held(redis) == taken
