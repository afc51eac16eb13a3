"""The limits keep the contract of middleware, in one process and with Redis."""

from __future__ import annotations

import pytest

from jackfield.testing import MiddlewareContract
from jackfield_limits import Budget, Concurrency, RateLimit

RATE = {"requests": 100_000, "tokens": 10**12, "window": 3600.0, "per": ["model", "label:job"]}
BUDGET = {
    "tokens": 10**12,
    "money": 9_000_000.0,
    "period": "hour",
    "prices": {"test/m": {"input": 1.0, "cached_input": 0.1, "output": 2.5}, "other/m": {"input": 0, "output": 0}},
    "per": ["label:job"],
}
PLACES = {"limit": 1_000, "per": ["model"]}


@pytest.mark.long
class TestRateLimit(MiddlewareContract):
    """It may refuse, and wait."""

    answers = True

    @pytest.fixture
    def middleware(self):
        return RateLimit, RATE


@pytest.mark.long
class TestConcurrency(MiddlewareContract):
    """It may wait for a gate."""

    answers = True

    @pytest.fixture
    def middleware(self):
        return Concurrency, PLACES


@pytest.mark.long
class TestBudget(MiddlewareContract):
    """It may refuse."""

    answers = True

    @pytest.fixture
    def middleware(self):
        return Budget, BUDGET


@pytest.mark.long
class TestSharedRateLimit(MiddlewareContract):
    """Counted in Redis, it may fail with it, too."""

    answers = True

    @pytest.fixture
    def middleware(self, url_file):
        return RateLimit, {**RATE, "redis": url_file, "name": "contract"}


@pytest.mark.long
class TestSharedConcurrency(MiddlewareContract):
    """Places in Redis are leases."""

    answers = True

    @pytest.fixture
    def middleware(self, url_file):
        return Concurrency, {**PLACES, "limit": 100_000, "redis": url_file, "name": "contract"}


@pytest.mark.long
class TestSharedBudget(MiddlewareContract):
    """Accounts in Redis."""

    answers = True

    @pytest.fixture
    def middleware(self, url_file):
        return Budget, {**BUDGET, "redis": url_file, "name": "contract"}
