"""The short form of the soak: the same figures of fewer calls. ``tox -e soak`` runs the long one."""

from __future__ import annotations

import pytest

from soak.endurance import Endurance
from soak.figure import Figure
from soak.hosts import HOSTS, settings
from soak.inprocess import Hits, in_process
from soak.outage import Outage
from soak.run import broken, outage
from soak.service import Service

pytestmark = [pytest.mark.soak, pytest.mark.long, pytest.mark.parametrize("mode", list(HOSTS))]


def faults(figures: list[Figure]) -> list[str]:
    """The figures that do not hold."""
    return [str(figure) for figure in figures if not figure.holds]


def test_a_fifth_of_all_attempts_may_fail(mode: str, service: Service):
    """Every call ends in an answer or a typed error, every attempt is reported, and nothing is left behind."""
    assert faults(Endurance(mode, service, calls=1_600, seed=20, exact=False).run()) == []


def test_an_outage_is_not_made_worse(mode: str):
    """10,000 calls to a backend that is down are at most 10,050 requests; when it is well again, all is as before."""
    hits = Hits()
    host = HOSTS[mode](settings("", provider="inprocess"), {"inprocess": in_process(hits)})
    try:
        assert faults(Outage(host, lambda: hits.by_model, 10_000).run()) == []
    finally:
        host.close()


def test_an_outage_of_a_server_is_not_made_worse(mode: str, service: Service):
    """The same over a network."""
    assert faults(outage(mode, service, 500)) == []


def test_work_that_may_have_been_done_is_repeated_once_or_never(mode: str, service: Service):
    """With ``store`` a request that broke is never sent again, without it once."""
    assert faults(broken(mode, service, 600)) == []
