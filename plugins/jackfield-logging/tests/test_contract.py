"""The logging middleware keeps the contract of middleware."""

from __future__ import annotations

import pytest

from jackfield.testing import MiddlewareContract
from jackfield_logging import Logging


class TestLogging(MiddlewareContract):
    """With all that it can log."""

    @pytest.fixture
    def middleware(self):
        return Logging, {"logger": "contract", "level": "DEBUG", "content": True}
