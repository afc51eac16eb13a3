"""Interleaved rounds: every client is measured beside the baseline, in turn, in every round."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from clients import CLIENTS
from processes import Broken, Place, Worker
from report import Results, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from catalogue import Kind

    Measure: TypeAlias = Callable[[str], dict[str, Any]]

LIFE = 10
"""Rounds after which workers are replaced, so that no lucky or unlucky layout of memory decides."""


@attrs.define
class Run:
    """One run over some kinds.

    Attributes:
        place: where clients run.
        clients: who is measured; the baseline always is.
        rounds: how many, before a kind takes its share.
        seconds: processor time of one batch, about.
        results: what has been found.
    """

    place: Place
    clients: list[str]
    rounds: int
    seconds: float
    results: Results = attrs.field(factory=Results)

    def measure(self, kind: Kind) -> None:
        """Measure every client in one kind; one that breaks is left out from then on, and its reason kept."""
        rounds = kind.rounds(self.rounds)
        for first in range(0, rounds, LIFE):
            with self._fresh(kind) if kind.fresh else self._workers(kind) as measure:
                for number in range(first, min(first + LIFE, rounds)):
                    self._round(kind, number, measure)

    def _round(self, kind: Kind, number: int, measure: Measure) -> None:
        others = [client for client in self._contestants(kind) if (kind.name, client) not in self.results.broken]
        baseline = kind.baseline
        if not others:
            self._keep(kind, number, baseline, measure(baseline), None)
        for client in others:
            pair = (baseline, client) if number % 2 else (client, baseline)
            try:
                found = {name: measure(name) for name in pair}
            except Broken as error:
                if error.client == baseline:
                    raise  # nothing can be compared with what does not work
                self.results.broken[kind.name, client] = str(error)
                continue
            beside = self._keep(kind, number, baseline, found[baseline], None)
            self._keep(kind, number, client, found[client], beside)

    def _contestants(self, kind: Kind) -> list[str]:
        """Who is measured besides the baseline: of those with the same library, the first where that is all."""
        clients = [client for client in self.clients if client != kind.baseline]
        if kind.name != "import":
            return clients
        return list({CLIENTS[client].library: client for client in reversed(clients)}.values())[::-1]

    def _keep(self, kind: Kind, number: int, client: str, found: dict[str, Any], beside: float | None) -> float:
        units = found.get("units", 1)
        value: float = found[kind.value] / units
        wall = found["wall"] / units if "wall" in found else None
        self.results.samples.append(Sample(kind.name, client, number, value, wall, beside))
        return value

    @contextmanager
    def _fresh(self, kind: Kind) -> Iterator[Measure]:
        """Every measurement in an interpreter of its own, after one that fills the caches of the file system."""

        def measure(client: str) -> dict[str, Any]:
            subject = CLIENTS[client].library if kind.fresh == "import" else client
            arguments = [str(kind.fresh), subject, self.place.url]
            if client not in warm:
                warm.add(client)
                self.place.fresh(client, *arguments)
            return self.place.fresh(client, *arguments)

        warm: set[str] = set()
        yield measure

    @contextmanager
    def _workers(self, kind: Kind) -> Iterator[Measure]:
        """One worker a client, started when it is first needed."""

        def measure(client: str) -> dict[str, Any]:
            if client not in workers:
                workers[client] = Worker(self.place, client)
            return workers[client].measure(kind.name, self.seconds)

        workers: dict[str, Worker] = {}
        try:
            yield measure
        finally:
            for worker in workers.values():
                worker.close()
