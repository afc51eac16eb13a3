"""Reaching a host: names, TLS, proxies."""

from __future__ import annotations

import datetime as dt
import gc
import socket
import ssl
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from fakeserver import readable
from jackfield.drivers.network import proxy_for, tls_context
from jackfield.errors import APIConnectionError, ConfigError, DeadlineExceededError
from jackfield.http import Origin, Transport
from rig import Rig, fetch
from server import CLOSE, RESET, Serve, answer, certified, tunnel

FAR = Origin("https", "api.example", 443)


@pytest.fixture
def rig(ca_file: Path) -> Iterator[Rig]:
    """A driver that trusts the authority of the tests."""
    rig = Rig(transport=Transport(proxy="", ca_file=str(ca_file)))
    yield rig
    rig.close()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


def test_a_refused_connection_was_not_sent(rig: Rig) -> None:
    """The port is told, and that nothing left."""
    error, _ = rig.fails(fetch("http://127.0.0.1:1"))
    assert (type(error), error.code, error.stage) == (APIConnectionError, "refused", "not_sent")
    assert "127.0.0.1:1" in error.message


def test_a_name_without_an_address_was_not_sent(rig: Rig) -> None:
    """Whatever the resolver says."""
    for host in ("nowhere.invalid", "a" * 70 + ".example"):
        error, _ = rig.fails(fetch(f"http://{host}"))
        assert (type(error), error.code, error.stage) == (APIConnectionError, "dns", "not_sent")


def test_each_address_of_a_name_is_tried(rig: Rig, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one answers."""
    server = serve([answer(b"hello")])
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", 1)), (2, 1, 6, "", ("127.0.0.1", server.port))],
    )
    assert rig.run(fetch("http://two.example")) == b"hello"
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [])
    error, _ = rig.fails(fetch("http://none.example"))
    assert (error.code, error.stage) == ("connect", "not_sent")


def test_tls_connections_are_used_again(rig: Rig, serve: Serve, tls: ssl.SSLContext) -> None:
    """One handshake for ten calls."""
    server = serve([answer(b"hello")], tls=tls)
    for _ in range(10):
        assert rig.run(fetch(server.url, body=b"{}")) == b"hello"
    assert (server.connections, server.handshakes) == (1, 1)


def test_a_certificate_that_cannot_be_trusted_stops_everything(rig: Rig, serve: Serve, authority: trustme.CA) -> None:
    """Self-signed, for another host, expired: nothing is sent, and the reason is told."""
    expired = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    contexts = {
        "self-signed": certified(trustme.CA().issue_cert("127.0.0.1")),
        "mismatch": certified(authority.issue_cert("other.example")),
        "expired": certified(authority.issue_cert("127.0.0.1", not_after=expired)),
    }
    for name, context in contexts.items():
        server = serve([answer()], tls=context)
        error, _ = rig.fails(fetch(server.url, body=b"{}", authorization="Bearer sk-secret"))
        assert (type(error), error.code, error.stage) == (APIConnectionError, "certificate", "not_sent")
        assert name == "self-signed" or name in error.message
        assert server.requests == []


@pytest.mark.parametrize("step", [RESET, CLOSE, b"this is not TLS at all, not at all"])
def test_a_handshake_that_breaks_was_not_sent(rig: Rig, serve: Serve, step: bytes | str) -> None:
    """Reset, closed, or not TLS."""
    server = serve([answer()], opening=[step, 0.1, CLOSE])
    error, _ = rig.fails(fetch(server.url.replace("http:", "https:"), body=b"{}"))
    assert (type(error), error.stage) == (APIConnectionError, "not_sent"), repr(error)
    assert server.requests == []


def test_a_reset_before_the_handshake_leaves_no_socket_open() -> None:
    """Python's own class leaves it to the collector, which warns."""
    with socket.create_server(("127.0.0.1", 0)) as listener, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        assert readable(5, near)
        with pytest.raises(ConnectionResetError):
            tls_context(Transport()).wrap_socket(near, server_hostname="127.0.0.1")
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


def test_the_environment_says_whom_to_trust(
    serve: Serve, tls: ssl.SSLContext, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``SSL_CERT_FILE`` where the configuration names no file."""
    server = serve([answer(b"hello")], tls=tls)
    for path, trusted in ((ca_file, True), (Path("/nonexistent"), False)):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        rig = Rig(transport=Transport(proxy=""))
        if trusted:
            assert rig.run(fetch(server.url)) == b"hello"
        else:
            assert rig.fails(fetch(server.url))[0].code == "certificate"
        rig.close()


def test_a_file_of_authorities_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """Missing, or no certificate."""
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(ConfigError, match=name):
            tls_context(Transport(ca_file=str(tmp_path / name)))


def test_tls_is_always_verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """At least version 1.2, names checked, no keys logged."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = tls_context(Transport())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None


@pytest.mark.parametrize("secure", [False, True])
def test_a_proxy_carries_requests_in_clear(serve: Serve, tls: ssl.SSLContext, ca_file: Path, secure: bool) -> None:
    """It gets the whole URL, and its own credentials; that it speaks TLS itself makes no tunnel of it."""
    proxy = serve([answer(b"from the proxy")], tls=tls if secure else None)
    rig = Rig(transport=Transport(proxy=proxy.url.replace("//", "//us%40er:p%3Ass-word-1@"), ca_file=str(ca_file)))
    assert rig.run(fetch("http://api.example:8080", "/v1?x=y", body=b"{}")) == b"from the proxy"
    [(request, _)] = proxy.requests
    assert request.startswith(b"POST http://api.example:8080/v1?x=y HTTP/1.1\r\n")
    assert b"proxy-authorization: Basic dXNAZXI6cDpzcy13b3JkLTE=" in request
    rig.close()


def test_tls_within_tls_ends_as_any_connection_does(serve: Serve, tls: ssl.SSLContext, ca_file: Path) -> None:
    """urllib3 gives the number 0 where such a connection ends."""
    origin = serve([CLOSE], tls=tls)
    proxy = serve([tunnel], tls=tls)
    rig = Rig(transport=Transport(proxy=proxy.url, ca_file=str(ca_file)))
    error, _ = rig.fails(fetch(origin.url), timeout=5)
    assert (type(error), error.stage) == (APIConnectionError, "ambiguous")
    rig.close()


def test_a_proxy_carries_tls_through_a_tunnel(serve: Serve, tls: ssl.SSLContext, ca_file: Path) -> None:
    """The proxy sees the host only; the origin does not see the proxy's credentials; the tunnel is used again."""
    origin = serve([answer(b"hello")], tls=tls)
    proxy = serve([tunnel])
    rig = Rig(transport=Transport(proxy=proxy.url.replace("//", "//user:pass-word-1@"), ca_file=str(ca_file)))
    for _ in range(3):
        assert rig.run(fetch(origin.url, authorization="Bearer sk-tunnel")) == b"hello"
    [(connect, _)] = proxy.requests
    assert connect.startswith(f"CONNECT 127.0.0.1:{origin.port} HTTP/1.".encode())
    assert b"dXNlcjpwYXNzLXdvcmQtMQ==" in connect
    assert b"sk-tunnel" not in connect
    assert all(b"roxy-" not in request for request, _ in origin.requests)
    assert (origin.connections, len(origin.requests)) == (1, 3)
    rig.close()


def test_a_proxy_that_refuses_was_not_sent(serve: Serve, ca_file: Path) -> None:
    """Its status is told; a proxy that is not there is one that refuses."""
    proxy = serve([answer(b"", "407 Proxy Authentication Required"), CLOSE])
    rig = Rig(transport=Transport(proxy=proxy.url, ca_file=str(ca_file)))
    error, _ = rig.fails(fetch("https://api.example"))
    assert (error.code, error.stage) == ("proxy", "not_sent")
    assert "HTTP 407" in error.message
    rig.close()
    rig = Rig(transport=Transport(proxy="http://127.0.0.1:1"))
    error, _ = rig.fails(fetch("https://api.example"))
    assert (error.code, error.stage) == ("refused", "not_sent")
    rig.close()


def test_a_silent_proxy_does_not_hold_the_call(serve: Serve) -> None:
    """The deadline covers the tunnel too."""
    proxy = serve([5.0])
    rig = Rig(transport=Transport(proxy=proxy.url))
    error, took = rig.fails(fetch("https://api.example"), timeout=0.4)
    assert type(error) is DeadlineExceededError
    assert took < 3
    rig.close()


@pytest.mark.parametrize(
    ("environment", "origin", "proxy"),
    [
        ({}, FAR, None),
        ({"HTTPS_PROXY": "http://p:1"}, FAR, "http://p:1"),
        ({"https_proxy": "http://p:1"}, FAR, "http://p:1"),
        ({"HTTPS_PROXY": "p:1"}, FAR, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, FAR, None),
        ({"ALL_PROXY": "https://p:1"}, FAR, "https://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example"}, FAR, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, FAR, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.example:443"}, FAR, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "pi.example"}, FAR, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "::1"}, Origin("http", "::1", 80), None),
    ],
)
def test_the_environment_names_a_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], origin: Origin, proxy: str | None
) -> None:
    """By the scheme, or for all; and the hosts that need none."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(origin, Transport()) == proxy
    assert proxy_for(origin, Transport(proxy="")) is None
    assert proxy_for(origin, Transport(proxy="https://own")) == "https://own"


@pytest.mark.parametrize("proxy", ["socks5://p:1", "http://", "http://user:sk-proxy-pass@p:port", "http://[::1"])
def test_a_proxy_that_is_none_is_told(proxy: str) -> None:
    """Without its password."""
    with pytest.raises(ConfigError, match="proxy") as caught:
        proxy_for(FAR, Transport(proxy=proxy))
    assert "sk-proxy" not in repr(caught.value)
