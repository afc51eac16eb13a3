"""Endurance: very many calls to a service that fails at a fifth of all attempts."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from typing import Any

import attrs

from soak import gauges
from soak.asks import asks
from soak.detour import Roads, detour
from soak.figure import Figure, none
from soak.hosts import FEW, HOSTS, Host, settings
from soak.service import Service
from soak.tally import Tally

QUARTERS = 4
FEWEST = 64
"""Calls of a quarter: each thread gets some."""
SUCCESS, SENDS, GROWTH = 0.985, 1.25, 1.03
FAULTS = 20.0
"""Percent of the attempts that fail by what is drawn; as many as can."""


@attrs.define(eq=False)
class Endurance:
    """A run: sync or async, against a service, so many calls, drawn by a seed.

    Attributes:
        faults: percent of the attempts that shall fail.
        exact: hold the figures as they are; else what chance makes of few calls is allowed for: four deviations.
        middleware: one more, around all others.
        patience: seconds that the server gets to read what clients sent and gave up, and the system to close.
    """

    mode: str
    service: Service
    calls: int
    seed: int
    faults: float = FAULTS
    exact: bool = True
    middleware: type | None = None
    patience: float = 10.0
    total: Tally = attrs.field(factory=Tally, init=False)
    unequal: list[str] = attrs.field(factory=list, init=False)
    most: int = attrs.field(default=0, init=False)

    def run(self) -> list[Figure]:
        """Run; the figures."""
        attrs.evolve(self, calls=0, middleware=None)._rounds(1)  # what is loaded once, for all clients, is no leak
        began = time.monotonic()
        with gauges.complaints() as heard:
            before = gauges.read()
            rests, left = self._rounds(QUARTERS)
            seconds = time.monotonic() - began
            gauges.until(lambda: _more(before, gauges.read()) == (0, 0), self.patience)
            descriptors, threads = _more(before, gauges.read())
        return [
            *self._outcomes(),
            *self._hits(),
            *_memory(rests),
            _kept(self.mode, max(rest.descriptors for rest in rests) - before.descriptors),
            none("descriptors left open", descriptors),
            none("threads left running", threads),
            none("calls and tasks left", len(left), left),
            none("warnings, and exceptions that no one could catch", len(heard), heard[:3]),
            Figure("time, s", "", f"{seconds:.0f}"),
        ]

    def _rounds(self, rounds: int) -> tuple[list[gauges.Gauge], list[str]]:
        """What the process held after each round, and what a client left behind that made all these calls."""
        roads = Roads(self.service.doors, random.Random(self.seed), self.faults / FAULTS)
        plugins = {"detour": detour(roads)} | ({} if self.middleware is None else {"more": self.middleware})
        outer = ["retry"] if self.middleware is None else ["more", "retry"]
        host: Host = HOSTS[self.mode](settings(self.service.url, outer=outer, inner=["detour"]), plugins, abreast=FEW)
        self.service.ledger(clear=True)
        rests = []
        try:
            for quarter in range(rounds):
                self._round(host, roads, f"{self.mode}-{quarter}")
                rests.append(gauges.read())
        finally:
            left = host.close()
        return rests, left

    def _round(self, host: Host, roads: Roads, name: str) -> None:
        """A quarter of the calls; then the server's ledger is compared with what the calls report, and begun anew."""
        tally = Tally()
        roads.taken.clear()
        host.run(asks(name, ["mix"], max(self.calls // QUARTERS, FEWEST), self.seed), tally.add)

        def same() -> bool:
            seen = self.service.ledger()
            return bool(seen["models"] == tally.attempts and seen["executions"] == tally.executions)

        gauges.until(same, 0.0 if self.unequal else self.patience)
        seen = self.service.ledger(clear=True)
        self._compare("requests by model", seen["models"], tally.attempts)
        self._compare("work done by call", seen["executions"], tally.executions)
        self._compare("exchanges sent elsewhere", roads.taken, tally.detours)
        self._compare("connections to the door reset", seen["connections"].get("reset", 0), tally.detours["reset"])
        self.most = max(self.most, *seen["executions"].values())
        self.total.absorb(tally)

    def _compare(self, what: str, seen: Any, told: Any) -> None:
        if seen != told:
            keys = {*seen, *told} if isinstance(seen, dict) and isinstance(told, dict) else ()
            some = [(key, seen.get(key), told.get(key)) for key in keys if seen.get(key) != told.get(key)]
            self.unequal.append(f"{what}: seen and told {some[:3] or (seen, told)}")

    def _outcomes(self) -> list[Figure]:
        total = self.total
        wanted, failed = self.faults / 100, total.failures.total() / total.sent
        chance = 4 * math.sqrt(wanted * (1 - wanted) / total.sent)
        success, sends = total.values / total.calls, total.sent / total.calls
        slack = (0.0, 0.0) if self.exact else (4 * math.sqrt(SUCCESS * (1 - SUCCESS) / total.calls), 4 * chance)
        return [
            Figure("calls", "", f"{total.calls:,}"),
            Figure(
                "attempts that failed",
                f"{self.faults:g} %, but for chance",
                f"{failed:.2%}",
                abs(failed - wanted) <= chance,
            ),
            none("calls that ended in neither an answer nor a `CallError`", total.calls - total.values - total.typed),
            none("exceptions of other types", *total.wrong("untyped")),
            none("answers to another question, or damaged", *total.wrong("mixed up")),
            none("errors that show the key", *total.wrong("leaked")),
            Figure("calls that succeeded", "at least 98.5 %", f"{success:.2%}", success >= SUCCESS - slack[0]),
            *(_share(reason, total) for reason in REASONS),
            none("… failed: another try could have helped", *total.wrong("unexplained")),
            Figure("sends a call", "at most 1.25", f"{sends:.3f}", sends <= SENDS + slack[1]),
        ]

    def _hits(self) -> list[Figure]:
        total = self.total
        hits, elsewhere = total.attempts.total(), total.detours.total()
        equal = not self.unequal and total.sent == total.exchanges == hits + elsewhere
        value = f"{total.sent:,} = {hits:,} + {elsewhere:,}" if equal else "; ".join(self.unequal[:5])
        return [
            Figure("attempts reported = requests at the server + refused and reset before", "equal", value, equal),
            Figure("most often the work was done for a call", "at most 2", str(self.most), self.most <= 2),
        ]


REASONS = (
    "three tries failed",
    "the work may have been done twice",
    "chunks were handed over",
    "the budget was used up",
)
"""Why a call may fail."""


def _share(reason: str, total: Tally) -> Figure:
    return Figure(f"… failed: {reason}", "", f"{total.reasons[reason] / total.calls:.2%}")


def _memory(rests: Sequence[gauges.Gauge]) -> list[Figure]:
    """The last quarter against the second: what is made once is there by then."""
    second, last = rests[1], rests[3]
    return [
        _growth("small objects held", second.blocks, last.blocks),
        _growth("other memory held", second.heap, last.heap),
        attrs.evolve(_growth("memory of the process (RSS)", second.rss, last.rss), promise="", holds=True),
    ]


def _growth(what: str, then: int, now: int) -> Figure:
    value = f"{now / then - 1:+.2%}" if then else "not told here"
    return Figure(f"{what}, fourth quarter to second", "at most +3 %", value, now <= then * GROWTH)


def _kept(mode: str, descriptors: int) -> Figure:
    """No more connections than calls at once; a sync one can be shut by a second descriptor, a loop has some of its own."""
    most = {"sync": 2 * FEW, "async": FEW + 4}[mode]
    return Figure(
        "descriptors open at rest", "of a connection for each call at once", str(descriptors), descriptors <= most
    )


def _more(before: gauges.Gauge, after: gauges.Gauge) -> tuple[int, int]:
    """How many descriptors and threads are more than before."""
    return max(after.descriptors - before.descriptors, 0), max(after.threads - before.threads, 0)
