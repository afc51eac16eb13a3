"""For all tests of the repository: where ``JACKFIELD_NO_SKIPS`` is set, no test is left out for want of a package."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from typing import TypeVar

import pytest

pytest_plugins = ["jackfield.testing.plugin"]
MISSING = re.compile(r"could not import|No module named|not installed|needs the extra", re.IGNORECASE)
"""What a skip's reason says where a package, or a module of one, is missing."""
R = TypeVar("R", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(autouse=True)
def forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test holds secret is an ordinary word in the next."""
    from jackfield import redaction

    monkeypatch.setattr(redaction, "_known", redaction._Known())  # noqa: SLF001 - there is no public way to forget


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that was skipped for want of a package."""
    return strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that was skipped for want of a package."""
    return strict((yield))


def strict(report: R) -> R:
    """The report, failed where it tells of a skip for want of a package and such skips are not allowed."""
    if os.environ.get("JACKFIELD_NO_SKIPS") and report.skipped and MISSING.search(str(report.longrepr)):
        report.outcome = "failed"
        report.longrepr = f"skipped for want of a package: {report.longrepr}"
    return report
