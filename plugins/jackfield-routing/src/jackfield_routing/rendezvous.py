"""Rendezvous: the same value meets the same name, in every process."""

from __future__ import annotations

import math
from collections.abc import Mapping

BITS = 52
"""Of a hash that are used: with one half added, a float holds them exactly, and is never 0 or 1."""


def meeting(value: str, weights: Mapping[str, int]) -> str:
    """The name for a value, by weighted rendezvous hashing.

    Names get values by their weights. One that is added takes its share from all others and moves nothing between them;
    one that is taken away leaves its share to them. Nothing but the value, the names and the weights counts.
    (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on Networking 6,
    1998; with weights: Resch, "New hashing algorithms for data storage", SNIA Storage Developer Conference 2015.)

    Args:
        value: whatever is to stay in one place.
        weights: by name, none below 0 and one above it.
    """
    return max(weights, key=lambda name: _score(value, name, weights[name]))  # weight 0 scores 0, others more


def _score(value: str, name: str, weight: int) -> float:
    from hashlib import blake2b  # only where it is asked for

    text = f"{len(name)}:{name}{value}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> (64 - BITS)
    return weight / -math.log((number + 0.5) / 2**BITS)
