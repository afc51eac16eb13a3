"""Fixtures for all tests: servers with scripted answers, and an authority that signs their certificates."""

from __future__ import annotations

import gc
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from server import Script, Serve, Server, certified
from sites import Site


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a ``server.Server``; all of them are closed after the test."""
    servers: list[Server] = []

    def start(*scripts: Script, tls: ssl.SSLContext | None = None, opening: Script = ()) -> Server:
        servers.append(Server(*scripts, tls=tls, opening=opening))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's own certificate, as PEM."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's context with a certificate for 127.0.0.1 that the authority signed."""
    return certified(authority.issue_cert("127.0.0.1", "localhost"))


@pytest.fixture
def quick_collector() -> Iterator[None]:
    """The collector does not look through what thousands of tests before have left: that alone may take a second."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site, first on ``sys.path``; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Site(tmp_path)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(f"{tmp_path}/"):
            del sys.modules[name]
