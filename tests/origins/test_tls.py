"""TLS is always verified, and tells no one its keys."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import trustme

import fakeserver
import jackfield
from both import settings
from fakeserver import answer
from server import certified

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


pytestmark = pytest.mark.usefixtures("key")


def backend(ca_file: Path) -> dict[str, Any]:
    """Settings of a backend that trusts one authority."""
    return {"transport": {"ca_file": str(ca_file)}, "middleware": [{"use": "bearer", "token": "env:CANARY"}]}


@pytest.mark.parametrize("fault", ["self-signed", "another host", "expired", "not valid yet", "another authority"])
def test_a_server_with_a_bad_certificate_gets_no_byte_of_a_request(opened, authority, ca_file, fault) -> None:
    """Neither of a call nor of a stream; the error says that it is the certificate, and it is not sent again."""
    other = trustme.CA()
    context = certified(
        {
            "self-signed": lambda: other.issue_cert("127.0.0.1"),
            "another host": lambda: authority.issue_cert("other.example", "127.0.0.2"),
            "expired": lambda: authority.issue_cert("127.0.0.1", not_after=NOW - DAY),
            "not valid yet": lambda: authority.issue_cert("127.0.0.1", not_before=NOW + DAY),
            "another authority": lambda: trustme.CA(parent_cert=other).issue_cert("127.0.0.1"),
        }[fault]()
    )
    with fakeserver.serving(answer, context) as server:
        mode = opened(settings(server.url, backend=backend(ca_file), middleware=[{"use": "retry"}]))
        for ask in (mode.call, mode.stream):
            with pytest.raises(jackfield.APIConnectionError) as caught:
                ask()
            assert (caught.value.code, caught.value.stage) == ("certificate", "not_sent")
            assert len(caught.value.attempts) == 1
        assert server.accepted == 2
        assert server.exchanges == []


@pytest.mark.parametrize("name", ["verify", "verify_ssl", "insecure", "ssl_verify", "check_hostname", "tls"])
def test_there_is_no_setting_that_switches_verification_off(name: str) -> None:
    """Neither of a backend nor of its transport: each is an unknown key."""
    for where in ({"transport": {name: False}}, {name: False}):
        with pytest.raises(jackfield.ConfigError, match=name):
            jackfield.Client(settings("https://api.example/v1", backend=where))


def test_no_variable_of_the_environment_weakens_tls(opened, tls, ca_file, authority, monkeypatch, tmp_path) -> None:
    """``SSLKEYLOGFILE`` is not written, and what other clients take for a wish not to verify changes nothing."""
    log = tmp_path / "keys"
    for name, value in {
        "SSLKEYLOGFILE": str(log),
        "PYTHONHTTPSVERIFY": "0",
        "CURL_CA_BUNDLE": "",
        "REQUESTS_CA_BUNDLE": "",
        "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    }.items():
        monkeypatch.setenv(name, value)
    wrong = certified(authority.issue_cert("other.example"))
    with fakeserver.serving(answer, tls) as good, fakeserver.serving(answer, wrong) as bad:
        mode = opened(settings(good.url, backend=backend(ca_file)))
        mode.call()
        other = opened(settings(bad.url, backend=backend(ca_file)))
        with pytest.raises(jackfield.APIConnectionError, match="cannot be trusted"):
            other.call()
        mode.close()

        assert len(good.exchanges) == 1
        assert bad.exchanges == []
    assert not log.exists()
