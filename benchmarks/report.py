"""From samples to ratios: the table that is printed and the document that is written."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any

import attrs
from catalogue import KINDS, TARGETS, Kind, Target
from clients import BASELINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@attrs.frozen
class Sample:
    """One measurement of one client in one round, with that of the baseline beside it (None for its own row)."""

    kind: str
    client: str
    round: int
    value: float
    wall: float | None = None
    beside: float | None = None


@attrs.frozen
class Row:
    """What is known of one client in one kind: medians over the rounds, and the ratio to the baseline of its pair."""

    client: str
    value: float
    rate: float | None
    ratio: float
    low: float
    high: float
    rounds: int


@attrs.define
class Results:
    """All samples of a run, and what could not be measured."""

    samples: list[Sample] = attrs.field(factory=list)
    broken: dict[tuple[str, str], str] = attrs.field(factory=dict)

    def rows(self, kind: str) -> list[Row]:
        """One row a client, in the order in which they were measured first, the baseline on top."""
        by_client: dict[str, list[Sample]] = defaultdict(list)
        for sample in self.samples:
            if sample.kind == kind:
                by_client[sample.client].append(sample)
        baseline_first = sorted(by_client, key=lambda name: by_client[name][0].beside is not None)
        return [_row(client, by_client[client]) for client in baseline_first]

    def ratios(self, target: Target) -> list[float]:
        """The ratios that a target judges, one a round; empty where it was not measured."""
        own = [sample for sample in self.samples if (sample.kind, sample.client) == (target.kind, target.client)]
        if target.against == BASELINE:
            return [sample.value / sample.beside for sample in own if sample.beside]
        others = [sample for sample in self.samples if (sample.kind, sample.client) == (target.kind, target.against)]
        by_round = {other.round: other.value for other in others}
        return [sample.value / by_round[sample.round] for sample in own if sample.round in by_round]


def _row(client: str, samples: list[Sample]) -> Row:
    value = median(sample.value for sample in samples)
    walls = [sample.wall for sample in samples if sample.wall]
    ratios = [sample.value / (sample.beside or value) for sample in samples]
    rate = 1 / median(walls) if walls else None
    return Row(client, value, rate, median(ratios), min(ratios), max(ratios), len({sample.round for sample in samples}))


def table(results: Results) -> Iterator[str]:
    """The lines of the report."""
    for kind in KINDS:
        rows = results.rows(kind.name)
        if rows:
            yield from ("", f"{kind.name}: {kind.title}", *_lines(kind, rows))
        for (name, client), reason in results.broken.items():
            if name == kind.name:
                yield f"  {client:<16} could not be measured: {reason}"
    verdicts = list(_verdicts(results))
    if verdicts:
        yield from ("", "promises", *verdicts)


def _lines(kind: Kind, rows: list[Row]) -> Iterator[str]:
    yield f"  {'client':<16} {kind.unit:>10}  {'ratio':>7}  {'range':<17} {'a second':>9}  rounds"
    for row in rows:
        span = f"({row.low:.2f} to {row.high:.2f})"
        rate = "" if row.rate is None else f"{row.rate:,.0f}"
        value = row.value * kind.factor
        yield f"  {row.client:<16} {value:>10,.1f}  {row.ratio:>7.2f}  {span:<17} {rate:>9}  {row.rounds}"


def _verdicts(results: Results) -> Iterator[str]:
    for target in TARGETS:
        ratios = results.ratios(target)
        if ratios:
            middle = median(ratios)
            word = "missed" if middle > target.limit else "kept"
            if word == "kept" and target.aim is not None and middle > target.aim:
                word = f"kept, aim {target.aim} missed"
            of = "" if target.against == BASELINE else f" of {target.against}"
            yield f"  {target.kind:<8} {target.client:<16} {middle:.2f}{of}, at most {target.limit}: {word}"


def missed(results: Results) -> bool:
    """Whether a promise that was measured is not kept."""
    return any(ratios and median(ratios) > target.limit for target in TARGETS if (ratios := results.ratios(target)))


def document(results: Results, about: dict[str, Any]) -> dict[str, Any]:
    """Everything, as JSON types: what was run, the rows, and every sample. Times in seconds, memory in bytes."""
    return {
        **about,
        "rows": {kind.name: _dicts(results.rows(kind.name)) for kind in KINDS if results.rows(kind.name)},
        "broken": [{"kind": kind, "client": client, "why": why} for (kind, client), why in results.broken.items()],
        "samples": _dicts(results.samples),
    }


def _dicts(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [attrs.asdict(value) for value in values]
