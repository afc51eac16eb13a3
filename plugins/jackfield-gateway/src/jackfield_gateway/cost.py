"""Cost: what tokens came to, by the operator's prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jackfield_gateway.settings import Price
    from jackfield_gateway.tokens import Tokens

MILLION = 1_000_000


def cost_of(prices: Mapping[str, Price], backend: str, model: str, usage: Tokens) -> float | None:
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
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    cheaper = price.input if price.cached_input is None else price.cached_input
    plain = usage.prompt_tokens - cached
    return (plain * price.input + cached * cheaper + usage.completion_tokens * price.output) / MILLION
