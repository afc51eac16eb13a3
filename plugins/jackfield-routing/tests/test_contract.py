"""The middleware of routing keep the contract of middleware."""

from __future__ import annotations

import pytest

from jackfield.testing import MiddlewareContract
from jackfield_routing import Balance, CircuitBreaker, Fallback


def inside(kind: type) -> type:
    """The same, to stand in a backend: its names are the backend's own."""
    return type(f"{kind.__name__}Inside", (kind,), {"__doc__": kind.__doc__, "backend_only": True})


@pytest.mark.long
class TestFallback(MiddlewareContract):
    """It repeats, under other names."""

    repeats = True

    @pytest.fixture
    def middleware(self):
        return Fallback, {"models": {"test/m": ["other/m", "test/n"]}, "on": ["content_filter"]}


@pytest.mark.long
class TestFallbackInside(MiddlewareContract):
    """The same among the models of one backend."""

    repeats = True

    @pytest.fixture
    def middleware(self):
        return inside(Fallback), {"models": {"m": ["n", "o"]}}


@pytest.mark.long
class TestBalance(MiddlewareContract):
    """It gives the request another name, and no more."""

    changes_request = True

    @pytest.fixture
    def middleware(self):
        return Balance, {"models": {"test/m": {"test/m": 2, "other/m": 1}}}


@pytest.mark.long
class TestBalanceInside(MiddlewareContract):
    """The same among the models of one backend, where it counts what is in flight, and goes by a label."""

    changes_request = True

    @pytest.fixture
    def middleware(self):
        return inside(Balance), {"models": {"m": {"m": 2, "n": 1}}, "by": "least-in-flight", "sticky": "job"}


@pytest.mark.long
class TestLeastInFlight(MiddlewareContract):
    """It counts what is in flight."""

    changes_request = True

    @pytest.fixture
    def middleware(self):
        return Balance, {"models": {"test/m": {"test/m": 2, "other/m": 1}}, "by": "least-in-flight"}


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
