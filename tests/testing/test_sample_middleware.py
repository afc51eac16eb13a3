"""Middleware of the kinds that people write keep the contract: it is no harder than it must be."""

from __future__ import annotations

import pytest

from jackfield.testing import MiddlewareContract
from sample_middleware import Cache, Fallback, Limiter, Redactor, Signed


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


class TestSigned(MiddlewareContract):
    """What stands around HTTP exchanges; given by a plain method."""

    def middleware(self):
        return Signed, {"key": "env:SIGNING_KEY"}
