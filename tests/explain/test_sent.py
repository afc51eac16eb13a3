"""What is explained is what is sent: the same configuration explained, and called against a server that listens."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import jackfield
from fakeserver import completion, reply, serving
from jackfield.config.load import load
from jackfield.explain.explain import explain
from jackfield.explain.views import HttpView
from jackfield.registry import Registry

CANARY = "sk-canary-sent-0123456789"
ANSWERS = {
    "anthropic": {"type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"},
    "gemini": {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]},
}
MIDDLEWARE = {
    "bearer": {"use": "bearer", "token": "env:SENT_KEY"},
    "header": {"use": "header", "name": "x-api-key", "value": "env:SENT_KEY"},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "openai": {"organization": "o-1"},
    "azure": {"api_version": "2024-10-21"},
    "anthropic": {"betas": ["b-1"]},
    "gemini": {"include_thoughts": True},
}
FIELDS: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Ünïcode 👋"}],
    "temperature": 0.5,
    "max_completion_tokens": 9,
}


def config(provider: str, layer: str, base_url: str) -> dict[str, Any]:
    backend = {"provider": provider, "base_url": f"{base_url}?v=1", "headers": {"x-team": "blue"}, **SETTINGS[provider]}
    backend["middleware"] = [MIDDLEWARE[layer]]
    return {"default_model": "fast", "models": {"fast": "main/a model"}, "backends": {"main": backend}}


def explained(configuration: dict[str, Any], **fields: Any) -> HttpView:
    registry = Registry(None)
    loaded = load(configuration, environ={}, installed=registry)
    request = explain(loaded, registry, None, FIELDS | fields).rehearsal.request
    assert request is not None
    return request


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("layer", [*MIDDLEWARE])
@pytest.mark.parametrize("provider", [*SETTINGS])
def test_what_is_explained_is_what_is_sent(provider: str, layer: str, stream: bool, monkeypatch: Any) -> None:
    """Method, target, headers and body; the credential by its reference, and the connection's own headers apart."""
    monkeypatch.setenv("SENT_KEY", CANARY)
    answer = reply(ANSWERS.get(provider, completion()))
    with serving(lambda exchange: exchange.send(answer)) as server:
        host = server.url.removesuffix("/v1")
        configuration = config(provider, layer, host if provider == "azure" else server.url)
        with jackfield.Client(configuration) as client:
            try:
                client.create_chat_completion(**FIELDS, stream=stream)
            except jackfield.InvalidResponseError:
                assert stream  # no stream was sent; what was asked is what counts
        told = explained(configuration, stream=stream)
        (exchange,) = server.exchanges

    assert told.method == exchange.method
    assert told.url == host + exchange.target
    assert told.body == exchange.json
    own = {"host", "content-length", "connection"}
    sent = {name: value for name, value in exchange.headers.items() if name not in own}
    assert CANARY in " ".join(sent.values())
    assert {name: value.replace("<env:SENT_KEY>", CANARY) for name, value in told.headers.items()} == sent


SOURCES = ("env:SENT_KEY", "file:{path}", "command:touch {path}.ran", "keyring:service/user")
TOUCHES = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "socket.__new__", "socket.connect"} | {
    "socket.getaddrinfo", "sqlite3.connect", "os.mkdir", "os.remove", "os.rename"
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.partition(":")[0])
@pytest.mark.parametrize("provider", [*SETTINGS])
def test_no_secret_is_read_and_nothing_is_touched(provider: str, source: str, monkeypatch: Any, tmp_path: Any) -> None:
    """No command, no network, and of the disk only Python's own modules; whatever kind of secret it is."""
    monkeypatch.setenv("SENT_KEY", CANARY)
    path = tmp_path / "key"
    path.write_text(CANARY)
    configuration = config(provider, "header", "https://api.example")
    configuration["backends"]["main"]["middleware"][0] = {**MIDDLEWARE["header"], "value": source.format(path=path)}
    seen: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and (event in TOUCHES or (event == "open" and str(tmp_path) in str(arguments[0]))):
            seen.append(f"{event} {arguments}")

    sys.addaudithook(hook)  # for good: there is no way to take it off again
    try:
        request = explained(configuration)
    finally:
        watching = False

    assert request.headers["x-api-key"] == f"<{source.format(path=path)}>"
    assert CANARY not in str(request)
    assert seen == []
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
