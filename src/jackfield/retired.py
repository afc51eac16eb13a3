"""Retired: the plugins of former configurations, until no call needs them any more."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jackfield.plan import Layer, Plan


class Retired:
    """Former plans, oldest first, with the layers that no later plan has. A call holds its plan until it has ended.

    True where there are any.
    """

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}
        self._plans: list[tuple[weakref.ref[Plan], list[Layer]]] = []
        self._failures: list[Exception] = []

    def __bool__(self) -> bool:
        return bool(self._plans)

    @property
    def lock(self) -> threading.Lock:
        """Held while a plan takes the place of another one; the child of a fork has its own."""
        return self._locks.setdefault(os.getpid(), threading.Lock())  # two threads may come first

    def add(self, former: Plan, plan: Plan) -> None:
        """Retire a plan for another one."""
        kept = {id(layer.plugin) for layer in plan.layers}
        gone = [layer for layer in former.layers if id(layer.plugin) not in kept]
        self._plans.append((weakref.ref(former), gone))

    def sweep(self) -> None:
        """Close what no call needs; what fails is raised when the client is closed.

        The oldest plan is looked at first, for its calls may use a plugin that a later one had taken over. Nothing is
        done while another thread does the same or reads a configuration: no call waits for that.
        """
        while (layers := self._next()) is not None:
            self._failures += close(layers)

    def _next(self) -> list[Layer] | None:
        """Layers to close, or None."""
        lock = self.lock
        if not lock.acquire(blocking=False):
            return None
        try:
            done = self._plans and self._plans[0][0]() is None
            return self._plans.pop(0)[1] if done else None
        finally:
            lock.release()

    def close_all(self) -> list[Exception]:
        """Close everything, needed or not; what has failed by now."""
        with self.lock:
            layers = [layer for _, several in self._plans for layer in several]
            self._plans.clear()
        return [*self._failures, *close(layers)]


def close(layers: Iterable[Layer]) -> list[Exception]:
    """Call ``close`` of plugins, each once; what they raised."""
    failures = []
    for layer in layers:
        hook: Callable[[], None] | None = layer.hooks.get("close")
        if hook is not None:
            try:
                hook()
            except Exception as error:  # noqa: BLE001 - the others must be closed too
                error.add_note(f"raised in {layer}")
                failures.append(error)
    return failures
