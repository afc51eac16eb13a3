"""Mix: faults in proportions, drawn by a seed, for long runs."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import attrs

M20: Mapping[str, float] = {
    "reset?at=0": 1.6,
    "eof?at=0": 1.0,
    "eof?at=200": 0.6,
    "json?hazard=utf-8": 0.5,
    "short-gzip": 0.2,
    "stall?at=0": 0.25,
    "stall?at=200": 0.25,
    "drip": 0.4,
    "break?how=reset": 0.1,
    "damaged?how=utf-8": 0.1,
    "status?code=429&retry-after=0.01": 1.5,
    "status?code=429&retry-after-ms=5": 1.5,
    "status?code=429&retry-after=-1": 0.3,
    "status?code=429&retry-after=soon": 0.3,
    "status?code=429&retry-after=0": 0.3,
    "status?code=429": 0.3,
    "status?code=500": 1.8,
    "status?code=502&body=empty": 1.8,
    "status?code=503&x-should-retry=true": 1.8,
    "status?code=502&body=html": 1.3,
}
"""Percent of the requests. Together with 3 % of the attempts refused and 2 % reset before a request was read, which no
request can ask for, a fifth of all attempts fail; a third of these after something was sent, so that the work may have
been done. Most streams fail before their first event: what fails later cannot be tried again, and is rare here."""


def _percent(_: Any, attribute: attrs.Attribute[Any], value: Mapping[str, float]) -> None:
    if not 1 <= sum(value.values()) <= 100:
        raise ValueError(f"{attribute.name}: expected percent, from 1 to 100 together")


@attrs.frozen
class Mix:
    """Which fault comes how often.

    Attributes:
        parts: percent, by the model name that asks for the fault, 100 together at most; what is left is answered well.

    Raises:
        ValueError: they are no percent.
    """

    parts: Mapping[str, float] = attrs.field(factory=lambda: M20, validator=_percent)

    def draw(self, source: random.Random) -> str:
        """The model name for one request."""
        left = source.random() * 100.0
        for name, percent in self.parts.items():
            left -= percent
            if left < 0:
                return name
        return "ok"
