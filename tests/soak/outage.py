"""Outage: a backend that is down for all, and then is well again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import attrs

from soak.asks import Outcome, asks
from soak.figure import Figure, none
from soak.hosts import Host

DOWN, WELL, ONCE = "status?code=503", "ok", "status?code=503&first=1"
"""Fails always; never; the first time that something is asked."""
CAPACITY, COST = 500, 14
RETRIES = CAPACITY // COST
"""So many retries a full budget pays for."""
NAMES = itertools.count()
"""No two outages ask the same, for a server may remember it."""
Counts = Callable[[], Mapping[str, int]]
"""How many requests came, by model."""


@attrs.define(eq=False)
class Outage:
    """An outage of so many calls, at the backend of a host.

    Attributes:
        host: whose backend it is.
        counts: what the backend counted.
        calls: while it is down.
    """

    host: Host
    counts: Counts
    calls: int

    def run(self) -> list[Figure]:
        """Run; the figures."""
        during = self._ask(DOWN, self.calls)
        sent = self.counts()[DOWN]
        told = sum(len(outcome.attempts) for outcome in during)
        spared = sum(getattr(outcome.error, "retry_budget_exhausted", False) for outcome in during)
        refused = self._ask(ONCE, 1)[0]
        first = self._ask(WELL, 1)[0]
        self._ask(WELL, COST)
        again = self._ask(ONCE, 1)[0]
        self._ask(WELL, CAPACITY)
        full = self._ask(DOWN, 4 * RETRIES)
        retries = sum(len(outcome.attempts) for outcome in full) - len(full)
        most = self.calls + RETRIES
        return [
            Figure("calls while all fail", "", f"{self.calls:,}"),
            none("… that got an answer, or no `CallError`", sum(map(_strange, during))),
            Figure("requests that the backend got", f"at most {self.calls + 50:,}", f"{sent:,}", sent <= most),
            Figure("… and the calls report", "as many", f"{told:,}", told == sent),
            Figure(
                "errors that tell that the budget was used up", "all but 50", f"{spared:,}", spared >= self.calls - 50
            ),
            _attempts("attempts of the next call that fails once", 1, refused, refused.error is not None),
            _attempts("attempts until the first answer after the outage", 1, first, first.error is None),
            _attempts(f"attempts of a call that fails once, {COST + 1} answers later", 2, again, again.error is None),
            Figure(
                f"retries that the budget pays for, {CAPACITY} answers later",
                f"{RETRIES}",
                f"{retries}",
                retries == RETRIES,
            ),
        ]

    def _ask(self, model: str, calls: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        self.host.run(asks(f"outage-{next(NAMES)}", [model], calls, 0), outcomes.append)
        return outcomes


def _strange(outcome: Outcome) -> bool:
    return outcome.error is None or not outcome.typed


def _attempts(what: str, promise: int, outcome: Outcome, ended: bool) -> Figure:
    found = len(outcome.attempts)
    return Figure(what, f"{promise}", f"{found}", ended and found == promise)
