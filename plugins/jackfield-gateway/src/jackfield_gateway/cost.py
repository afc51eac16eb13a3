"""Cost: what tokens came to, by the operator's prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jackfield.models import CompletionUsage
    from jackfield_gateway.settings import Price

MILLION = 1_000_000


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
    cached = cached if isinstance(cached, int) else 0
    cheaper = price.input if price.cached_input is None else price.cached_input
    within = cached <= usage.prompt_tokens  # as OpenAI tells it; else they stand beside
    plain = usage.prompt_tokens - cached if within else usage.prompt_tokens
    return (plain * price.input + cached * cheaper + usage.completion_tokens * price.output) / MILLION
