"""No redirect is ever followed, by either client: neither prompt nor credential reaches the target."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

import fakeserver
import jackfield
from both import settings
from fakeserver import Script, answer, reply

STATUSES = ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
SECRET_PATH = "/v1/where-it-leads?ticket=t-51"


def ask_all(mode: Any, credential: Any) -> list[Any]:
    """The errors of a whole answer, a stream and, where a call has no headers of its own, a list of models."""
    asks = [mode.call, mode.stream] + ([] if credential.fields else [lambda: mode.models("main")])
    errors = []
    for ask in asks:
        with pytest.raises(jackfield.UnexpectedRedirectError) as caught:
            ask(**credential.fields)
        errors.append(caught.value)
    return errors


def redirect(status: str, location: str) -> Script:
    """A server that always redirects."""
    return lambda exchange: exchange.send(reply(b"", status, location=location))


def told(error: BaseException) -> str:
    """All that is shown of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


@pytest.mark.parametrize("target", ["other", "same", "relative", "scheme-relative"])
def test_the_target_of_a_redirect_sees_nothing(opened, server, canary, credential, target) -> None:
    """One request a call, at the backend; none at the target, of which no more than the host is told."""
    location = {
        "other": canary.url + SECRET_PATH,
        "same": server.url + SECRET_PATH,
        "relative": SECRET_PATH,
        "scheme-relative": f"//127.0.0.1:{canary.port}{SECRET_PATH}",
    }[target]
    host = "the same host" if target == "relative" else "127.0.0.1"
    mode = opened(settings(server.url + credential.query, backend=credential.backend))
    for status in STATUSES:
        server.exchanges.clear()
        server.script = redirect(status, location)

        errors = ask_all(mode, credential)

        assert {error.message for error in errors} == {f"HTTP {status[:3]}: redirect to {host} not followed"}
        assert {len(error.attempts) for error in errors} == {1}
        assert not any("ticket" in told(error) or credential.value in told(error) for error in errors)
        assert len(server.exchanges) == len(errors)
        assert all(credential.value in f"{exchange.headers}{exchange.target}" for exchange in server.exchanges)
    assert canary.accepted == 0


def test_no_redirect_leads_from_https_to_http(opened, canary, credential, tls, ca_file) -> None:
    """A server that answers over TLS cannot have the credential sent again in clear."""
    with fakeserver.serving(answer, tls) as server:
        backend = {**credential.backend, "transport": {"ca_file": str(ca_file)}}
        mode = opened(settings(server.url + credential.query, backend=backend))
        asked = 0
        for status in STATUSES:
            server.script = redirect(status, canary.url + SECRET_PATH)
            asked += len(ask_all(mode, credential))
        mode.close()

        assert len(server.exchanges) == asked
        assert canary.accepted == 0


@pytest.mark.parametrize("client_auth", ["basic", "body"])
def test_a_token_endpoint_cannot_send_the_client_secret_on(
    opened, server, canary, issuer, monkeypatch, client_auth
) -> None:
    """Its redirects are not followed either, and the request itself is not sent."""
    monkeypatch.setenv("CANARY", "client-5ecret-0123456789")
    layer = {"use": "oauth2", "token_url": f"{issuer.url}/token", "client_id": "id", "client_secret": "env:CANARY"}
    mode = opened(settings(server.url, backend={"middleware": [{**layer, "client_auth": client_auth}]}))
    for status in STATUSES:
        issuer.script = redirect(status, canary.url + SECRET_PATH)

        with pytest.raises(jackfield.UnexpectedRedirectError, match=r"redirect to 127\.0\.0\.1 not followed") as caught:
            mode.call()

        assert "5ecret" not in told(caught.value)
    assert (len(issuer.exchanges), len(server.exchanges), canary.accepted) == (len(STATUSES), 0, 0)
