"""Price: what tokens cost, in whole billionths, so that no sum drifts. Pure functions of values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import attrs

from jackfield_limits.estimate import Estimate
from jackfield_limits.settings import price
from jackfield_limits.usage import Usage

UNIT = 1_000_000_000
"""Parts of the money's unit that are counted."""
_PER_TOKEN = UNIT // 1_000_000
"""Parts, for a price of 1 for a million tokens."""


@attrs.frozen
class Price:
    """What a million tokens cost, in any currency, the same for all.

    Attributes:
        input: of the prompt.
        output: of the answer.
        cached_input: of the prompt, read from a cache; the price of ``input`` unless told.
        cache_write: of the prompt, written to a cache; the price of ``input`` unless told.
    """

    input: float = attrs.field(validator=price)
    output: float = attrs.field(validator=price)
    cached_input: float | None = attrs.field(default=None, validator=attrs.validators.optional(price))
    cache_write: float | None = attrs.field(default=None, validator=attrs.validators.optional(price))

    def of(self, usage: Usage) -> int:
        """What the tokens cost, in billionths, rounded up."""
        cached = self.input if self.cached_input is None else self.cached_input
        written = self.input if self.cache_write is None else self.cache_write
        pairs = (
            (usage.prompt, self.input),
            (usage.cached, cached),
            (usage.written, written),
            (usage.completion, self.output),
        )
        return math.ceil(sum(count * _exact(each) for count, each in pairs) * _PER_TOKEN)

    def at_most(self, guess: Estimate) -> int:
        """What a request may cost: no token of the prompt is cached, all are written to a cache if that costs more."""
        dear = max(self.input, self.cache_write or 0.0)
        return attrs.evolve(self, input=dear).of(Usage(guess.prompt, 0, 0, guess.completion))


def exact(money: float) -> int:
    """An amount of money in billionths."""
    return round(_exact(money) * UNIT)


def shown(money: int) -> str:
    """An amount of billionths as text, in the money's unit."""
    whole, parts = divmod(money, UNIT)
    return f"{whole}.{parts:09d}".rstrip("0").rstrip(".")


def _exact(number: float) -> Fraction:
    """The decimal that was written in the configuration; no ``Decimal``, whose context is the host's."""
    return Fraction(repr(number))


def candidates(prices: Mapping[str, Price], model: str) -> list[Price]:
    """The prices that a model name as a layer sees it may stand for: its own, those of some backend's, or all.

    A layer of the host may see an alias, one of a backend sees the name without the backend's.
    """
    if model in prices:
        return [prices[model]]
    return [one for name, one in prices.items() if name.endswith(f"/{model}")] or list(prices.values())
