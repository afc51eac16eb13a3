"""The inspector and the metrics: what is kept of calls, who may see it, and who follows it."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs
import pytest

from jackfield.hookspecs import hookimpl
from jackfield.models import CreateChatCompletionResponse
from jackfield.wire import from_dict
from jackfield_gateway import running
from jackfield_gateway.settings import GatewaySettings, Inspector, Limits, Price

OPEN = GatewaySettings(keys="never", store="sqlite::memory:")


def last(ask, **filters: str) -> list[dict]:
    """The calls that pass the filters, the newest first."""
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return ask(f"/inspector/calls?{query}").json["calls"]


def test_a_call_is_taken_down(gateway):
    """Under the id that the client was told, with its attempt, its tokens and its cost."""
    prices = {"b/ok": Price(input=500_000, output=1_000_000)}
    ask = gateway(attrs.evolve(OPEN, prices=prices))
    id_ = ask.chat("fast").headers["x-request-id"]
    (one,) = last(ask)
    assert (one["id"], one["state"], one["model"], one["key"], one["error"]) == (id_, "success", "fast", None, None)
    assert one["duration"] > 0
    (attempt,) = one["attempts"]
    assert (attempt["backend"], attempt["model"], attempt["outcome"]) == ("b", "ok", "success")
    usage = one["usage"]
    assert one["cost"] == usage["prompt_tokens"] / 2 + usage["completion_tokens"]


@attrs.define(eq=False)
class Counting:
    """A provider that tells so many tokens."""

    usage: ClassVar[dict[str, Any]] = {}

    @hookimpl
    def create_chat_completion(self):
        choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
        told = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        return from_dict({**told, "usage": self.usage}, CreateChatCompletionResponse)


@pytest.mark.parametrize(
    ("told", "shown", "cost"),
    [
        ((10**400, 1, 0), (10**12, 1), 2_000_001.0),
        ((-5, 3, 0), (0, 3), 0.000003),
        ((2, 0, 10), (2, 0), 0.000002),
        ((2, 0, -10), (2, 0), 0.000004),
    ],
)
def test_what_a_backend_makes_up_breaks_no_sum(gateway, told, shown, cost):
    """Neither are the books lost with a number that nothing can hold, nor do counters and costs go back."""
    prompt, completion, cached = told
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    provider = type("Own", (Counting,), {"usage": {**usage, "prompt_tokens_details": {"cached_tokens": cached}}})
    prices = {"m": Price(input=2, output=1, cached_input=1)}
    backend = {"provider": "counting"}
    ask = gateway(attrs.evolve(OPEN, prices=prices), backends={"c": backend}, models={}, plugins={"counting": provider})
    assert ask.chat("c/m").status == 200
    (one,) = last(ask)
    assert (one["usage"]["prompt_tokens"], one["usage"]["completion_tokens"]) == shown
    assert one["cost"] == pytest.approx(cost)
    text = ask("/metrics").body.decode()
    for kind, count in zip(("prompt", "completion"), shown, strict=True):
        assert f'tokens_total{{backend="c",model="other",kind="{kind}"}} {count:.10g}\n' in text


def test_where_the_time_went_is_taken_down(gateway):
    """Each layer within the one outside of it, each attempt with its wait."""
    retry = {"use": "retry", "max_attempts": 2}
    ask = gateway(OPEN, middleware=[retry])
    ask.chat("b/status?code=500")
    whole = ask(f"/inspector/calls/{last(ask)[0]['id']}").json
    spans = whole["spans"]
    assert [span["kind"] for span in spans].count("provider") == 2
    outer = next(span for span in spans if span["name"].startswith("retry"))
    assert all(outer["started"] <= span["started"] <= span["ended"] <= outer["ended"] for span in spans)
    assert [one["number"] for one in whole["attempts"]] == [1, 2]
    assert whole["attempts"][1]["wait"] > 0
    assert (whole["state"], whole["error"]["status"]) == ("error", 500)


@pytest.mark.parametrize("content", [False, True])
def test_nothing_of_a_prompt_is_kept_unless_that_was_wanted(gateway, content):
    """Neither in the list nor in the whole record."""
    ask = gateway(attrs.evolve(OPEN, inspector=Inspector(content=content)))
    ask.chat("fast", messages=[{"role": "user", "content": "a word that is mine"}])
    whole = ask(f"/inspector/calls/{last(ask)[0]['id']}")
    assert (b"a word that is mine" in whole.body) is content
    assert (whole.json["response"] is not None) is content
    assert b"a word that is mine" not in ask("/inspector/calls").body


def test_only_the_last_calls_are_kept(gateway):
    """And those after one that is known can be asked for."""
    ask = gateway(attrs.evolve(OPEN, inspector=Inspector(calls=3)))
    for _ in range(5):
        ask.chat("fast")
    assert [one["sequence"] for one in last(ask)] == [5, 4, 3]
    assert [one["sequence"] for one in last(ask, after="4")] == [5]


def test_calls_are_filtered(gateway):
    """By state, model and words."""
    ask = gateway(OPEN)
    ask.chat("fast")
    ask.chat("b/status?code=400")
    assert [one["model"] for one in last(ask, state="success")] == ["fast"]
    assert len(last(ask, model="fast")) == 1
    assert [one["state"] for one in last(ask, text="BadRequest")] == ["error"]
    assert last(ask, text="nothing-like-it") == []
    assert len(last(ask, state="", model="")) == 2
    wrong = ask("/inspector/calls?state=succes")
    assert (wrong.status, wrong.error["param"], wrong.error["message"]) == (
        400,
        "state",
        "expected running, success, error or cancelled",
    )
    assert ask("/inspector/calls?what=1").status == 400
    assert ask("/inspector/calls?after=-1").status == 400
    assert ask(f"/inspector/calls?after={'9' * 5000}").error["param"] == "after"
    assert ask("/inspector/calls/req_none").status == 404


def test_followers_are_told_of_calls_as_they_run(gateway):
    """When one begins, and when it has ended."""
    ask = gateway(OPEN)
    connection = http.client.HTTPConnection(urlsplit(ask.url).netloc, timeout=20)
    connection.request("GET", "/inspector/live")
    answer = connection.getresponse()
    assert answer.readline() == b": follows\n"
    ask.chat("fast")
    states = []
    while "success" not in states:
        line = answer.readline()
        if line.startswith(b"data: "):
            states.append(json.loads(line[6:])["state"])
    connection.close()
    assert states == ["running", "success"]


@pytest.mark.parametrize(("model", "stream", "status"), [("b/pings", True, 200), ("b/stall?at=0", False, 499)])
def test_a_client_that_leaves_is_taken_down_as_such(gateway, service, model, stream, status):
    """Neither a success nor an error; among the requests with the status that it was told, or 499 where with none."""
    ask = gateway(OPEN)
    connection = http.client.HTTPConnection(urlsplit(ask.url).netloc, timeout=60)
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    if stream:
        answer = connection.getresponse()
        answer.readline()
        answer.close()
    until = time.monotonic() + 60
    while not service.ledger.requests and time.monotonic() < until:
        time.sleep(0.02)
    connection.close()
    line = f'requests_total{{path="/v1/chat/completions",status="{status}"}} 1'
    while line not in ask("/metrics").body.decode() and time.monotonic() < until:
        time.sleep(0.02)
    assert line in ask("/metrics").body.decode()
    assert last(ask)[0]["state"] == "cancelled"


def test_metrics_tell_what_was_done(gateway):
    """Each line has a name, labels and a number."""
    ask = gateway(OPEN)
    ask.chat("fast")
    ask.chat("b/status?code=400")
    ask("/nowhere")
    text = ask("/metrics").body.decode()
    assert 'requests_total{path="/v1/chat/completions",status="200"} 1' in text
    assert 'requests_total{path="/v1/chat/completions",status="400"} 1' in text
    assert 'requests_total{path="other",status="404"} 1' in text
    assert 'calls_total{backend="b",model="fast",outcome="success"} 1' in text
    assert 'call_seconds_count{backend="b"} 2' in text
    for line in text.splitlines():
        assert line.startswith("#") or float(line.rpartition(" ")[2]) >= 0


def test_followers_are_told_of_first_chunks(gateway):
    """While the stream still runs; its end comes when the client has left."""
    ask = gateway(OPEN)
    place = urlsplit(ask.url).netloc
    follower, streamed = http.client.HTTPConnection(place, timeout=20), http.client.HTTPConnection(place, timeout=20)
    follower.request("GET", "/inspector/live")
    events = follower.getresponse()
    assert events.readline() == b": follows\n"
    body = {"model": "b/pings", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    streamed.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    answer = streamed.getresponse()
    answer.readline()
    told = [data_of(events)]
    if told[0]["first_chunk"] is None:
        told.append(data_of(events))
    assert [one["state"] for one in told] == ["running"] * len(told)
    assert told[-1]["first_chunk"] > 0
    assert not {"spans", "request", "response"} & told[-1].keys()
    answer.close()
    streamed.close()
    assert data_of(events)["state"] == "cancelled"
    follower.close()


def data_of(events):
    """The data of the next event."""
    while not (line := events.readline()).startswith(b"data: "):
        assert line, "the stream ended"
    return json.loads(line[6:])


def test_an_open_page_does_not_hold_a_drain_up():
    """Its stream ends by itself, long before the drain's time is over."""
    limits = Limits(drain=60)
    settings = attrs.evolve(OPEN, limits=limits)
    config = {"backends": {"echo": {"provider": "echo"}}}
    with running(config, settings=settings) as url:
        follower = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        follower.request("GET", "/inspector/live")
        events = follower.getresponse()
        assert events.readline() == b": follows\n"
        began = time.monotonic()
    assert time.monotonic() - began < 20
    assert events.read().endswith(b"\n")
    follower.close()
