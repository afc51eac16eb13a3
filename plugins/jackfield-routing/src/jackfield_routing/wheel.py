"""Wheel: smooth weighted round robin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Wheel:
    """Gives each name its turn, as often as its weight says, and spread as evenly as that can be.

    Each turn every candidate gains its weight; the one that then has most is taken, and pays what all have gained.
    Over as many turns as the weights add up to, each comes exactly as often as its weight. This is the "smooth weighted
    round-robin balancing" of nginx (src/http/ngx_http_upstream_round_robin.c, since 2012). For one thread at a time.

    Args:
        weights: by name, none below 0 and one above it; of two that have the same, the first comes first.
    """

    __slots__ = ("_gained", "_weights")

    def __init__(self, weights: Mapping[str, int]) -> None:
        self._weights = dict(weights)
        self._gained = dict.fromkeys(weights, 0)

    def turn(self, candidates: Iterable[str] | None = None) -> str:
        """Whose turn it is, of all names, or of some, one of which weighs more than 0; never one of weight 0."""
        weights, gained = self._weights, self._gained
        names = list(weights if candidates is None else candidates)
        for name in names:
            gained[name] += weights[name]
        taken = max(names, key=gained.__getitem__)
        gained[taken] -= sum(weights[name] for name in names)
        return taken
