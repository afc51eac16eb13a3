"""What is recorded, when, and what a call has to do with it."""

from __future__ import annotations

import gzip

import pytest

from jackfield import (
    APIConnectionError,
    APITimeoutError,
    ConfigError,
    DeadlineExceededError,
    HttpRequest,
    Read,
    Run,
    hookimpl,
)
from jackfield.testing import Reply
from jackfield_replay import Record, RecordingError, load_tape

URL = "https://api.example.com/v1/chat"
GET = HttpRequest("GET", URL)
POST = HttpRequest("POST", URL, {"content-type": "application/json"}, b'{"n":1}')


def kept(file):
    """Of each exchange what was asked, the blocks with the seconds before them, and its end."""
    return [
        (
            one.request.method,
            [] if one.response is None else [(block.after, block.data) for block in one.response.blocks],
            one.outcome,
        )
        for one in load_tape(str(file))[0]
    ]


def test_an_answer_is_recorded_as_it_came(bench, file):
    """Its blocks and the pauses between them, to the millisecond."""
    reply = Reply(201, {"content-type": "x/y"}, [b"a", 0.12345, b"b", 2.0], after=0.5)
    assert bench.send(Record(str(file)), POST, script=[reply]) == [201, b"a", b"b"]

    (one,) = load_tape(str(file))[0]
    assert (one.backend, one.model, one.request.method, one.request.url) == ("test", "m", "POST", URL)
    assert one.request.body == b'{"n":1}'
    assert (one.response.status, one.response.after, one.response.headers) == (201, 0.5, {"content-type": "x/y"})
    assert kept(file) == [("POST", [(0.0, b"a"), (0.123, b"b")], "whole")]
    assert bench.driver.unreleased == []


def test_an_answer_that_is_read_at_once_has_its_blocks_too(bench, file):
    """The reader gets it in one piece."""
    assert bench.send(Record(str(file)), GET, script=[Reply(200, {}, [b"a", 1.0, b"b"])], whole=True) == [200, b"ab"]
    assert kept(file) == [("GET", [(0.0, b"a"), (1.0, b"b")], "whole")]


def test_an_encoded_answer_is_recorded_decoded(bench, file):
    """What is replayed says nothing of an encoding."""
    reply = Reply(200, {"content-encoding": "gzip", "content-length": "99"}, [gzip.compress(b"hello")])
    bench.send(Record(str(file)), GET, script=[reply])

    assert kept(file) == [("GET", [(0.0, b"hello")], "whole")]
    assert load_tape(str(file))[0][0].response.headers == {}


@pytest.mark.parametrize("error", [APIConnectionError("x", code="reset"), APITimeoutError("x", code="idle")])
def test_a_failure_is_recorded_where_it_came(bench, file, error):
    """In place of the answer, or of the rest of it; and it passes as it is."""
    layer = Record(str(file))
    for script in ([error], [Reply(200, {}, [b"a", 1.0, error])]):
        with pytest.raises(type(error)) as caught:
            bench.send(layer, GET, script=script)
        assert caught.value is error

    assert kept(file) == [("GET", [], error.code), ("GET", [(0.0, b"a")], error.code)]
    assert load_tape(str(file))[0][1].failure.after == 1.0


def test_an_answer_that_is_read_no_further_is_recorded_as_such(bench, file):
    """When the call has ended; and before what the same call does next, so that the order is kept."""
    layer = Record(str(file))
    bench.send(layer, POST, GET, script=[Reply(200, {}, [b"a", b"b"]), Reply()], most=1)

    assert kept(file) == [("POST", [(0.0, b"a")], "left"), ("GET", [], "whole")]
    bench.send(layer, POST, script=[Reply(200, {}, [b"a", b"b"])], most=1)
    assert kept(file)[2:] == [("POST", [(0.0, b"a")], "left")]
    assert layer._running == set()


def test_a_call_that_was_taken_down_is_recorded_with_the_next_or_when_the_client_closes(bench, file):
    """Nothing can be written while it is taken down; nothing is lost either."""
    layer = Record(str(file))
    for _ in range(2):
        bench.take_down(layer, GET, [Reply(200, {}, [b"a", b"b"])])
        assert bench.driver.unreleased == []
    assert kept(file) == [("GET", [(0.0, b"a")], "left")]
    bench.send(layer, POST, script=[Reply()])
    assert [one[::2] for one in kept(file)] == [("GET", "left"), ("GET", "left"), ("POST", "whole")]
    assert layer._waiting == []


def test_the_deadline_is_recorded(bench, file):
    """With the next exchange, or when the client closes; the host gets its error."""
    layer = Record(str(file))
    for script in ([Reply(200, {}, [b"a", 50.0, b"b"])], [Reply(after=50.0)]):
        with pytest.raises(DeadlineExceededError):
            bench.send(layer, GET, script=script, timeout=10.0)
    layer.close()

    assert kept(file) == [("GET", [(0.0, b"a")], "DeadlineExceededError"), ("GET", [], "DeadlineExceededError")]


def test_what_was_never_exchanged_is_not_recorded(bench, file):
    """A request that was refused before it was sent, or of which nothing is known."""

    class Refusing:
        @hookimpl
        def wrap_http(self, http_request, call):
            raise ConfigError("no")
            yield

    layer = Record(str(file))
    with pytest.raises(ConfigError):
        bench.send(layer, GET, inner=(Refusing(),))
    layer.close()

    assert kept(file) == []
    assert layer._running == set()


def test_the_list_of_models_is_recorded(bench, file):
    """Also where its answer was not read to the end, when the client closes."""
    layer = Record(str(file))
    bench.list_models(layer, GET, [Reply(200, {}, [b"a"])])
    bench.list_models(layer, POST, [Reply(200, {}, [b"a", b"b"])], most=1)
    assert kept(file) == [("GET", [(0.0, b"a")], "whole")]
    layer.close()

    assert kept(file)[1:] == [("POST", [(0.0, b"a")], "left")]
    assert load_tape(str(file))[0][0].model is None


def test_what_cannot_be_written_after_its_call_is_told_when_the_client_closes(bench, file, caplog):
    """The call that happens to write it does not fail for it; the log tells too."""
    layer = Record(str(file))
    bench.take_down(
        layer, HttpRequest("POST", URL, {}, b"sk-proj-a1b2c3d4e5f6g7h8i9j0"), [Reply(200, {}, [b"a", b"b"])]
    )
    bench.send(layer, GET, script=[Reply()])

    assert [one[0] for one in kept(file)] == ["GET"]
    assert "what looks like an API key" in caplog.text
    with pytest.raises(RecordingError, match="what looks like an API key"):
        layer.close()


def test_a_refusal_fails_the_call_in_place_of_its_answer(bench, file):
    """And in place of its failure."""
    for script in ([Reply(200, {}, [b"ok"])], [APIConnectionError("x")]):
        with pytest.raises(RecordingError, match=r"request\.text: what looks like an API key"):
            bench.send(Record(str(file)), HttpRequest("POST", URL, {}, b"sk-proj-a1b2c3d4e5f6g7h8i9j0"), script=script)
        assert bench.driver.unreleased == []


def test_what_blocks_is_run_where_it_may(bench, file, monkeypatch):
    """The file is opened and written by ``Run`` only, but for what is left when the client closes."""
    layer = Record(str(file))
    bench.send(layer, GET, script=[Reply(200, {}, [b"a"])])
    ran = [effect.function.__name__ for effect in bench.driver.effects if isinstance(effect, Run)]

    assert ran == ["_prepare", "_save"]


@pytest.mark.parametrize("stream", [False, True])
def test_many_calls_at_once_are_recorded_and_replayed(mode, host, file, server, stream):
    """Each whole, with its own answer; by threads and by tasks."""
    asked = [{"messages": [{"role": "user", "content": f"call {number}"}], "stream": stream} for number in range(20)]
    with host(mode, {"use": "record", "file": str(file)}, server.url) as made:
        live = made.ask_all(asked)
    with host(mode, {"use": "replay", "file": str(file), "unused": "error"}) as made:
        again = made.ask_all(asked[::-1])[::-1]

    assert [outcome.text for outcome in live] == [f"call {number}" for number in range(20)]
    assert [outcome.response for outcome in again] == [outcome.response for outcome in live]
    assert len(load_tape(str(file))[0]) == 20


def test_a_stream_that_the_host_closes_is_replayed_as_far_as_it_was_read(mode, host, file, server):
    """The host gets the same chunks; whoever reads further is told that there is no more."""
    fields = {
        "messages": [{"role": "user", "content": "a long text, in many pieces"}],
        "stream": True,
        "model": "test/slow",
    }
    with host(mode, {"use": "record", "file": str(file)}, server.url) as made:
        live = made.ask(stop_after=3, **fields)
    layer = {"use": "replay", "file": str(file), "repeat": True}
    with host(mode, layer) as made:
        again = made.ask(stop_after=3, **fields)
        further = made.ask(**fields)

    assert load_tape(str(file))[0][0].end == "left"
    assert len(live.chunks) == 3
    assert again.chunks == live.chunks
    assert "not read any further when it was recorded" in str(further.error)


def test_a_reader_waits_as_long_as_it_would(bench, file):
    """The limit of each read is its own."""
    bench.send(Record(str(file)), GET, script=[Reply(200, {}, [b"a"])], within=7.0)

    assert {effect.within for effect in bench.driver.effects if isinstance(effect, Read)} == {7.0}


def test_the_deadline_is_recorded_where_no_layer_around_calls_sees_it(bench, file):
    """Of a list of models, when the client closes."""
    layer = Record(str(file))
    with pytest.raises(DeadlineExceededError):
        bench.list_models(layer, GET, [Reply(after=1000.0)])
    layer.close()

    assert kept(file) == [("GET", [], "DeadlineExceededError")]
