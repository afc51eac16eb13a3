"""What gets out, and what cannot be steered: no key, no place, no word of a prompt where it does not belong."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

import attrs
import pytest

from jackfield import hookimpl
from jackfield.testing.faults import FaultServer
from jackfield_gateway.ring import digest

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hello"}]
BODY = {"model": "fast", "messages": MESSAGES}
BACKEND_KEY = "sk-" + "Zk3" * 12


def bearer(token: str) -> dict[str, str]:
    """The header with a key."""
    return {"authorization": f"Bearer {token}"}


@attrs.define(eq=False)
class Blurts:
    """Fails with what it was asked."""

    _how: str = attrs.field(default="error")

    @hookimpl
    def create_chat_completion(self, request, call):
        """Raise it."""
        text = request.messages[-1].content
        try:
            raise KeyError(text)
        except KeyError as error:
            raise RuntimeError(f"{text}\nforged: line") from error


def everything(ask, key: dict[str, str]) -> list[str]:
    """All that the gateway tells of its calls."""
    told = [ask("/metrics", headers=key), ask("/inspector/calls", headers=key), ask("/inspector/about", headers=key)]
    told += [ask(f"/inspector/calls/{one['id']}", headers=key) for one in json.loads(told[1].body)["calls"]]
    assert all(one.status == 200 for one in told)
    return [one.body.decode() + repr(one.headers) for one in told]


def test_no_key_is_told_anywhere(gateway, service, keys, monkeypatch, caplog):
    """Neither the client's nor the backend's: in answers, headers, inspector, metrics and log.

    Clients are not told where the backend is, either; who may inspect is.
    """
    monkeypatch.setenv("BACKEND_KEY", BACKEND_KEY)
    caplog.set_level(logging.DEBUG)
    token = keys.make(inspect=True)
    key, url = bearer(token), f"{service.url}/v1"
    backend = {"provider": "openai", "base_url": url, "middleware": [{"use": "bearer", "token": "env:BACKEND_KEY"}]}
    ask = gateway(keys.settings, backends={"b": backend, "gone": {**backend, "base_url": "http://127.0.0.1:9/v1"}})
    models = ["fast", "b/echo-key", "b/status?code=500", "b/cut", "b/error", "b/reset", "b/html", "gone/x", "b/nothing"]
    told: list[str] = []
    for model in models:
        for stream in (False, True):
            answer = ask(CHAT, {"model": model, "messages": MESSAGES, "stream": stream}, headers=key)
            told.append(answer.body.decode() + repr(answer.headers))
    for path in ("/v1/models", "/v1/models/fast", "/readyz", "/nowhere"):
        answer = ask(path, headers=key)
        told.append(answer.body.decode() + repr(answer.headers))
    assert service.ledger.keys[f"Bearer {BACKEND_KEY}"] >= len(models)
    for text in told:
        assert urlsplit(service.url).netloc not in text
        assert "127.0.0.1:9" not in text
    for text in [*told, *everything(ask, key), caplog.text]:
        assert token not in text
        assert digest(token) not in text
        assert BACKEND_KEY not in text
    assert caplog.records


@pytest.mark.parametrize("stream", [False, True])
def test_the_log_has_no_text_of_foreign_errors(gateway, caplog, stream):
    """It tells which error it was and where, and a prompt cannot write lines of its own."""
    caplog.set_level(logging.DEBUG)
    ask = gateway(backends={"x": {"provider": "blurts"}}, models={}, plugins={"blurts": Blurts})
    secret = "the patient's name is Ann"
    told = ask(CHAT, {"model": "x/a", "messages": [{"role": "user", "content": secret}], "stream": stream})
    assert (told.status, told.error["code"]) == (500, "internal_error")
    assert secret not in told.body.decode()
    assert secret not in caplog.text
    assert "forged" not in caplog.text
    (line,) = [one.getMessage() for one in caplog.records if told.headers["x-request-id"] in one.getMessage()]
    assert "RuntimeError" in line
    assert "KeyError" in line
    assert "create_chat_completion" in line
    assert "\n" not in line


def test_no_header_of_a_client_goes_on(gateway, service):
    """Only the body does: cookies, credentials and words for proxies stay here."""
    sent = {
        "cookie": "a=b",
        "authorization": "Bearer sk-of-the-client",
        "x-api-key": "sk-of-the-client",
        "openai-organization": "org-evil",
        "openai-project": "proj-evil",
        "x-forwarded-host": "evil.example",
        "x-stainless-helper-method": "evil",
        "idempotency-key": "evil",
        "user-agent": "evil",
        "x-evil": "evil",
    }
    assert gateway()(CHAT, BODY, headers=sent).status == 200
    (received,) = service.ledger.requests
    assert not [value for value in received.headers.values() if "evil" in value or "sk-of" in value or value == "a=b"]


@pytest.mark.parametrize("field", ["metadata", "user", "safety_identifier", "seed", "x_own"])
def test_fields_that_steer_nothing_pass(gateway, service, field):
    """As the client gave them."""
    value = {"metadata": {"a": "b"}, "seed": 1, "x_own": [1, {"base_url": "x"}]}.get(field, "u")
    assert gateway()(CHAT, {**BODY, field: value}).status == 200
    assert json.loads(service.ledger.requests[-1].body)[field] == value


@pytest.fixture
def other() -> Iterator[FaultServer]:
    """A server that nobody is to ask."""
    with FaultServer() as server:
        yield server
        assert not server.ledger.connections


def test_addresses_in_messages_are_never_fetched(gateway, service, other):
    """Of pictures, files and sounds: they go to the service as they are."""
    address = f"{other.url}/picture.png"
    parts = [
        {"type": "text", "text": address},
        {"type": "image_url", "image_url": {"url": address}},
        {"type": "file", "file": {"file_data": address, "filename": "a"}},
        {"type": "input_audio", "input_audio": {"data": address, "format": "wav"}},
    ]
    told = gateway()(CHAT, {"model": "fast", "messages": [{"role": "user", "content": parts}]})
    assert told.status == 200
    assert json.loads(service.ledger.requests[-1].body)["messages"][0]["content"] == parts


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1/models/none", f"{CHAT}/none", "/healthz", "/", "/page/none", "/metrics"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "TRACE", "PUT"])
def test_each_answer_has_an_id(gateway, path, method):
    """By which people find it again, whatever it is."""
    ask = gateway()
    ids = {ask(path, method=method).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(one.startswith("req_") for one in ids)
