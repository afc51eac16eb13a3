"""The gateway's own layer keeps the contract of middleware."""

from __future__ import annotations

import pytest

from jackfield.testing import MiddlewareContract
from jackfield_gateway.watch import Watch


@pytest.mark.long
class TestWatch(MiddlewareContract):
    """It takes down, and changes nothing."""

    @pytest.fixture
    def middleware(self):
        return Watch, {}
