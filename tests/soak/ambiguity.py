"""Ambiguity: connections that break after a request was sent, so that the work may have been done."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import attrs

from soak.asks import Ask, Outcome, asks
from soak.figure import Figure, none
from soak.gauges import until
from soak.hosts import Host
from soak.service import Service

BREAKS = ("reset?at=0", "eof?at=0", "eof?at=200", "json?hazard=utf-8")
"""Ways to fail that cost no time."""
SLOW = ("stall?at=0", "stall?at=200")
TWICE = 30
"""So many calls fail twice in this way: each costs the budget a retry that no success pays back."""
NAMES = itertools.count()
"""No two runs ask the same, for the server remembers it."""
LATE = 10.0
"""Seconds that the server gets to read what clients sent and gave up."""


@attrs.define(eq=False)
class Ambiguity:
    """Calls that fail after they were sent, half of them with ``store``.

    Attributes:
        host: who makes them, ``FEW`` at once.
        service: fails, and counts what it did for each call.
        calls: how many, of both kinds together.
    """

    host: Host
    service: Service
    calls: int

    def run(self) -> list[Figure]:
        """Run; the figures."""
        half, slow = self.calls // 2, self.calls // 200
        once = [f"{model}&first=1" for model in BREAKS]
        slowly = [f"{model}&first=1" for model in SLOW]
        twice = [f"{model}&first=2" for model in BREAKS]
        return [
            *self._stored(
                [*self._asks("kept", once, half - slow, store=True), *self._asks("kept-slow", slowly, slow, store=True)]
            ),
            *self._inferred(
                [*self._asks("free", once, half - slow - TWICE), *self._asks("free-slow", slowly, slow)],
                list(self._asks("free-twice", twice, TWICE)),
            ),
        ]

    def _stored(self, wanted: list[Ask]) -> list[Figure]:
        outcomes, work = self._ask(wanted)
        raised = sum(outcome.error is not None and outcome.typed for outcome in outcomes)
        return [
            Figure("calls with `store`, all of which break", "", f"{len(wanted):,}"),
            Figure("… that end in a `CallError`", "all", f"{raised:,}", raised == len(wanted)),
            _work("… for which the server worked once", "all", work, len(wanted), 1),
            none("… for which it worked more often", sum(times > 1 for times in work)),
        ]

    def _inferred(self, once: list[Ask], twice: list[Ask]) -> list[Figure]:
        outcomes, work = self._ask(once)
        good = sum(outcome.error is None and not outcome.mixed_up for outcome in outcomes)
        broken, again = self._ask(twice)
        raised = sum(outcome.error is not None and outcome.typed for outcome in broken)
        return [
            Figure("calls without it, which break once", "", f"{len(once):,}"),
            Figure("… that end in an answer", "all", f"{good:,}", good == len(once)),
            _work("… for which the server worked twice", "all", work, len(once), 2),
            Figure("calls without it, which break always", "", f"{len(twice):,}"),
            Figure("… that end in a `CallError`", "all", f"{raised:,}", raised == len(twice)),
            _work("… for which the server worked twice", "all", again, len(twice), 2),
            none("calls for which it worked more often", sum(times > 2 for times in [*work, *again])),
        ]

    def _asks(self, name: str, models: Sequence[str], calls: int, *, store: bool = False) -> Iterator[Ask]:
        return asks(f"{name}-{next(NAMES)}", models, calls, 1, store=store)

    def _ask(self, wanted: list[Ask]) -> tuple[list[Outcome], Sequence[int]]:
        """What came of these calls, and how often the server did the work for each."""
        outcomes: list[Outcome] = []
        self.service.ledger(clear=True)
        self.host.run(wanted, outcomes.append)
        told = sum(len(outcome.attempts) for outcome in outcomes)
        until(lambda: self.service.ledger()["requests"] >= told, LATE)
        executions = self.service.ledger(clear=True)["executions"]
        return outcomes, [executions.get(ask.label, 0) for ask in wanted]


def _work(what: str, promise: str, work: Sequence[int], calls: int, times: int) -> Figure:
    found = sum(done == times for done in work)
    return Figure(what, promise, f"{found:,}", found == calls)
