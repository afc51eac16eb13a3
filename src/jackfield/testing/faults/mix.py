"""Mix: faults in proportions, drawn by a seed, for long runs."""

from __future__ import annotations

import random
from collections.abc import Mapping

import attrs

M20: Mapping[str, float] = {
    "reset?at=0": 3.0,
    "eof?at=0": 2.0,
    "status?code=429&retry-after=0.01": 0.5,
    "status?code=429&retry-after=-1": 0.5,
    "status?code=429&retry-after=soon": 0.5,
    "status?code=429&retry-after-ms=5": 0.5,
    "status?code=429&retry-after=0": 0.5,
    "status?code=429": 0.5,
    "status?code=500": 1.0,
    "status?code=502&body=empty": 1.0,
    "status?code=503&x-should-retry=true": 1.0,
    "status?code=502&body=html": 1.0,
    "short-length": 1.0,
    "damaged?how=utf-8": 0.5,
    "short-gzip": 0.5,
    "break?how=stall": 0.25,
    "stall": 0.25,
    "drip": 0.5,
}
"""Percent of the requests; with the refused and the reset connections, which no request comes through, a fifth."""


@attrs.frozen
class Mix:
    """Which fault comes how often.

    Attributes:
        parts: percent, by the model name that asks for the fault; what is left is answered well.
    """

    parts: Mapping[str, float] = attrs.field(factory=lambda: M20)

    def draw(self, source: random.Random) -> str:
        """The model name for one request."""
        left = source.random() * 100.0
        for name, percent in self.parts.items():
            left -= percent
            if left < 0:
                return name
        return "ok"
