"""A secret in a header: where it goes, and what a 401 does."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import ConfigError
from jackfield.flow import Run
from jackfield.http import HttpRequest
from jackfield.secret import Secret
from jackfield.testing import make_call, run_flow
from jackfield_auth import Bearer, Header

CANARY = "sk-canary-3e81f0"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A file with a key that can be rotated."""
    path = tmp_path / "key"
    path.write_text(CANARY)
    return path


def bearer(path: Path) -> Bearer:
    return Bearer(token=Secret(f"file:{path}"))


def test_bearer_sends_the_token(bench: Any, key: Path):
    """The request carries ``Authorization: Bearer`` and all that it had before."""
    bench.accepted = {f"Bearer {CANARY}"}

    assert bench.call(bearer(key)) == "200"
    assert bench.driver.requests[0].headers == {
        "content-type": "application/json",
        "authorization": f"Bearer {CANARY}",
    }
    assert bench.driver.requests[0].body == b"{}"


def test_header_sends_the_secret_under_its_name(bench: Any, key: Path):
    """Any name, in lower case, and a prefix."""
    bench.header, bench.accepted = "x-api-key", {f"Key {CANARY}"}

    assert bench.call(Header(name="X-Api-Key", value=Secret(f"file:{key}"), prefix="Key ")) == "200"
    assert bench.call(Header(name="x-api-key", value=Secret.of(f"Key {CANARY}"))) == "200"


def test_a_token_from_the_environment(bench: Any, monkeypatch: pytest.MonkeyPatch):
    """``env:`` is read in place, and once."""
    monkeypatch.setenv("SOME_KEY", CANARY)
    bench.accepted = {f"Bearer {CANARY}"}
    layer = Bearer(token=Secret("env:SOME_KEY"))

    assert bench.call(layer) == "200"
    monkeypatch.delenv("SOME_KEY")
    assert bench.call(layer) == "200"


def test_a_rotated_secret_is_read_again(bench: Any, key: Path):
    """After a 401 the new key is sent once, and kept; the first answer's connection is given back."""
    layer = bearer(key)
    bench.accepted = {f"Bearer {CANARY}"}
    bench.call(layer)
    key.write_text("sk-canary-rotated")
    bench.accepted = {"Bearer sk-canary-rotated"}

    assert bench.call(layer) == "200"
    assert bench.call(layer) == "200"
    assert bench.sent() == [f"Bearer {CANARY}"] * 2 + ["Bearer sk-canary-rotated"] * 2
    assert bench.all_released()


def test_a_secret_that_has_not_changed_is_not_sent_again(bench: Any, key: Path):
    """The 401 is the backend's word."""
    assert bench.call(bearer(key)) == "401"
    assert len(bench.sent()) == 1
    assert bench.all_released()


def test_a_refused_new_secret_is_not_read_a_third_time(bench: Any, key: Path):
    """One more try for each exchange, and no more."""
    layer = bearer(key)
    bench.call(layer)
    key.write_text("sk-canary-wrong-too")

    assert bench.call(layer) == "401"
    assert bench.sent() == [f"Bearer {CANARY}"] * 2 + ["Bearer sk-canary-wrong-too"]


def test_a_source_that_is_gone_leaves_the_backends_answer(bench: Any, key: Path):
    """When the secret cannot be read again, the 401 is returned."""
    layer = bearer(key)
    bench.call(layer)
    key.unlink()

    assert bench.call(layer) == "401"


def test_a_source_that_is_not_there_is_an_error(bench: Any, tmp_path: Path):
    """Nothing is sent without a credential."""
    with pytest.raises(ConfigError, match="secret file"):
        bench.call(bearer(tmp_path / "none"))

    assert bench.driver.requests == []


def test_a_secret_that_another_call_has_read_is_used_without_reading(key: Path):
    """Of two calls that both meet a 401, one reads the source."""
    layer = bearer(key)
    run_flow(layer.token.reveal())
    flow = layer.wrap_http(HttpRequest("POST", "https://api.example.com/v1"), _call_at("https://api.example.com"))
    first = next(flow)
    key.write_text("sk-canary-rotated")
    run_flow(layer.token.reveal(fresh=True))

    again = flow.send(_refused(first))

    assert isinstance(first, HttpRequest)
    assert not isinstance(again, Run)
    assert again.headers["authorization"] == "Bearer sk-canary-rotated"


def _call_at(url: str) -> Any:
    from jackfield.call import Attempt
    from jackfield.http import Backend, split_url

    call = make_call()
    call.attempts.append(Attempt(1, Backend("test", "test", split_url(url)[0]), "m"))
    return call


def _refused(request: HttpRequest) -> Any:
    from jackfield.drivers.scripted import ScriptedBody
    from jackfield.http import HttpResponse

    return HttpResponse(401, {}, request, ScriptedBody([]))


LAYERS = [
    Bearer(token=Secret.of(CANARY)),
    Header(name="x-api-key", value=Secret.of(CANARY)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example.net/v1",
        "https://api.example.com:8443/v1",
        "http://api.example.com/v1",
        "https://api.example.com.evil.net/v1",
        "https://example.com/v1",
        "http://127.0.0.1/v1",
    ],
)
def test_another_origin_gets_no_credential(bench: Any, layer: object, target: str):
    """Scheme, host and port must be the backend's; the error names both origins and no secret."""
    bench.provider.send_to = target

    with pytest.raises(ConfigError) as caught:
        bench.call(layer)

    assert bench.driver.requests == []
    assert "https://api.example.com" in str(caught.value)
    assert target.removesuffix("/v1") in str(caught.value)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize(
    "url", ["http://api.example.com", "http://10.0.0.7:8080", "http://localhost.example.com", "http://127.example.com"]
)
def test_no_credential_is_sent_in_clear(bench: Any, layer: object, url: str):
    """Plain http to another machine is refused, though it is the backend's origin."""
    bench.provider.base_url = url

    with pytest.raises(ConfigError, match="in clear"):
        bench.call(layer)

    assert bench.driver.requests == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:1234", "http://[::1]:80"])
def test_this_machine_itself_may_be_reached_in_clear(bench: Any, url: str):
    """Servers for development listen on loopback."""
    bench.provider.base_url = url
    bench.accepted = {f"Bearer {CANARY}"}

    assert bench.call(LAYERS[0]) == "200"


def test_a_provider_without_an_origin_gets_no_credential():
    """What runs in this process has no place to send one to."""
    from jackfield.call import Attempt
    from jackfield.http import Backend

    call = make_call()
    request = HttpRequest("POST", "https://api.example.com/v1")
    with pytest.raises(ConfigError, match="no backend"):
        next(LAYERS[0].wrap_http(request, call))

    call.attempts.append(Attempt(1, Backend("local", "local"), "m"))
    with pytest.raises(ConfigError, match="backend local at no origin"):
        next(LAYERS[0].wrap_http(request, call))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_no_repr_shows_a_credential(layer: object):
    """Neither the layer nor its settings show the value."""
    assert CANARY not in repr(layer)
    assert CANARY not in str(layer)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("name", value) for value in ("", "x key", "x:y", "x\ny", "größe", "Host", "content-length", 5, None)]
    + [("value", value) for value in ("env:KEY", CANARY, None)]
    + [("prefix", value) for value in ("Bearer\n", "ü", None, 3)],
)
def test_settings_of_header_are_checked(setting: str, value: Any):
    """A value that does not fit is refused by the setting's name, and not repeated: it may be a key."""
    settings: dict[str, Any] = {"name": "x-api-key", "value": Secret("env:KEY"), setting: value}

    with pytest.raises(ValueError, match=f"{setting}: expected") as caught:
        Header(**settings)

    assert CANARY not in str(caught.value)


def test_settings_of_bearer_are_checked():
    """A token that is no reference is refused without being repeated."""
    with pytest.raises(ValueError, match="token: expected a secret reference") as caught:
        Bearer(token=CANARY)  # type: ignore[arg-type]

    assert CANARY not in str(caught.value)
