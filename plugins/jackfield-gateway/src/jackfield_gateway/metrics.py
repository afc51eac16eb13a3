"""Metrics: counts and times in Prometheus's text format, version 0.0.4.

Values of labels are routes, statuses, words of the gateway, names of backends, and names of models that the
configuration has. All other names, which clients may make up, are ``other``: they can neither fill the memory nor push
out those of the configuration.
"""

from __future__ import annotations

import bisect
import collections
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jackfield_gateway.outbound import Reply

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound
    from jackfield_gateway.record import Record
    from jackfield_gateway.settings import GatewaySettings

EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper edges of the histograms, in seconds."""
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Histogram:
    """How many of how many seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(EDGES) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect.bisect_left(EDGES, seconds)] += 1
        self.total += seconds


class Metrics:
    """What is counted since the process began.

    Attributes:
        models: names of models that are told apart; all others are ``other``.
    """

    def __init__(self) -> None:
        self._requests: collections.Counter[tuple[str, str]] = collections.Counter()
        self._calls: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self._tokens: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self._attempts: collections.Counter[tuple[str, str]] = collections.Counter()
        self._durations: dict[str, Histogram] = {}
        self._firsts: dict[str, Histogram] = {}
        self._answers: dict[str, Histogram] = {}
        self.models: frozenset[str] = frozenset()
        self._waited = 0.0

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Args:
            path: of its route, with placeholders.
            status: 499 where the client left before its answer began.
            seconds: it took.
        """
        self._requests[path, str(status)] += 1
        self._answers.setdefault(path, Histogram()).add(seconds)

    def call(self, record: Record) -> None:
        """Count a call that has ended."""
        last = record.last
        backend = "none" if last is None else last.backend
        model = record.model if record.model in self.models else "other"
        self._calls[backend, model, record.state] += 1
        self._durations.setdefault(backend, Histogram()).add(record.duration or 0.0)
        for one in record.attempts:
            self._attempts[one.backend, one.outcome] += 1
            self._waited += one.wait
            if one.first_chunk is not None:
                self._firsts.setdefault(one.backend, Histogram()).add(one.first_chunk)
        if record.usage is not None:
            self._tokens[backend, model, "prompt"] += record.usage.prompt_tokens
            self._tokens[backend, model, "completion"] += record.usage.completion_tokens

    def lines(self, gauges: Mapping[str, tuple[str, float]]) -> Iterator[str]:
        """The exposition, line by line.

        Args:
            gauges: help and value of what is measured now, by name.
        """
        for name, (told, value) in gauges.items():
            yield from (f"# HELP {name} {told}", f"# TYPE {name} gauge", f"{name} {value:.10g}")
        yield from _counter("requests_total", "Requests answered.", ("path", "status"), self._requests)
        yield from _counter("calls_total", "Calls ended.", ("backend", "model", "outcome"), self._calls)
        yield from _counter("tokens_total", "Tokens of answers.", ("backend", "model", "kind"), self._tokens)
        yield from _counter("attempts_total", "Attempts at backends.", ("backend", "outcome"), self._attempts)
        yield from _counter("attempt_wait_seconds_total", "Seconds waited before attempts.", (), {(): self._waited})
        yield from _histogram("request_seconds", "Seconds of requests.", "path", self._answers)
        yield from _histogram("call_seconds", "Seconds of calls.", "backend", self._durations)
        yield from _histogram("first_chunk_seconds", "Seconds of attempts to the first chunk.", "backend", self._firsts)


def known(names: Iterable[str], settings: GatewaySettings) -> frozenset[str]:
    """The names of models that a configuration has: those given, and those that stand in its ``[gateway]`` table."""
    return frozenset([*names, *(name for name in settings.models if "*" not in name), *settings.prices])


async def expose(gateway: Gateway, _: Inbound) -> Reply:
    """GET /metrics."""
    gauges = {
        "jackfield_gateway_requests_running": ("Requests being answered.", float(gateway.active)),
        "jackfield_gateway_calls_running": ("Calls that have a place.", float(gateway.gate.running)),
        "jackfield_gateway_calls_waiting": ("Calls that wait for a place.", float(gateway.gate.waiting)),
        "jackfield_gateway_start_time_seconds": ("When it began, since 1970.", gateway.recorder.started),
    }
    return Reply("\n".join([*gateway.metrics.lines(gauges), ""]).encode(), content_type=TYPE)


def _counter(name: str, told: str, labels: tuple[str, ...], counts: Mapping[Any, float]) -> Iterator[str]:
    name = f"jackfield_gateway_{name}"
    yield from (f"# HELP {name} {told}", f"# TYPE {name} counter")
    for values, count in sorted(counts.items()):
        yield f"{name}{_labels(dict(zip(labels, values, strict=True)))} {count:.10g}"


def _histogram(name: str, told: str, label: str, histograms: Mapping[str, Histogram]) -> Iterator[str]:
    name = f"jackfield_gateway_{name}"
    yield from (f"# HELP {name} {told}", f"# TYPE {name} histogram")
    for value, histogram in sorted(histograms.items()):
        below = 0
        for edge, count in zip((*map(str, EDGES), "+Inf"), histogram.counts, strict=True):
            below += count
            yield f"{name}_bucket{_labels({label: value, 'le': edge})} {below}"
        yield f"{name}_sum{_labels({label: value})} {histogram.total:.6f}"
        yield f"{name}_count{_labels({label: value})} {below}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
