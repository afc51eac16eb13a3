"""The budget of retries."""

from __future__ import annotations

import random
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield_retry.budget import CAPACITY, Budget


def test_a_full_budget_pays_for_35_transient_retries():
    """500 tokens are 35 times 14, and the 36th is refused."""
    budget = Budget()

    paid = [budget.spend(14) for _ in range(36)]

    assert paid == [True] * 35 + [False]


def test_a_refused_retry_takes_nothing():
    """What is too little for one cost is still there for a smaller one."""
    budget = Budget()
    for _ in range(35):
        budget.spend(14)

    assert not budget.spend(14)
    assert budget.tokens == 10
    assert budget.spend(5)


def test_the_last_tokens_can_be_spent():
    """A retry that costs just what is left is paid for."""
    budget = Budget()

    assert budget.spend(CAPACITY)
    assert budget.tokens == 0


@settings(deadline=None)  # other processes may want the processor
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 600))))
def test_tokens_stay_within_bounds(steps: list[tuple[bool, int]]):
    """Whatever is spent and refunded, there are never fewer than 0 nor more than 500 tokens."""
    budget = Budget()
    for spend, amount in steps:
        if spend:
            before = budget.tokens
            assert budget.spend(amount) == (before >= amount)
        else:
            budget.refund(amount)

        assert 0 <= budget.tokens <= CAPACITY


def test_ten_threads_never_see_tokens_out_of_bounds():
    """Spending and refunding in ten threads at once keeps the tokens within bounds, and loses none."""
    budget = Budget()
    seen: list[int] = []
    barrier = threading.Barrier(10)

    def hammer(seed: int) -> None:
        dice = random.Random(seed)
        barrier.wait()
        for _ in range(2000):
            cost = dice.choice((5, 14))
            if budget.spend(cost):
                seen.append(budget.tokens)
                budget.refund(cost)
            seen.append(budget.tokens)

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert min(seen) >= 0
    assert max(seen) <= CAPACITY
    assert budget.tokens == CAPACITY
