"""Circuits: one for each model name, for many threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable

import attrs

from jackfield_routing.circuit import Circuit, Limits, Pass
from jackfield_routing.verdict import Verdict

MOST = 1024
"""Circuits that are kept; a host that makes model names up must not fill the memory."""


@attrs.frozen
class Refusal:
    """A request that was not let through.

    Attributes:
        reason: in words.
        wait: seconds until a probe will be let through; None while one is under way.
        failed_at: name of the backend that failed last, and its own name of the model.
    """

    reason: str
    wait: float | None
    failed_at: tuple[str, str] | None


class Circuits:
    """The circuits of one middleware.

    Args:
        limits: of each.
        groups: names of models that stand for each other: of each group one circuit stays closed.
    """

    def __init__(self, limits: Limits, groups: Iterable[Iterable[str]] = ()) -> None:
        self._limits = limits
        self._groups = [frozenset(group) for group in groups]
        self._circuits: OrderedDict[str, Circuit] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, name: str, now: float, answers: Callable[[], bool]) -> Pass | Refusal:
        """Let a request through, or refuse it.

        Args:
            name: of its model.
            now: seconds, monotonic.
            answers: whether its answer has begun to arrive; asked as long as it is a probe.
        """
        with self._lock:
            circuit = self._circuit(name)
            through = circuit.enter(now, answers)
            if through is not None:
                return through
            wait = circuit.until - now if circuit.state == "open" else None
            return Refusal(circuit.refused_by, wait, circuit.failed_at)

    def leave(self, through: Pass, verdict: Verdict, now: float, failed_at: tuple[str, str] | None = None) -> None:
        """Take down what came of a request that was let through.

        Args:
            through: as ``enter`` gave it.
            verdict: on its outcome.
            now: seconds, monotonic.
            failed_at: where a failure was.
        """
        circuit = through.circuit
        with self._lock:
            if failed_at is not None:
                circuit.failed_at = failed_at
            circuit.leave(through, verdict, now, lambda: self._has_others(circuit.name))

    def state(self, name: str) -> str:
        """Of the circuit of a model, as the last request left it."""
        with self._lock:
            circuit = self._circuits.get(name)
            return "closed" if circuit is None else circuit.state

    def _circuit(self, name: str) -> Circuit:
        """The circuit of a name; the one that was not asked for longest makes room for a new one."""
        circuit = self._circuits.get(name)
        if circuit is None:
            if len(self._circuits) >= MOST:
                self._circuits.popitem(last=False)
            circuit = self._circuits[name] = Circuit(name, self._limits)
        self._circuits.move_to_end(name)
        return circuit

    def _has_others(self, name: str) -> bool:
        """Whether in each group of a model another one's circuit is closed."""
        return all(
            any(other != name and self._closed(other) for other in group) for group in self._groups if name in group
        )

    def _closed(self, name: str) -> bool:
        circuit = self._circuits.get(name)
        return circuit is None or circuit.state == "closed"
