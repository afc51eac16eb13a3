"""Tally: what came of many calls, as counts; and what the server must have seen of them."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import Any

import attrs

from jackfield.testing.leaks import artefacts, leaks
from soak.asks import KEY, Outcome

SHOWN = 2
"""So many examples of what went wrong are kept."""


@attrs.define(eq=False)
class Tally:
    """Counts over calls; for many threads.

    Attributes:
        calls, values, typed: how many there were, ended in an answer, in an error of jackfield's own.
        wrongs: what must not be, counted by what it is; ``examples`` has some.
        reasons: why calls failed.
        attempts: those that the calls report, by model, without those that were sent elsewhere.
        sent, exchanges: all attempts, and the HTTP exchanges that they report.
        detours: attempts that were sent elsewhere, by door.
        failures: attempts that failed, by the class of the error.
        executions: how often the server must have done the work for each call.
    """

    calls: int = 0
    values: int = 0
    typed: int = 0
    sent: int = 0
    exchanges: int = 0
    wrongs: Counter[str] = attrs.field(factory=Counter)
    examples: dict[str, list[str]] = attrs.field(factory=lambda: defaultdict(list))
    reasons: Counter[str] = attrs.field(factory=Counter)
    attempts: Counter[str] = attrs.field(factory=Counter)
    detours: Counter[str] = attrs.field(factory=Counter)
    failures: Counter[str] = attrs.field(factory=Counter)
    executions: Counter[str] = attrs.field(factory=Counter)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, repr=False)

    def add(self, outcome: Outcome) -> None:
        """Count a call."""
        shown = [] if outcome.error is None else leaked(outcome.error)
        shown += [text for attempt in outcome.attempts if (text := attempt.error or "") and leaks(text, KEY)]
        with self._lock:
            self.calls += 1
            self.values += outcome.error is None
            self.typed += outcome.error is not None and outcome.typed
            if not outcome.typed:
                self.note("untyped", repr(outcome.error))
            if outcome.mixed_up:
                self.note("mixed up", f"{outcome.ask.text!r} was answered with {outcome.said!r}")
            for text in shown:
                self.note("leaked", text)
            if outcome.error is not None:
                self.reasons[outcome.reason] += 1
                if outcome.reason == "unexplained":
                    self.note("unexplained", f"{outcome.error!r} after {outcome.attempts}")
            for attempt in outcome.attempts:
                self._attempt(outcome.ask.label, attempt)

    def note(self, what: str, example: str) -> None:
        """Count something that must not be."""
        self.wrongs[what] += 1
        self.examples[what] = [*self.examples[what], example[:1000]][:SHOWN]

    def wrong(self, what: str) -> tuple[int, list[str]]:
        """How often something was that must not be, and examples."""
        return self.wrongs[what], self.examples[what]

    def absorb(self, other: Tally) -> None:
        """Add the counts of another; not its executions, which are compared before."""
        for name in ("calls", "values", "typed", "sent", "exchanges"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("wrongs", "reasons", "attempts", "detours", "failures"):
            getattr(self, name).update(getattr(other, name))
        for what, examples in other.examples.items():
            self.examples[what] = [*self.examples[what], *examples][:SHOWN]

    def _attempt(self, label: str, attempt: Any) -> None:
        self.sent += 1
        self.exchanges += attempt.exchanges
        if attempt.error is not None:
            self.failures[attempt.error.partition(":")[0]] += 1
        door = attempt.state.get("detour")
        if door is not None:
            self.detours[door] += 1
            return
        self.attempts["ok" if "spared" in attempt.state else attempt.model] += 1
        if attempt.status_code is None or attempt.status_code < 400:
            self.executions[label] += 1


def leaked(error: BaseException) -> list[str]:
    """What shows the key, or a piece of it, of all that an error can show."""
    return [f"{sink}: {text}" for sink, text in artefacts(error) if leaks(text, KEY)]
