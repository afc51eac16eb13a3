"""The mix of the soak: a fifth of all attempts fail, and what the docs say of it is so."""

from __future__ import annotations

import pytest

from jackfield.errors import APIStatusError
from jackfield.testing.faults import GOOD, M20, parse
from soak.detour import PERCENT

pytestmark = pytest.mark.soak
STREAMS = 1 / 3


def share(name: str) -> float:
    """The share of the requests that fail by a fault: some can only fail as a stream, or only as none."""
    fault, _ = parse(name)
    return STREAMS * (fault.stream != GOOD) + (1 - STREAMS) * (fault.whole != GOOD)


def test_a_fifth_of_the_attempts_fail():
    """With those that come to no request, which is 5 in 100."""
    elsewhere = sum(PERCENT.values())
    served = sum(percent * share(name) for name, percent in M20.items())

    assert elsewhere == 5.0
    assert elsewhere + served * (100 - elsewhere) / 100 == pytest.approx(20.0, abs=0.05)


def test_a_third_of_the_failures_come_after_something_was_sent():
    """Then the work may have been done, and there is one more try at most."""
    maybe = sum(percent * share(name) for name, percent in M20.items() if parse(name)[0].whole != (APIStatusError,))

    assert 6.5 < PERCENT["reset"] + maybe * 0.95 < 7.0
