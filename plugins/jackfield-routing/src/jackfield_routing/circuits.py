"""Circuits: one for each model of each backend, for many threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection

import attrs

from jackfield_routing.circuit import Circuit, Limits, Pass
from jackfield_routing.destination import Destination
from jackfield_routing.verdict import Verdict

MOST = 1024
"""Circuits that are kept; a host that makes model names up must not fill the memory."""


@attrs.frozen
class Refusal:
    """A request that was not let through.

    Attributes:
        reason: in words.
        wait: seconds until a probe will be let through; None while one is under way.
    """

    reason: str
    wait: float | None


class Circuits:
    """The circuits of one middleware.

    Args:
        limits: of each.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._circuits: OrderedDict[Destination, Circuit] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, key: Destination, now: float, answers: Callable[[], bool]) -> Pass | Refusal:
        """Let a request through, or refuse it.

        Args:
            key: where it would go.
            now: seconds, monotonic.
            answers: whether its answer has begun to arrive; asked as long as it is a probe.
        """
        with self._lock:
            circuit = self._circuit(key)
            through = circuit.enter(now, answers)
            if through is not None:
                return through
            return Refusal(circuit.refused_by, circuit.until - now if circuit.state == "open" else None)

    def leave(
        self, through: Pass, verdict: Verdict, now: float, groups: Collection[Collection[Destination]] = ()
    ) -> None:
        """Take down what came of a request that was let through.

        Args:
            through: as ``enter`` gave it.
            verdict: on its outcome.
            now: seconds, monotonic.
            groups: of models that stand for each other: in each of them one circuit stays closed.
        """
        circuit = through.circuit
        with self._lock:
            circuit.leave(through, verdict, now, lambda: self._has_others(circuit.key, groups))

    def state(self, key: Destination) -> str:
        """Of a circuit, as the last request left it."""
        with self._lock:
            circuit = self._circuits.get(key)
            return "closed" if circuit is None else circuit.state

    def _circuit(self, key: Destination) -> Circuit:
        """The circuit of a model; the one that was not asked for longest makes room for a new one."""
        circuit = self._circuits.get(key)
        if circuit is None:
            if len(self._circuits) >= MOST:
                self._circuits.popitem(last=False)
            circuit = self._circuits[key] = Circuit(key, self._limits)
        self._circuits.move_to_end(key)
        return circuit

    def _has_others(self, key: Destination, groups: Collection[Collection[Destination]]) -> bool:
        """Whether in each group of a model another one's circuit is closed."""
        return all(any(other != key and self._closed(other) for other in group) for group in groups if key in group)

    def _closed(self, key: Destination) -> bool:
        circuit = self._circuits.get(key)
        return circuit is None or circuit.state == "closed"
