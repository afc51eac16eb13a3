"""A file of authorities that cannot be used is a fault of the configuration, of a backend and with a remedy."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from both import Async, Sync, settings
from jackfield.call import Call
from jackfield.drivers.live import Live
from jackfield.drivers.network import AUTHORITIES, tls_context
from jackfield.engine import Engine
from jackfield.errors import ConfigError
from jackfield.http import Transport
from jackfield.plan import NOTHING


@pytest.mark.parametrize(
    ("path", "why"),
    [("nowhere.pem", "No such file or directory"), (__file__, "it holds no certificate"), ("a\0b", "no path")],
)
def test_a_file_that_cannot_be_used_is_named_with_why(path: str, why: str) -> None:
    """And what is to be done."""
    with pytest.raises(ConfigError) as caught:
        tls_context(Transport(ca_file=path))
    (fault,) = caught.value.faults

    assert (fault.path, fault.expected, fault.hint) == (
        "transport.ca_file",
        f"{path} cannot be used: {why}",
        AUTHORITIES,
    )


@pytest.mark.parametrize("kind", [Sync, Async])
def test_a_call_tells_of_which_backend_it_is(kind: Any, tmp_path: Path) -> None:
    """A file without a certificate is found when a connection is to be made."""
    file = tmp_path / "ca.pem"
    file.write_text("none")
    mode = kind(settings("https://127.0.0.1:1/v1", backend={"transport": {"ca_file": str(file)}}), None)
    try:
        with pytest.raises(ConfigError) as caught:
            mode.call()
    finally:
        mode.close()
        mode.end()

    assert str(caught.value) == (
        f"backends.main.transport.ca_file: {file} cannot be used: it holds no certificate ({AUTHORITIES})"
    )


@pytest.mark.parametrize("kind", [Sync, Async])
def test_a_proxy_of_the_environment_that_is_none_is_told_with_the_backend(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no key of the configuration."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://h:1")
    mode = kind(settings("https://nobody.invalid/v1"), None)
    try:
        with pytest.raises(ConfigError, match=r"^backends\.main: proxy: expected an http:// or https:// URL$"):
            mode.call()
    finally:
        mode.close()
        mode.end()


def test_where_no_backend_is_asked_yet_the_fault_stays_as_it_is() -> None:
    """A layer of the host may send something of its own."""
    error = ConfigError("no")

    assert Live(Engine(NOTHING, Call(clock=time.monotonic, model="", timeout=1.0))).placed(error) is error
