"""Media are not fetched: whatever URL stands in a message goes to the backend as it is, and nothing else happens."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from both import AsyncStream, SyncStream, settings
from fakeserver import DONE, completion, event, in_pieces, reply
from jackfield.models import CreateChatCompletionRequest
from jackfield.wire import from_dict

URLS = (Path(__file__).parent / "urls.txt").read_text(encoding="utf-8").splitlines()[1:]
"""Spellings of this machine, of private networks and of others' metadata, and other schemes."""


def urls(port: int) -> list[str]:
    """All of them, with the port of the canary."""
    return [url.replace("{port}", str(port)) for url in URLS]


def parts(kind: str, urls: list[str]) -> list[dict[str, Any]]:
    """Parts of a message with these URLs."""
    makers = {
        "image_url": lambda url: {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
        "file": lambda url: {"type": "file", "file": {"file_data": url, "filename": url}},
        "input_audio": lambda url: {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
        "video_url": lambda url: {"type": "video_url", "video_url": {"url": url}},
        "text": lambda url: {"type": "text", "text": f"Look at ![this]({url}) and <img src='{url}'>"},
    }
    return [makers[kind](url) for url in urls]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    """Every name that was looked up."""
    names: set[Any] = set()
    resolve = socket.getaddrinfo

    def record(host: Any, *args: Any, **options: Any) -> Any:
        names.add(host)
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", record)
    return names


def run(mode: Any, request: CreateChatCompletionRequest) -> None:
    """Make a call to its end."""
    answered = mode.call(request)
    if request.stream:
        (SyncStream(answered) if mode.name == "sync" else AsyncStream(mode, answered)).text()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", ["image_url", "file", "input_audio", "text", "video_url"])
def test_no_url_of_a_message_is_fetched(opened, server, canary, asked, kind, stream) -> None:
    """Of more than 60 URLs, asked and answered, none is fetched, looked up or changed on its way to the backend."""
    given = urls(canary.port)
    messages = [{"role": "user", "content": parts(kind, given)}]
    said = [*map(event, given), event(finish="stop"), DONE] if stream else completion(" ".join(given))
    server.script = in_pieces(said, 0.0) if stream else lambda exchange: exchange.send(reply(said))
    mode = opened(settings(server.url, middleware=[{"use": "logging", "content": True}, {"use": "retry"}]))
    request = from_dict({"model": "main/m", "messages": messages, "stream": stream}, CreateChatCompletionRequest)

    for _ in range(2):
        run(mode, request)

    assert len(given) > 60
    assert [exchange.json["messages"] for exchange in server.exchanges] == [messages] * 2
    assert canary.accepted == 0
    assert asked <= {"127.0.0.1"}
