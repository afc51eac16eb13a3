"""The local provider keeps the contract of providers, with the packaged model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from jackfield.testing import InProcessContract

pytest.importorskip("xllamacpp")
pytestmark = pytest.mark.system


class TestLocal(InProcessContract):
    """With the real model."""

    model = "smollm2"
    question = "What is the capital of France?"

    @pytest.fixture
    def backend(self) -> Mapping[str, Any]:
        return {"provider": "local", "parallel": 2}
