"""The cache middleware keeps the contract of middleware."""

from __future__ import annotations

import itertools

import attrs
import pytest

from jackfield.testing import MiddlewareContract
from jackfield_cache import Cache

number = itertools.count()


@attrs.define(eq=False)
class Fresh(Cache):
    __doc__ = Cache.__doc__

    def __attrs_post_init__(self):
        """With a file of its own: else one client would have the answers of the other that it is compared with."""
        if isinstance(self.path, str):
            self.path = f"{self.path}.{next(number)}"
        Cache.__attrs_post_init__(self)


@pytest.mark.long
class TestCache(MiddlewareContract):
    """It answers, and does nothing else; every question may be answered, so that it has something to do."""

    answers = True

    @pytest.fixture
    def middleware(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        return Fresh, {"path": str(tmp_path / "cache.sqlite3"), "only_deterministic": False}


@pytest.mark.long
class TestCacheInRedis(MiddlewareContract):
    """With a Redis that nobody runs: no failure of it is seen."""

    answers = True

    @pytest.fixture
    def middleware(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        return Cache, {"url": "env:REDIS_URL", "only_deterministic": False}
