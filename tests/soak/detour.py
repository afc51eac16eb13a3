"""Detour: has exchanges fail before a request is read, which no model name can ask for."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from jackfield import HttpRequest, hookimpl

PERCENT: Mapping[str, float] = {"refused": 3.0, "reset": 2.0}
"""Percent of all attempts, by the door that they are sent to."""
SPARED = "ok"


@attrs.define(eq=False)
class Roads:
    """Which exchanges are sent elsewhere, drawn by a seed, and how many were.

    Attributes:
        doors: base URLs, by name.
        source: of what is drawn.
        share: of the faults that are drawn; the others do not come to be, and requests for ``mix`` ask for ``ok``.
        taken: how many, by door.
    """

    doors: Mapping[str, str]
    source: random.Random
    share: float = 1.0
    taken: Counter[str] = attrs.field(factory=Counter, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def draw(self) -> str | None:
        """The door for one exchange, which is counted; None for the usual one, ``SPARED`` for it without a fault."""
        with self._lock:
            if self.source.random() >= self.share:
                return SPARED
            left = self.source.random() * 100.0
            for door, percent in PERCENT.items():
                left -= percent
                if left < 0:
                    self.taken[door] += 1
                    return door
        return None


def detour(roads: Roads) -> type:
    """The class of a middleware that sends exchanges along these roads, without the key, which is the backend's own.

    It belongs innermost: what is bound to the origin looks at it before.
    """

    @attrs.define(eq=False)
    class Detour:
        @hookimpl
        def wrap_http(self, http_request: Any, call: Any) -> Any:
            door = roads.draw()
            if door is None:
                return (yield http_request)
            if door == SPARED:
                call.attempt.state["spared"] = True
                body = http_request.body.replace(b'"model":"mix"', b'"model":"ok"', 1)
                return (yield attrs.evolve(http_request, body=body))
            call.attempt.state["detour"] = door
            url = roads.doors[door].removesuffix("/v1") + http_request.target
            headers = {name: value for name, value in http_request.headers.items() if name != "authorization"}
            return (yield HttpRequest("POST", url, headers, http_request.body))

    return Detour
