"""Middleware of the kinds that people write keep the contract: it is no harder than it must be."""

from __future__ import annotations

import sys

import pytest

from jackfield.testing import MiddlewareContract
from jackfield.testing.contract.middleware import state
from sample_middleware import (
    Apology,
    Bouncer,
    Cache,
    Censor,
    Defaults,
    Fallback,
    Guard,
    Limiter,
    Redactor,
    Signed,
    Worker,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a thousand calls leave nothing behind is shown by the plugins of this repository; here fewer are enough."""
    monkeypatch.setattr(state, "MANY", 100)
    monkeypatch.setattr(state, "ORDERS", 8)


class TestRedactor(MiddlewareContract):
    """What rewrites chunks and holds text back."""

    changes_answer = True
    text = "Never say swordfish to a swordsman; swordfishes are fish."

    @pytest.fixture
    def middleware(self):
        return Redactor, {"word": "swordfish"}


class TestCache(MiddlewareContract):
    """What answers by itself."""

    answers = True

    @pytest.fixture
    def middleware(self):
        return Cache, {}


class TestFallback(MiddlewareContract):
    """What asks another backend."""

    repeats = True

    @pytest.fixture
    def middleware(self):
        return Fallback, {"model": "other/m"}


class TestLimiter(MiddlewareContract):
    """What waits for a gate, of which the whole client has one."""

    @pytest.fixture
    def middleware(self):
        return Limiter, {"calls": 1}


class TestBouncer(MiddlewareContract):
    """What refuses calls where too many go on at once."""

    answers = True
    changes_outcome = True

    @pytest.fixture
    def middleware(self):
        return Bouncer, {"calls": 2}


class TestPatientBouncer(MiddlewareContract):
    """What refuses calls, and says no more of itself than that it may end them."""

    answers = True

    @pytest.fixture
    def middleware(self):
        return Bouncer, {"calls": 3}


class TestSigned(MiddlewareContract):
    """What stands around HTTP exchanges, in a backend; given by a plain method."""

    def middleware(self):
        return Signed, {"key": "env:SIGNING_KEY", "older": {"spare": ["env:SPARE_KEY"]}}


class TestGuard(MiddlewareContract):
    """What ends each call by itself."""

    answers = True

    @pytest.fixture
    def middleware(self):
        return Guard, {"words": ["why", "question"]}


class TestApology(MiddlewareContract):
    """What makes answers of failures."""

    changes_outcome = True

    @pytest.fixture
    def middleware(self):
        return Apology, {}


class TestCensor(MiddlewareContract):
    """What makes failures of answers."""

    changes_outcome = True

    @pytest.fixture
    def middleware(self):
        return Censor, {"word": "fox"}


class TestDefaults(MiddlewareContract):
    """What changes requests, of either kind."""

    changes_request = True

    @pytest.fixture
    def middleware(self):
        return Defaults, {}


class TestWorker(MiddlewareContract):
    """What has to be closed."""

    @pytest.mark.skipif(
        sys.version_info < (3, 12) and "coverage" in sys.modules,
        reason="its threads begin while others run, which coverage cannot trace on Python 3.11",
    )
    def test_many_threads(self, subject):
        super().test_many_threads(subject)

    @pytest.fixture
    def middleware(self):
        return Worker, {}
