"""The service that the short form of the soak is made against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from soak.service import Service, serving


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """A fault server in a process of its own."""
    with serving(20) as started:
        yield started
