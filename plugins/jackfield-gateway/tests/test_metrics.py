"""The metrics as text: numbers, labels, and that nobody outside can make them grow."""

from __future__ import annotations

import pytest

from jackfield.errors import NotFoundError
from jackfield_gateway.metrics import EDGES, Histogram, Metrics, known
from jackfield_gateway.settings import GatewaySettings, Price

MESSAGES = [{"role": "user", "content": "one two three"}]


def lines(metrics: Metrics, word: str) -> list[str]:
    """Its samples whose name begins so, after what all have."""
    return [line for line in metrics.lines({}) if line.startswith(f"jackfield_gateway_{word}")]


def test_names_that_clients_make_up_are_one(watched):
    """However many there are, and whether they lead anywhere: those of the configuration keep their own."""
    books = watched(
        {"models": {"fast": "echo/any"}, "backends": {"echo": {"provider": "echo"}, "b": {"provider": "echo"}}}
    )
    with books.client() as client:
        for number in range(300):
            client.create_chat_completion(model=f"echo/made-up-{number}", messages=MESSAGES)
        client.create_chat_completion(model="fast", messages=MESSAGES)
        with pytest.raises(NotFoundError):
            client.create_chat_completion(model="nowhere", messages=MESSAGES)
    assert lines(books.metrics, "calls_total") == [
        'jackfield_gateway_calls_total{backend="echo",model="fast",outcome="success"} 1',
        'jackfield_gateway_calls_total{backend="echo",model="other",outcome="success"} 300',
        'jackfield_gateway_calls_total{backend="none",model="other",outcome="error"} 1',
    ]
    assert 'tokens_total{backend="echo",model="fast",kind="prompt"} 3' in books.exposed
    assert 'call_seconds_count{backend="echo"} 301' in books.exposed


def test_names_of_the_configuration_are_known():
    """Of its models, of what clients may use but for patterns, and of what has a price."""
    settings = GatewaySettings(models=("b/one", "b/*"), prices={"b/two": Price(1, 1)})
    assert known(["fast"], settings) == {"fast", "b/one", "b/two"}


def test_a_first_chunk_is_timed(watched):
    """Of streams only."""
    books = watched()
    with books.client() as client:
        client.create_chat_completion(model="echo/any", messages=MESSAGES)
        assert lines(books.metrics, "first_chunk_seconds_count") == []
        list(client.create_chat_completion(model="echo/any", messages=MESSAGES, stream=True))
    assert lines(books.metrics, "first_chunk_seconds_count") == [
        'jackfield_gateway_first_chunk_seconds_count{backend="echo"} 1'
    ]


def test_a_histogram_counts_up():
    """Each bucket has all that took no longer; the last has all, as the count has."""
    metrics = Metrics()
    for seconds in (0.0, EDGES[0], EDGES[0] + 0.001, 1e9):
        metrics.request("/", 200, seconds)
    counts = [int(line.rpartition(" ")[2]) for line in lines(metrics, "request_seconds_bucket")]
    assert counts == [2, *[3] * (len(EDGES) - 1), 4]
    assert lines(metrics, "request_seconds_count") == ['jackfield_gateway_request_seconds_count{path="/"} 4']


def test_the_edges_of_a_bucket_belong_to_it():
    """As Prometheus's ``le`` says."""
    histogram = Histogram()
    histogram.add(EDGES[3])
    assert histogram.counts.index(1) == 3


def test_labels_are_escaped():
    """A name of a model may hold anything."""
    metrics = Metrics()
    metrics.request('a"b\\c\nd', 200, 1.0)
    assert 'path="a\\"b\\\\c\\nd"' in "\n".join(metrics.lines({}))


def test_gauges_come_first():
    """With their help and type."""
    assert list(Metrics().lines({"x": ("Told.", 1.5)}))[:3] == ["# HELP x Told.", "# TYPE x gauge", "x 1.5"]
