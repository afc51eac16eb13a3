"""For all tests: a redis-server; with ``JACKFIELD_NO_SKIPS`` set, no test is left out for want of a package."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Iterator
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


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a redis-server of the tests' own, on 127.0.0.1; a test keeps to keys of its own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    directory = tmp_path_factory.mktemp("redis")
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(directory)]
    command = [program, *settings]
    with open(directory / "log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:  # noqa: S603 - our own words
        try:
            _answers(server, port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()


def _answers(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a redis-server answers to a ping."""
    end = time.monotonic() + 30
    while time.monotonic() < end and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"redis-server does not answer; it ended with {server.poll()}")


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
