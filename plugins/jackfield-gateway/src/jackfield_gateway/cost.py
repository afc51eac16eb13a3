"""Cost: how many tokens are counted of those that a backend tells, and what they came to by the operator's prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jackfield.models import CompletionUsage
    from jackfield_gateway.settings import Price

MILLION = 1_000_000
MOST = 10**12
"""Tokens of one answer that are believed: any size breaks sums, and what is below zero lets counters go back."""


def tokens(told: int) -> int:
    """How many are counted where a backend tells so many."""
    return min(max(told, 0), MOST)


def cost_of(prices: Mapping[str, Price], backend: str, model: str, usage: CompletionUsage) -> float | None:
    """What an answer cost; None where its model has no price.

    Args:
        prices: by ``backend/model`` or by the model's own name.
        backend: that answered.
        model: as the backend was asked for it.
        usage: what it took.
    """
    price = prices.get(f"{backend}/{model}") or prices.get(model)
    if price is None:
        return None
    details = usage.prompt_tokens_details
    cached = getattr(details, "cached_tokens", 0)
    prompt, completion = tokens(usage.prompt_tokens), tokens(usage.completion_tokens)
    cached = min(tokens(cached), prompt) if isinstance(cached, int) else 0
    cheaper = price.input if price.cached_input is None else price.cached_input
    return ((prompt - cached) * price.input + cached * cheaper + completion * price.output) / MILLION
