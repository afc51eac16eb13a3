"""The retry middleware keeps the contract of middleware."""

from __future__ import annotations

import pytest

from jackfield.testing import MiddlewareContract
from jackfield_retry import Retry


class TestRetry(MiddlewareContract):
    """It repeats, and does nothing else."""

    repeats = True

    @pytest.fixture
    def middleware(self):
        return Retry, {"max_attempts": 4}
