"""The middleware of routing keep the contract of middleware."""

from __future__ import annotations

import pytest

from jackfield.testing import MiddlewareContract
from jackfield_routing import Balance, CircuitBreaker, Fallback


@pytest.mark.long
class TestFallback(MiddlewareContract):
    """It repeats, under other names."""

    repeats = True

    @pytest.fixture
    def middleware(self):
        return Fallback, {"models": {"test/m": ["other/m", "test/n"], "m": ["n"]}, "on": ["content_filter"]}


@pytest.mark.long
class TestBalance(MiddlewareContract):
    """It gives the request another name, and no more."""

    changes_request = True

    @pytest.fixture
    def middleware(self):
        return Balance, {"models": {"test/m": {"test/m": 2, "other/m": 1}, "m": {"m": 1, "n": 1}}}


@pytest.mark.long
class TestLeastInFlight(MiddlewareContract):
    """The same where it counts what is in flight, and goes by a label that each call has."""

    changes_request = True

    @pytest.fixture
    def middleware(self):
        tables = {"test/m": {"test/m": 2, "other/m": 1}, "m": {"m": 1, "n": 1}}
        return Balance, {"models": tables, "by": "least-in-flight", "sticky": "job"}


@pytest.mark.long
class TestCircuitBreaker(MiddlewareContract):
    """It may refuse a request."""

    answers = True

    @pytest.fixture
    def middleware(self):
        return CircuitBreaker, {"groups": [["test/m", "other/m"]]}


@pytest.mark.long
class TestTouchyCircuitBreaker(MiddlewareContract):
    """The same where the first failure opens a circuit."""

    answers = True

    @pytest.fixture
    def middleware(self):
        return CircuitBreaker, {"min_calls": 1, "failure_ratio": 0.1}
