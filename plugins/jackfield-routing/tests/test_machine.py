"""The circuits, beside a model of them that is made of plain lists and tables."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from jackfield_routing.circuit import Limits, Pass
from jackfield_routing.circuits import Circuits, Refusal
from jackfield_routing.destination import Destination
from jackfield_routing.verdict import Verdict

KEYS = [Destination(backend, "m") for backend in "abc"]
GROUP = set(KEYS[:2])
KEYED = st.sampled_from([*KEYS, KEYS[0], KEYS[0], KEYS[1]])
"""One of them most of all, so that much happens to it."""
VERDICTS = st.sampled_from([*Verdict, Verdict.FAILURE, Verdict.FAILURE])
START = 1000.0


@attrs.define(eq=False)
class Ticket:
    """A request that both let through.

    Attributes:
        through: as the circuits gave it.
        key: where it went.
        since: number of the period in which it is counted.
        probe: whether it is a probe.
        answering: whether its answer has begun.
    """

    key: Destination
    since: int = 0
    probe: bool = False
    answering: bool = False
    through: Pass | None = None


class Machine(RuleBasedStateMachine):
    """Requests come and go, fail and succeed, while time passes."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.model: dict[Any, dict[str, Any]] = {}

    @initialize(
        min_calls=st.integers(1, 4),
        failure_ratio=st.sampled_from([0.01, 0.3, 0.5, 1.0]),
        open_for=st.sampled_from([1.0, 5.0]),
        max_open=st.sampled_from([5.0, 12.0, 300.0]),
        grouped=st.booleans(),
    )
    def begin(self, min_calls: int, failure_ratio: float, open_for: float, max_open: float, grouped: bool) -> None:
        """Any limits."""
        self.limits = Limits(min_calls, failure_ratio, 30.0, open_for, max_open)
        self.circuits = Circuits(self.limits)
        self.groups = [GROUP] if grouped else []
        new = {"is": "closed", "period": 0, "ended": [], "opened": 0, "until": None, "probe": None}
        self.model = {key: {**new, "ended": []} for key in KEYS}

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 5.0, 10.0, 29.0, 31.0, 301.0]))
    def time_passes(self, seconds: float) -> None:
        """Some of it, or much."""
        self.now += seconds

    @rule(key=KEYED)
    def a_probe_is_due(self, key: Destination) -> None:
        """Time passes until an open circuit lets one through."""
        if self.model[key]["is"] == "open":
            self.now = max(self.now, self.model[key]["until"])

    @rule(target=tickets, key=KEYED)
    def enter(self, key: Destination) -> Ticket:
        """A request comes, and is under way for a while."""
        return self._enter(key)

    @rule(ticket=tickets)
    def answers(self, ticket: Ticket) -> None:
        """The first part of an answer arrives."""
        ticket.answering = True

    @rule(ticket=consumes(tickets), verdict=VERDICTS)
    def leave(self, ticket: Ticket, verdict: Verdict) -> None:
        """A request ends, well or not, or was cancelled."""
        self._leave(ticket, verdict)

    @rule(key=KEYED, verdict=VERDICTS, times=st.integers(1, 4))
    def call(self, key: Destination, verdict: Verdict, times: int) -> None:
        """Requests come and end, one after another."""
        for _ in range(times):
            self._leave(self._enter(key), verdict)

    def _enter(self, key: Destination) -> Ticket:
        """Let through, or refused, as the model says."""
        ticket = Ticket(key)
        model = self.model[key]
        if model["is"] == "open" and self.now >= model["until"]:
            model["is"] = "half-open"
        if model["probe"] is not None and model["probe"].answering:
            answering = model["probe"]
            self._close(model)
            answering.probe, answering.since = False, model["period"]
        refused = model["is"] == "open" or model["probe"] is not None

        got = self.circuits.enter(key, self.now, lambda: ticket.answering)

        assert isinstance(got, Refusal) == refused
        if isinstance(got, Refusal):
            wait = model["until"] - self.now if model["is"] == "open" else None
            assert got.wait == wait
            assert wait is None or 0 < wait <= self.limits.max_open + 1e-6  # a difference of times late in the day
            return Ticket(key)
        ticket.through, ticket.since = got, model["period"]
        if model["is"] == "half-open":
            ticket.probe, model["probe"] = True, ticket
        return ticket

    def _leave(self, ticket: Ticket, verdict: Verdict) -> None:
        if ticket.through is None:
            return
        model = self.model[ticket.key]
        if ticket.probe:
            model["probe"] = None
            if verdict is Verdict.FAILURE:
                self._open(model)
            elif verdict in (Verdict.SUCCESS, Verdict.REFUSAL):
                self._close(model)
        elif model["is"] == "closed" and model["period"] == ticket.since:
            self._count(ticket.key, verdict)
        self.circuits.leave(ticket.through, verdict, self.now, self.groups)

    def _count(self, key: Destination, verdict: Verdict) -> None:
        model = self.model[key]
        if verdict not in (Verdict.SUCCESS, Verdict.FAILURE):
            return
        model["ended"].append((int(self.now), verdict))
        lately = [one for second, one in model["ended"] if second > int(self.now) - 30]
        failed = lately.count(Verdict.FAILURE)
        last = key in GROUP and self.groups and all(self.model[one]["is"] != "closed" for one in GROUP - {key})
        enough = len(lately) >= self.limits.min_calls and failed / len(lately) >= self.limits.failure_ratio
        if verdict is Verdict.FAILURE and enough and not last:
            self._open(model)

    def _open(self, model: dict[str, Any]) -> None:
        doubled = self.limits.open_for * 2 ** model["opened"]
        model.update({"is": "open", "until": self.now + min(doubled, self.limits.max_open)})
        model["opened"] += 1
        model["period"] += 1

    @staticmethod
    def _close(model: dict[str, Any]) -> None:
        model.update({"is": "closed", "probe": None, "ended": [], "opened": 0, "period": model["period"] + 1})

    @invariant()
    def states_are_those_of_the_model(self) -> None:
        """Each circuit is what the model says."""
        assert {key: self.circuits.state(key) for key in self.model} == {
            key: model["is"] for key, model in self.model.items()
        }

    @invariant()
    def one_of_a_group_is_closed(self) -> None:
        """Requests for those that stand for each other are never all refused."""
        if self.model and self.groups:
            assert "closed" in {self.circuits.state(key) for key in GROUP}


def test_circuits_do_what_the_model_does():
    """Whatever comes, ends, fails, is cancelled, and however time passes between."""
    run_state_machine_as_test(Machine, settings=settings(max_examples=200, stateful_step_count=50, deadline=None))


@pytest.mark.long
def test_circuits_do_what_the_model_does_at_length():
    """The same, ten times as often."""
    run_state_machine_as_test(Machine, settings=settings(max_examples=2000, stateful_step_count=50, deadline=None))
