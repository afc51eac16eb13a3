"""Cost: tokens by the operator's prices."""

from __future__ import annotations

import pytest

from jackfield.models import CompletionUsage
from jackfield.wire import from_dict
from jackfield_gateway.cost import cost_of
from jackfield_gateway.settings import Price
from jackfield_gateway.tokens import tokens

PRICES = {
    "b/m": Price(input=100_000, output=300_000, cached_input=10_000),
    "m": Price(input=200_000, output=200_000),
}


@pytest.mark.parametrize(
    ("backend", "prompt", "cached", "cost"),
    [
        ("b", 10, None, 1.3),
        ("b", 10, 10, 0.4),
        ("b", 10, 5, 0.85),
        ("b", 10, 100, 0.4),  # no more can have been cached than there was
        ("other", 10, 5, 2.2),
    ],
)
def test_each_token_has_its_price(backend, prompt, cached, cost):
    """The price of the backend's model before that of the name; what was cached is cheaper where a price says so."""
    told = {"prompt_tokens": prompt, "completion_tokens": 1, "total_tokens": prompt + 1}
    if cached is not None:
        told["prompt_tokens_details"] = {"cached_tokens": cached}
    assert cost_of(PRICES, backend, "m", tokens(from_dict(told, CompletionUsage))) == pytest.approx(cost)


def test_a_model_without_a_price_has_no_cost():
    """Rather than one of nothing."""
    assert cost_of(PRICES, "b", "none", tokens(CompletionUsage(prompt_tokens=1))) is None
