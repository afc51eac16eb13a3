"""The ring of the last calls: what it holds, how much of it, and who follows it."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from jackfield.call import Attempt
from jackfield.http import Backend
from jackfield.models import CreateChatCompletionRequest, CreateChatCompletionResponse
from jackfield.testing import make_call
from jackfield.wire import encode, from_dict
from jackfield_gateway import recorder as module
from jackfield_gateway.follower import BEHIND
from jackfield_gateway.recorder import Recorder
from jackfield_gateway.settings import GatewaySettings, Inspector

ANSWER = CreateChatCompletionResponse(id="x", choices=[])


def recorder(calls=3, content=False):
    made = Recorder()
    made.begin(settings(calls, content=content))
    return made


def settings(calls, *, content):
    return GatewaySettings(inspector=Inspector(calls=calls, content=content))


def asked(text="hello"):
    return from_dict({"model": "m", "messages": [{"role": "user", "content": text}]}, CreateChatCompletionRequest)


def begin(ring, text="hello", **fields):
    return ring.add(make_call(**fields), asked(text))


def whole(ring, text="hello"):
    record = begin(ring, text)
    ring.end(record, "success", ANSWER)
    return record


def test_the_oldest_call_goes_first():
    """No more than the settings say are kept, and numbers go on."""
    ring = recorder(calls=3)
    for _ in range(5):
        whole(ring)
    assert [record.sequence for record in ring.newest()] == [5, 4, 3]
    assert ring.sequence == 5


def test_none_is_kept_where_none_is_wanted():
    """Calls end nonetheless, and leave no content behind."""
    ring = recorder(calls=0, content=True)
    assert whole(ring).state == "success"
    assert (list(ring.newest()), ring.held) == ([], 0)


def test_a_call_is_found_by_the_id_of_its_request_and_its_own():
    """The client knows the one, logs the other."""
    ring = recorder()
    record = begin(ring, labels={"request_id": "req_1", "key": "key_1", "key_label": "mine"})
    assert ring.find("req_1") is ring.find(record.call_id) is record
    assert ring.find("req_2") is None
    assert record.shown({}, whole=False)["key"] == {"id": "key_1", "label": "mine"}


def test_content_is_bounded_in_all(monkeypatch):
    """The oldest calls lose theirs; the calls stay."""
    ring = recorder(calls=10, content=True)
    size = len(whole(ring).request) + len(ring.find(next(ring.newest()).id).response)
    monkeypatch.setattr(module, "CONTENT", size * 3)
    for _ in range(5):
        whole(ring)
    kept = [record.request is not None for record in ring.newest()]
    assert kept == [True, True, True, False, False, False]
    assert ring.held == size * 3


def test_content_goes_with_its_call():
    """What left the ring is not counted, nor held."""
    ring = recorder(calls=2, content=True)
    records = [whole(ring) for _ in range(5)]
    assert [record.request is not None for record in records] == [False, False, False, True, True]
    assert ring.held == sum(len(one.request) + len(one.response) for one in records[3:])


def test_a_call_that_left_the_ring_while_it_ran_keeps_nothing():
    """Nobody would ever take its content away."""
    ring = recorder(calls=1, content=True)
    old = begin(ring)
    size = len(whole(ring).request) + len(next(ring.newest()).response)
    ring.end(old, "success", ANSWER)
    assert (old.request, ring.held) == (None, size)


def test_content_that_is_wanted_no_more_is_gone():
    """At once, also that of calls that run; the calls stay."""
    ring = recorder(content=True)
    ended, running = whole(ring), begin(ring)
    ring.begin(settings(3, content=False))
    assert (ended.request, ended.response, ring.held) == (None, None, 0)
    assert running.shown({}, whole=True)["request"] is None
    assert list(ring.newest()) == [running, ended]
    ring.end(running, "success", ANSWER)
    assert (running.request, running.response, ring.held) == (None, None, 0)


@pytest.mark.parametrize("calls", [0, 1])
def test_calls_that_are_wanted_no_more_take_their_content_with_them(calls):
    """Where fewer are to be kept."""
    ring = recorder(calls=3, content=True)
    records = [whole(ring) for _ in range(3)]
    ring.begin(settings(calls, content=True))
    kept = [one for one in records if one.request is not None]
    assert kept == records[3 - calls :]
    assert ring.held == sum(len(one.request) + len(one.response) for one in kept)


def test_a_large_request_is_not_kept():
    """Its answer is."""
    ring = recorder(content=True)
    record = whole(ring, "x" * module.PIECE)
    assert record.request is None
    assert record.response is not None


@pytest.mark.parametrize("depth", [100, 900])
def test_a_request_that_is_nested_too_deeply_to_be_written_is_not_kept(depth):
    """The call ends as any other, and is shown while it runs."""
    ring, deep = recorder(content=True), []
    for _ in range(depth):
        deep = [deep]
    record = ring.add(make_call(), attrs.evolve(asked(), extra={"x": deep}))
    encode(record.shown({}, whole=True))
    ring.end(record, "success", ANSWER)
    told = record.shown({}, whole=True)
    assert (told["state"], told["request"] is None) == ("success", depth > 500)
    encode(told)


def test_a_running_call_shows_its_request_where_content_is_kept():
    """And not where it is not."""
    for content in (False, True):
        record = begin(recorder(content=content))
        assert (record.shown({}, whole=True)["request"] is not None) is content


def test_a_follower_is_told_of_each_stage_once():
    """Of the beginning, the first chunk and the end; then of nothing."""

    async def followed():
        ring, told = recorder(), []
        with ring.followed() as follower:
            record = begin(ring, stream=True)
            told.append((await follower.next(5)).stage)
            told.append(await follower.next(0.15))
            _chunk(record)
            told.append((await follower.next(5)).stage)
            told.append(await follower.next(0.15))
            ring.end(record, "success", ANSWER)
            told.append((await follower.next(5)).stage)
            told.append(await follower.next(0.01))
        return told

    assert asyncio.run(followed()) == [0, None, 1, None, 2, None]


def test_a_call_that_ended_before_it_was_told_of_is_told_of_once():
    """Its beginning would say what its end says."""

    async def followed():
        ring = recorder()
        with ring.followed() as follower:
            whole(ring)
            return [await follower.next(5), await follower.next(0.01)]

    first, second = asyncio.run(followed())
    assert (first.state, second) == ("success", None)


def test_who_comes_later_is_told_how_a_running_call_ends():
    """Though it was never told of its beginning."""

    async def followed():
        ring = recorder()
        record = begin(ring)
        with ring.followed() as follower:
            ring.end(record, "error", None)
            return await follower.next(5)

    assert asyncio.run(followed()).state == "error"


def test_a_follower_that_does_not_read_is_let_go():
    """With all that waited for it; others are told on."""

    async def followed():
        ring = recorder()
        with ring.followed() as slow, ring.followed() as fast:
            for _ in range(BEHIND):
                whole(ring)
                assert await fast.next(5) is not None
            return slow.lost, fast.lost, slow._events.qsize(), await slow.next(60)

    assert asyncio.run(followed()) == (True, False, 0, None)


def test_nobody_is_told_after_the_block():
    """However it ends."""
    ring = recorder()
    with pytest.raises(KeyError), ring.followed() as follower:
        raise KeyError
    whole(ring)
    assert follower._events.empty()


def _chunk(record):
    """Its first chunk has come."""
    backend = Backend("b", "echo")
    record.call.attempts.append(Attempt(1, backend, "m", started=0.0, first_chunk=0.5))
