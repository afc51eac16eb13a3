"""The pytest plugin: a fixture for tests of hosts.

It is asked for by ``pytest_plugins = ["jackfield.testing.plugin"]`` in the topmost ``conftest.py``. It has no entry
point: pytest would rewrite the assertions of all of jackfield, and tests would run other code than programs do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from jackfield.testing.faults import FaultServer


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """A server on 127.0.0.1 that fails as the model name says; see ``jackfield.testing.faults``."""
    from jackfield.testing.faults import FaultServer

    with FaultServer() as server:
        yield server
