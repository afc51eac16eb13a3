"""A credential is not sent in clear to another machine, and follows no change of the URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import jackfield
from both import settings
from jackfield.cli.root import root

BEARER = {"use": "bearer", "token": "env:CANARY"}
LAYERS = {
    "bearer": BEARER,
    "header": {"use": "header", "name": "x-api-key", "value": "env:CANARY"},
    "oauth2": {
        "use": "oauth2",
        "token_url": "https://login.example/token",
        "client_id": "id",
        "client_secret": "env:CANARY",
    },
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "sk-canary-0123456789")


@pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
@pytest.mark.parametrize("url", ["http://api.example/v1", "http://10.0.0.7:8000/v1", "http://127.0.0.1.example/v1"])
def test_a_backend_in_clear_with_a_credential_is_a_fault_of_the_configuration(layer: Any, url: str) -> None:
    """Whoever loads it is told, with the place of the URL, before any call: ``jackfield config validate`` too."""
    with pytest.raises(jackfield.ConfigError, match=r"backends\.main\.base_url.*in clear.*use https"):
        jackfield.Client(settings(url, backend={"middleware": [layer]}))


def test_the_command_that_validates_a_configuration_tells_it(tmp_path: Path) -> None:
    """With the line of the URL, before anything is sent."""
    path = tmp_path / "jackfield.toml"
    layer = '[[backends.main.middleware]]\nuse = "bearer"\ntoken = "env:CANARY"\n'
    path.write_text(f'[backends.main]\nprovider = "openai"\nbase_url = "http://api.example/v1"\n{layer}')

    done = CliRunner().invoke(root, ["config", "validate", "--config", str(path)])

    assert done.exit_code == 1
    assert f"{path}:3: backends.main.base_url: a credential must not be sent in clear" in done.stderr


@pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://localhost:1/v1", "http://[::1]:1/v1", "https://a.example/v1"]
)
def test_this_machine_itself_may_be_reached_in_clear(layer: Any, url: str) -> None:
    """Servers for development listen on loopback."""
    jackfield.Client(settings(url, backend={"middleware": [layer]})).close()


def test_a_backend_in_clear_without_a_credential_is_none() -> None:
    """A server in one's own network may need no key."""
    jackfield.Client(settings("http://10.0.0.7:8000/v1", backend={"middleware": [{"use": "retry"}]})).close()


def test_a_url_from_the_environment_is_checked_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault names the variable, so that a stray one is found."""
    monkeypatch.setenv("JACKFIELD__BACKENDS__MAIN__BASE_URL", "http://evil.example/v1")

    with pytest.raises(jackfield.ConfigError, match=r"JACKFIELD__BACKENDS__MAIN__BASE_URL.*in clear"):
        jackfield.Client(settings("https://api.example/v1", backend={"middleware": [BEARER]}))


def test_a_url_from_the_environment_moves_backend_and_credential_together(
    opened: Any, server: Any, canary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets the environment of the process is trusted; the origin that was in the file gets nothing."""
    monkeypatch.setenv("JACKFIELD__BACKENDS__MAIN__BASE_URL", server.url)
    mode = opened(settings(canary.url, backend={"middleware": [BEARER]}))

    mode.call()

    assert server.exchanges[0].headers["authorization"] == "Bearer sk-canary-0123456789"
    assert canary.accepted == 0


def test_each_backend_gets_its_own_credential_only(
    opened: Any, server: Any, canary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two backends in one client, called in turn over and over."""
    monkeypatch.setenv("OTHER", "sk-other-9876543210")
    configuration = settings(server.url, backend={"middleware": [BEARER]})
    configuration["backends"]["other"] = {
        "provider": "openai",
        "base_url": canary.url,
        "middleware": [{"use": "bearer", "token": "env:OTHER"}],
    }
    mode = opened(configuration)
    for model in ["main/m", "other/m"] * 3:
        mode.call(model=model)

    assert {exchange.headers["authorization"] for exchange in server.exchanges} == {"Bearer sk-canary-0123456789"}
    assert {exchange.headers["authorization"] for exchange in canary.exchanges} == {"Bearer sk-other-9876543210"}
