"""What answers a request from a recording, and what is told where nothing does."""

from __future__ import annotations

import json
import pickle

import pytest

from jackfield import APIConnectionError, APIError, HttpRequest, Sleep
from jackfield.redaction import remember
from jackfield.testing import Reply
from jackfield_replay import Exchange, Record, RecordingError, Replay, ReplayMissError, Request, Response
from jackfield_replay.difference import differences, parsed
from jackfield_replay.exchange import block, shown
from jackfield_replay.tape import Tape
from jackfield_replay.text import write

URL = "https://api.example.com/v1/chat"


def asking(value=None, url: str = URL, method: str = "POST", **headers: str) -> HttpRequest:
    body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
    return HttpRequest(method, url, headers, body)


def answer(text: str, *pairs, url: str = URL, backend: str = "test", body=None, end: str = "whole") -> Exchange:
    """A recorded exchange that answers a text to a body."""
    content = shown(json.dumps(body).encode()) if body is not None else {}
    response = Response(status=200, blocks=[block(text.encode()), *(block(data, after) for after, data in pairs)])
    return Exchange(backend=backend, request=Request(method="POST", url=url, **content), response=response, end=end)


@pytest.fixture
def tape(file):
    """Makes a recording of these exchanges, and the layer that replays it."""

    def make(*exchanges: Exchange, **settings) -> Replay:
        recording = Tape(str(file))
        recording.prepare()
        for one in exchanges:
            recording.add(write(one))
        return Replay(str(file), **settings)

    return make


def test_a_request_is_answered_without_a_network(bench, tape):
    """Status, headers and blocks are those that were recorded; nothing is passed inward."""
    layer = tape(answer("a", (0.5, b"b"), body={"n": 1}))

    assert bench.send(layer, asking({"n": 1})) == [200, b"a", b"b"]
    assert bench.driver.requests == []
    assert bench.driver.slept == []


def test_order_of_keys_blanks_and_headers_do_not_matter(bench, tape):
    """Nor does the host that a request would have gone to."""
    layer = tape(answer("a", body={"n": 1, "m": {"x": 1, "y": [2]}}, url=f"{URL}?a=1"))
    request = asking(
        b'{ "m": {"y":[ 2 ], "x":1},"n":1 }', "http://localhost:1/v1/chat?a=1", **{"authorization": "x", "x-y": "z"}
    )

    assert bench.send(layer, request) == [200, b"a"]


def test_each_exchange_is_used_once_and_in_order(bench, tape):
    """The same question has different answers, as it had when it was recorded."""
    layer = tape(answer("one"), answer("two"), answer("three"))

    assert bench.send(layer, asking(), asking(), asking()) == [200, b"one", 200, b"two", 200, b"three"]
    with pytest.raises(ReplayMissError, match=r"exchange 3 is the same, and was used before \(repeat = true"):
        bench.send(layer, asking())


def test_the_last_one_is_used_again_where_it_may(bench, tape):
    """By ``repeat``."""
    layer = tape(answer("one"), answer("two"), answer("other", body=1), repeat=True)

    assert bench.send(layer, asking(), asking(), asking()) == [200, b"one", 200, b"two", 200, b"two"]


def test_of_the_same_questions_that_of_the_backend_comes_first(bench, tape):
    """A fallback may ask two backends the same."""
    layer = tape(answer("other", backend="other"), answer("own"))

    assert bench.send(layer, asking(), asking()) == [200, b"own", 200, b"other"]


@pytest.mark.parametrize(("pace", "slept"), [(0.0, []), (1.0, [0.5, 2.0]), (0.5, [0.25, 1.0])])
def test_pauses_are_kept_to_the_pace(bench, tape, pace, slept):
    """The recorded ones, multiplied."""
    layer = tape(answer("a", (0.5, b"b"), (2.0, b"c")), pace=pace)

    assert bench.send(layer, asking()) == [200, b"a", b"b", b"c"]
    assert bench.driver.slept == slept
    assert all(isinstance(effect, Sleep) for effect in bench.driver.effects if hasattr(effect, "seconds"))


def test_pauses_before_a_head_and_a_failure_are_kept_too(bench, file):
    """As they were recorded."""
    script = [Reply(200, {}, [b"a", 2.0, APIConnectionError("cut", code="reset")], after=1.0)]
    for layer in (Record(str(file)), Replay(str(file), pace=1.0)):
        with pytest.raises(APIConnectionError, match="cut"):
            bench.send(layer, asking(), script=script)

    assert bench.driver.slept == [1.0, 2.0]


AGAIN = ", and then it does it again, and again, an"
MISSES = [
    # what was recorded, what is asked, what is told
    ({"a": 1}, {"a": 2}, ["a: recorded 1, asked 2"]),
    ({"a": 1}, {"a": 1.0}, ["a: recorded 1, asked 1.0"]),
    ({"a": 1}, {"a": True}, ["a: recorded 1, asked true"]),
    ({"a": 1}, {"a": "1"}, ['a: recorded 1, asked "1"']),
    ({"a": None}, {}, ["a: recorded null, not asked for"]),
    ({}, {"a": [1]}, ["a: asked [1], not recorded"]),
    ({"a": {"b": 1}}, {"a": [1]}, ['a: recorded {"b":1}, asked [1]']),
    (
        {"messages": [{"role": "user", "content": "Hello"}]},
        {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "Hello"}]},
        [
            'messages[0].role: recorded "user", asked "system"',
            'messages[0].content: recorded "Hello", asked "x"',
            'messages[1]: asked {"role":"user","content":"Hello"}, not recorded',
        ],
    ),
    (
        {"a": "The quick brown fox jumps over the lazy dog, and then it does it again, and again, and again."},
        {"a": "The quick brown fox jumps over the lazy cat, and then it does it again, and again, and again."},
        [f'a: recorded "… over the lazy dog{AGAIN}…", asked "… over the lazy cat{AGAIN}…"'],
    ),
    ({"a": "x\n y"}, {"a": "x\n z"}, ['a: recorded "x\\n y", asked "x\\n z"']),
    ([1, 2], [1], ["[1]: recorded 2, not asked for"]),
    ({"a": "Grüße"}, {"a": "Gruesse"}, ['a: recorded "Grüße", asked "Gruesse"']),
]


@pytest.mark.parametrize(("recorded", "asked", "lines"), MISSES)
def test_a_miss_tells_where_the_nearest_differs(bench, tape, recorded, asked, lines):
    """Path by path, and short."""
    layer = tape(answer("x", body=recorded))
    with pytest.raises(ReplayMissError) as caught:
        bench.send(layer, asking(asked))

    head = "the recording has no answer left to POST /v1/chat; exchange 1 is the nearest:"
    assert str(caught.value).splitlines() == [head, *(f"  {line}" for line in lines)]
    assert (caught.value.nearest, caught.value.differences) == (1, tuple(lines))
    assert not isinstance(caught.value, APIError)
    assert caught.value.backend == "test"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.nearest) == (str(caught.value), 1)


def test_the_nearest_is_that_with_the_fewest_differences_which_is_not_used(bench, tape):
    """One to the same place is nearer than any other."""
    layer = tape(
        answer("x", body={"a": 1, "b": 2, "c": 3}),
        answer("x", body={"a": 1, "b": 2, "c": 4}),
        answer("x", body={"a": 1, "b": 8, "c": 4}, url=f"{URL}/other"),
    )
    assert bench.send(layer, asking({"a": 1, "b": 2, "c": 4})) == [200, b"x"]
    with pytest.raises(ReplayMissError, match="exchange 1 is the nearest") as caught:
        bench.send(layer, asking({"a": 1, "b": 8, "c": 4}))
    assert len(caught.value.differences) == 2
    with pytest.raises(ReplayMissError, match='path: recorded "/v1/chat/other", asked "/v1/nowhere"'):
        bench.send(layer, asking({"a": 1, "b": 8, "c": 4}, "https://x.example/v1/nowhere"))


def test_a_message_has_an_end(bench, tape):
    """However much differs."""
    layer = tape(answer("x", body=list(range(100))))
    with pytest.raises(ReplayMissError) as caught:
        bench.send(layer, asking(list(range(1, 101))))

    assert len(str(caught.value).splitlines()) == 12
    assert str(caught.value).endswith("\n  …")


def test_a_miss_without_a_nearest_tells_why(bench, tape, file):
    """There is none, or all were used."""
    with pytest.raises(ReplayMissError, match="it is empty"):
        bench.send(tape(), asking())
    layer = tape(answer("x"))
    bench.send(layer, asking())
    with pytest.raises(ReplayMissError, match="all of its exchanges were used"):
        bench.send(layer, asking({"a": 1}))


def test_a_miss_shows_no_secret(bench, tape):
    """What is asked may have one; it is not cut in two either."""
    key = "canary-of-a-miss-0123456789"
    remember(key)
    layer = tape(answer("x", body={"a": "x" * 100}))
    with pytest.raises(ReplayMissError) as caught:
        bench.send(layer, asking({"a": "y" * 50 + key, "b": key}))

    assert "canary" not in str(caught.value)
    assert "***" in str(caught.value)


@pytest.mark.parametrize(
    ("recorded", "asked", "fits"),
    [
        ("***", "anything", True),
        ("a *** b", "a secret b", True),
        ("a *** b", "a secret c", False),
        ("a *** b *** c", "a 1 b 2 b 3 c", True),
        ("a *** b *** c", "a 1 2 c", False),
        ("ab***ba", "aba", False),
        ("a***xx***xx***b", "a1xx2b", False),
        ("a***xx***xx***b", "axxxxb", True),
        ("***a" * 30 + "b", "a" * 5000, False),
        ("no mask", "no task", False),
    ],
)
def test_what_was_masked_is_like_anything_in_its_place(bench, tape, recorded, asked, fits):
    """So a recording can be replayed without the secret; in time proportional to the text."""
    layer = tape(answer("x", body={"content": recorded}))
    if fits:
        assert bench.send(layer, asking({"content": asked})) == [200, b"x"]
    else:
        with pytest.raises(ReplayMissError):
            bench.send(layer, asking({"content": asked}))


def test_a_masked_query_fits_any_key(bench, file):
    """Its value is never recorded."""
    bench.send(Record(str(file)), asking(url=f"{URL}?api_key=k1&a=1"), script=[Reply(200, {}, [b"x"])])

    assert bench.send(Replay(str(file)), asking(url=f"{URL}?api_key=k2&a=1")) == [200, b"x"]


@pytest.mark.parametrize(
    ("ignore", "fits"),
    [
        (("metadata.trace",), True),
        (("metadata",), True),
        (("tools[0].id",), False),
        (("metadata.trace", "tools[*].id"), True),
    ],
)
def test_what_is_ignored_may_differ(bench, tape, ignore, fits):
    """By its path, with a star for any index."""
    recorded = {"metadata": {"trace": 1}, "tools": [{"id": "a", "n": 1}]}
    asked = {"metadata": {"trace": 2}, "tools": [{"id": "b" if "tools[*].id" in ignore else "a", "n": 1}]}
    layer = tape(answer("x", body=recorded), ignore=ignore)
    if fits:
        assert bench.send(layer, asking(asked)) == [200, b"x"]
    else:
        with pytest.raises(ReplayMissError):
            bench.send(layer, asking(asked))


@pytest.mark.parametrize("body", [b"", b"a=1&b=2", b"\xff\x00"])
def test_what_is_no_json_is_compared_as_it_is(bench, file, body):
    """Text, bytes, and nothing at all."""
    bench.send(Record(str(file)), asking(body), script=[Reply(200, {}, [b"x"])])

    assert bench.send(Replay(str(file), repeat=True), asking(body)) == [200, b"x"]
    with pytest.raises(ReplayMissError):
        bench.send(Replay(str(file)), asking(b"other"))


def test_bytes_that_differ_are_told_by_their_number():
    """They cannot be shown."""
    assert list(differences(parsed(b"\xff"), parsed(b"\xff\xff"))) == ["body: recorded 1 bytes, asked 2 bytes"]
    assert list(differences(parsed(b""), parsed(b"x"))) == ['body: asked "x", not recorded']


def test_reading_on_where_the_recording_was_left_is_a_miss(bench, tape, tmp_path):
    """What came then is not known."""
    report = tmp_path / "report"
    layer = tape(answer("a", end="left"), report=str(report))
    with pytest.raises(ReplayMissError, match="exchange 1 was not read any further when it was recorded"):
        bench.send(layer, asking())
    assert [list(json.loads(line)) for line in report.read_text().splitlines()] == [["used"], ["miss"]]


def test_what_is_used_and_missed_is_reported(bench, tape, tmp_path):
    """A line each, as it happens, in a file that only its owner may read."""
    report = tmp_path / "report"
    layer = tape(answer("a"), answer("b", body={"n": 1}), report=str(report))
    bench.send(layer, asking({"n": 1}))
    with pytest.raises(ReplayMissError) as caught:
        bench.send(layer, asking({"n": 2}))

    assert [json.loads(line) for line in report.read_text().splitlines()] == [{"used": 2}, {"miss": str(caught.value)}]
    assert report.stat().st_mode & 0o777 == 0o600


def test_one_exchange_that_was_not_used_is_no_plural(bench, tape, file):
    """The words fit the number."""
    layer = tape(answer("1"), answer("2"), unused="error")
    bench.send(layer, asking())
    with pytest.raises(ReplayMissError, match=r"^1 exchange of the recording .* was not used: 2$"):
        layer.close()


@pytest.mark.parametrize("unused", ["ignore", "warn", "error"])
def test_what_was_not_used_is_told_when_the_client_closes(bench, tape, caplog, file, unused):
    """As the setting says; a client that made no call tells nothing."""
    layer = tape(*[answer(str(number)) for number in range(13)], unused=unused)
    layer.close()
    bench.send(layer, asking())
    words = f"12 exchanges of the recording {file} were not used: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"
    if unused == "error":
        with pytest.raises(ReplayMissError) as caught:
            layer.close()
        assert str(caught.value) == words
    else:
        layer.close()
    assert [record.getMessage() for record in caplog.records] == ([words] if unused == "warn" else [])


def test_a_torn_recording_is_replayed_as_far_as_it_is_whole(bench, tape, file, caplog):
    """And the log tells."""
    layer = tape(answer("a"), answer("b"), unused="ignore")
    file.write_bytes(file.read_bytes()[:-3])

    assert bench.send(layer, asking()) == [200, b"a"]
    assert "is not whole, and left out" in caplog.text


def test_a_recording_that_cannot_be_read_is_told(bench, file):
    """By the call."""
    with pytest.raises(RecordingError, match="cannot be read: No such file"):
        bench.send(Replay(str(file)), asking())


def test_credentials_are_not_needed(mode, host, file, server, monkeypatch):
    """The layers inside, which would have read them, are not reached."""
    auth = {"middleware": [{"use": "bearer", "token": "env:KEY_OF_THE_TEST"}]}
    fields = {"messages": [{"role": "user", "content": "hello"}]}
    monkeypatch.setenv("KEY_OF_THE_TEST", "canary-key-0123456789")
    with host(mode, {"use": "record", "file": str(file)}, server.url, backend=auth) as made:
        assert made.ask(**fields).text == "hello"
    monkeypatch.delenv("KEY_OF_THE_TEST")
    with host(mode, {"use": "replay", "file": str(file)}, backend=auth) as made:
        assert made.ask(**fields).text == "hello"
    assert "authorization" not in file.read_text()


@pytest.mark.parametrize(
    ("cls", "settings", "words"),
    [
        (Record, {"file": ""}, "file: expected the path of a file"),
        (Record, {"file": "x\0"}, "file: expected the path of a file"),
        (Record, {"file": "x", "mask": ("[",)}, "mask: expected regular expressions that match something"),
        (Record, {"file": "x", "mask": ("a*",)}, "mask: expected regular expressions that match something"),
        (Replay, {"file": "x", "pace": -1.0}, "pace: expected a number of at least 0"),
        (Replay, {"file": "x", "repeat": 1}, "repeat: expected true or false"),
        (Replay, {"file": "x", "unused": "x"}, "unused: expected one of ignore, warn, error"),
        (Replay, {"file": "x", "ignore": ("a..b",)}, "ignore: expected paths into a body"),
        (Replay, {"file": "x", "ignore": ("a[x]",)}, "ignore: expected paths into a body"),
        (Replay, {"file": "x", "report": ""}, "report: expected the path of a file"),
    ],
)
def test_wrong_settings_are_refused(cls, settings, words):
    """By what was expected."""
    with pytest.raises(ValueError, match=words):
        cls(**settings)
