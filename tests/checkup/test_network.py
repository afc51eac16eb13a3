"""The way to a service is looked at: name, port, TLS, and the proxy where one stands between."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from findings import KEY, MODELS, config, found, of, remedy, statuses
from server import CLOSE, Serve, answer, certified, tunnel


def test_a_port_where_nobody_listens() -> None:
    """Refused: the service is not running."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    rows = found(config(f"http://127.0.0.1:{port}"), live=True)

    assert statuses(rows) == {
        "secret bearer.token": "ok",
        "dns": "ok",
        "tcp": "failed",
        "http": "skipped",
        "call": "skipped",
    }
    assert "Connection refused" in of(rows, "b")["tcp"][1]
    assert remedy(rows, "tcp").startswith("start the service")
    assert of(rows, "b")["call"][1] == "it is not reached"


def test_a_name_that_no_one_knows() -> None:
    """The top-level domain invalid has no names (RFC 6761)."""
    rows = found(config("https://nobody.invalid"))

    assert of(rows, "b")["dns"] == ("failed", "the name nobody.invalid cannot be resolved")
    assert remedy(rows, "dns").startswith("mend the host in base_url")
    assert "tcp" not in statuses(rows)


def test_tls_that_can_be_trusted(serve: Serve, authority: trustme.CA, ca_file: Path) -> None:
    """By the authority that the backend's transport names; when the certificate ends is told."""
    leaf = authority.issue_cert("127.0.0.1", not_after=dt.datetime.now(dt.UTC) + dt.timedelta(days=100, hours=1))
    server = serve([answer(MODELS)], tls=certified(leaf))
    rows = found(config(server.url, transport={"ca_file": str(ca_file)}))

    assert of(rows, "b")["tls"][0] == "ok"
    assert of(rows, "b")["tls"][1].endswith("with 127.0.0.1; its certificate is valid for 100 days")
    assert statuses(rows)["http"] == "ok"


def test_a_certificate_that_ends_soon(serve: Serve, authority: trustme.CA, ca_file: Path) -> None:
    """A warning, and the rest goes on."""
    leaf = authority.issue_cert("127.0.0.1", not_after=dt.datetime.now(dt.UTC) + dt.timedelta(days=3, hours=1))
    server = serve([answer(MODELS)], tls=certified(leaf))
    rows = found(config(server.url, transport={"ca_file": str(ca_file)}))

    assert of(rows, "b")["tls"][0] == "warning"
    assert "ends in 3 days" in of(rows, "b")["tls"][1]
    assert statuses(rows)["http"] == "ok"


EXPIRED = {"not_before": dt.datetime(2000, 1, 1, tzinfo=dt.UTC), "not_after": dt.datetime(2001, 1, 1, tzinfo=dt.UTC)}


@pytest.mark.parametrize(
    ("own", "host", "dates", "why", "what_to_do"),
    [
        (False, "127.0.0.1", {}, "certificate", "name the file of the authority"),
        (True, "127.0.0.1", EXPIRED, "expired", "have the certificate of the service renewed"),
        (True, "elsewhere.example", {}, "mismatch", "name the host in base_url"),
    ],
    ids=["self-signed", "expired", "wrong host"],
)
def test_a_certificate_that_no_one_may_trust(
    serve: Serve, authority: trustme.CA, ca_file: Path, own: bool, host: str, dates: Any, why: str, what_to_do: str
) -> None:
    """Each with its own remedy; nothing is sent."""
    issuer = authority if own else trustme.CA()
    server = serve([answer(MODELS)], tls=certified(issuer.issue_cert(host, **dates)))
    rows = found(config(server.url, transport={"ca_file": str(ca_file)}))

    assert of(rows, "b")["tls"][0] == "failed"
    assert why in of(rows, "b")["tls"][1]
    assert remedy(rows, "tls").startswith(what_to_do)
    assert statuses(rows)["http"] == "skipped"
    assert server.requests == []


def test_a_port_that_speaks_no_tls(serve: Serve) -> None:
    """The usual slip: https where http is spoken."""
    server = serve([answer(MODELS)], opening=[b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE])
    rows = found(config(server.url.replace("http:", "https:")))

    assert statuses(rows)["tls"] == "failed"


def test_a_port_that_speaks_only_tls(serve: Serve, tls: ssl.SSLContext) -> None:
    """The opposite slip: http where https is spoken, which servers end or answer as a bad request."""
    server = serve([answer(MODELS)], tls=tls)
    other = serve([answer(b"The plain HTTP request was sent to HTTPS port", status="400 Bad Request")])
    for url in (server.url.replace("https:", "http:"), other.url):
        rows = found(config(url))

        assert statuses(rows)["http"] in {"failed", "warning"}
        assert "https://" in remedy(rows, "http")


def test_a_handshake_that_never_comes_is_given_up(serve: Serve) -> None:
    """No look takes longer than it may."""
    server = serve([answer(MODELS)], opening=[60.0])
    rows = found(config(server.url.replace("http:", "https:")), timeout=0.3)

    assert of(rows, "b")["tls"][1] == f"no TLS handshake with https://127.0.0.1:{server.port} within 0.3 s"
    assert "--timeout" in remedy(rows, "tls")


def test_an_authority_that_cannot_be_read(serve: Serve, tls: ssl.SSLContext) -> None:
    """It is a fault of the configuration; the way to the service is looked at all the same."""
    server = serve([answer(MODELS)], tls=tls)
    rows = found(config(server.url, transport={"ca_file": "/nowhere/ca.pem"}))

    assert of(rows, "configuration")["fault"] == (
        "failed",
        "backends.b.transport.ca_file: expected a PEM file that can be read: No such file or directory",
    )
    assert of(rows, "b")["tls"] == (
        "failed",
        "transport.ca_file: /nowhere/ca.pem cannot be used: No such file or directory",
    )
    assert "certificates in PEM" in remedy(rows, "tls")


def test_an_authority_without_a_certificate(serve: Serve, tls: ssl.SSLContext, tmp_path: Path) -> None:
    """The file is named, and what must be in it."""
    file = tmp_path / "ca.pem"
    file.write_text("none")
    server = serve([answer(MODELS)], tls=tls)
    rows = found(config(server.url, transport={"ca_file": str(file)}))

    assert of(rows, "b")["tls"] == ("failed", f"transport.ca_file: {file} cannot be used: it holds no certificate")
    assert "certificates in PEM" in remedy(rows, "tls")


def test_where_a_proxy_stands_between_it_is_looked_at(serve: Serve, tls: ssl.SSLContext, ca_file: Path) -> None:
    """Name and port are the proxy's; the answer comes through it."""
    server = serve([answer(MODELS)], tls=tls)
    proxy = serve([tunnel])
    rows = found(config(server.url, transport={"proxy": proxy.url, "ca_file": str(ca_file)}))

    assert of(rows, "b")["tcp"] == ("ok", f"the proxy 127.0.0.1 takes connections on port {proxy.port}")
    assert "tls" not in statuses(rows)
    assert statuses(rows)["http"] == "ok"


def test_a_proxy_over_tls(serve: Serve, tls: ssl.SSLContext, ca_file: Path) -> None:
    """Its certificate is looked at."""
    proxy = serve([answer(MODELS)], tls=tls)
    rows = found(config("http://127.0.0.1:1", transport={"proxy": proxy.url, "ca_file": str(ca_file)}, key=None))

    assert statuses(rows) == {"dns": "ok", "tcp": "ok", "tls": "ok", "http": "ok", "clock": "skipped"}


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, say."""
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://user:{KEY}@h:1")
    rows = found(config("https://nobody.invalid"))

    assert of(rows, "b")["proxy"] == ("failed", "proxy: expected an http:// or https:// URL")
