"""What a proxy gets to see, and who gets to see its credentials."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

import fakeserver
from both import settings
from fakeserver import Exchange, answer

KEY = "sk-canary-pr0x1es-0123456789"
PASSWORD = "pass-canary-9876543210"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", KEY)
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


def recording(carried: list[bytes]) -> Callable[[Exchange], bool]:
    """A proxy that opens tunnels and keeps all bytes that go through."""

    def script(exchange: Exchange) -> bool:
        host, _, port = exchange.target.rpartition(":")
        far = socket.create_connection((host, int(port)))
        exchange.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=carry, args=(far, exchange.sock, carried))
        back.start()
        carry(exchange.sock, far, carried)
        back.join()
        far.close()
        return False

    return script


def carry(source: socket.socket, target: socket.socket, carried: list[bytes]) -> None:
    """Pass bytes on until one side ends."""
    try:
        while block := source.recv(65536):
            carried.append(block)
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of them has left


def forms(secret: str) -> list[bytes]:
    """A secret as it could be seen."""
    return [secret.encode(), base64.b64encode(f"user:{secret}".encode())]


def test_a_proxy_carries_https_without_seeing_the_credential(opened, canary, tls, ca_file) -> None:
    """It sees the host and its own password; the backend sees the credential, and no password of the proxy."""
    carried: list[bytes] = []
    canary.script = recording(carried)
    with fakeserver.serving(answer, tls) as server:
        proxy = f"http://user:{PASSWORD}@127.0.0.1:{canary.port}"
        backend = {
            "transport": {"ca_file": str(ca_file), "proxy": proxy},
            "middleware": [{"use": "bearer", "token": "env:CANARY"}],
        }
        mode = opened(settings(server.url, backend=backend))
        mode.call()
        mode.stream().text()
        mode.close()

        seen = b"".join(carried) + str([vars_of(exchange) for exchange in canary.exchanges]).encode()
        assert len(carried) > 4
        assert not any(form in seen for form in forms(KEY))
        assert not any(form in b"".join(carried) for form in forms(PASSWORD))
        assert {exchange.method for exchange in canary.exchanges} == {"CONNECT"}
        assert forms(PASSWORD)[1].decode() in canary.exchanges[0].headers["proxy-authorization"]
        assert [exchange.headers["authorization"] for exchange in server.exchanges] == [f"Bearer {KEY}"] * 2
        assert not any("proxy" in name for exchange in server.exchanges for name in exchange.headers)


def vars_of(exchange: Exchange) -> list[Any]:
    """All of a request."""
    return [exchange.method, exchange.target, exchange.headers, exchange.body]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_what_is_sent_in_clear_to_this_machine_goes_through_no_proxy(
    opened, server, canary, monkeypatch, variable, host
) -> None:
    """A credential may go to loopback in clear because it does not leave the machine; a proxy would take it away."""
    monkeypatch.setenv(variable, f"http://127.0.0.1:{canary.port}")
    url = server.url.replace("127.0.0.1", host)
    mode = opened(settings(url, backend={"middleware": [{"use": "bearer", "token": "env:CANARY"}]}))

    mode.call()

    assert server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"
    assert canary.accepted == 0
