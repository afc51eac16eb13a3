"""Names and fields that a user chooses change neither where a request goes nor what jackfield does."""

from __future__ import annotations

from typing import Any

import pytest

from both import settings
from jackfield.models import CreateChatCompletionRequest
from jackfield.wire import from_dict

NAMES = [
    *("..", ".", "../files", "../../admin", "a/../b", "a/..", "..\\..\\x", "%2e%2e/files", "%2e%2e%2ffiles", "..%00/"),
    *("\u2024\u2024/files", "\uff0e\uff0e\uff0ffiles", "a\x00b", "CON", "NUL", "aux.txt", "x" * 5000),
    *("?api-version=1", "#fragment", "m?x=y#z", "m;v=1", "m&x=y", "m HTTP/1.1", "m\r\nx-evil: 1", "m\nHost: evil"),
    *("//evil.example/m", "https://evil.example/m", "@evil.example", "$HOME", "${HOME}", "`id`", "$(id)", "{{7*7}}"),
    *("%s%s%n", "{0.__class__}", "<script>", "'; DROP TABLE", "env:CANARY", "file:/etc/passwd", "command:id", "\u202e"),
]
ROUTES = [
    "base_url",
    "api_base",
    "api_key",
    "headers",
    "extra_headers",
    "proxy",
    "provider",
    "middleware",
    "timeout",
    "url",
]


@pytest.mark.parametrize("name", NAMES, ids=[f"{number}" for number in range(len(NAMES))])
def test_the_name_of_a_model_is_no_part_of_a_url(opened, server, name) -> None:
    """It arrives as it is, in the body; the request line is that of every other call."""
    mode = opened(settings(server.url))

    mode.call(model=f"main/{name}")

    (exchange,) = server.exchanges
    assert (exchange.method, exchange.target) == ("POST", "/v1/chat/completions")
    assert exchange.headers["host"] == f"127.0.0.1:{server.port}"
    assert exchange.json["model"] == name
    assert not any("evil" in text for pair in exchange.headers.items() for text in pair)


def test_no_field_of_a_request_chooses_where_it_goes(opened, server, canary) -> None:
    """A host may pass on what its users send: such a field is the backend's to judge, and steers nothing here."""
    mode = opened(settings(server.url))

    mode.call(extra_body=dict.fromkeys(ROUTES, canary.url))

    (exchange,) = server.exchanges
    assert {name: exchange.json[name] for name in ROUTES} == dict.fromkeys(ROUTES, canary.url)
    assert canary.url not in str(exchange.headers)
    assert canary.accepted == 0


def test_no_text_of_a_message_is_interpolated(opened, server, key) -> None:
    """References to secrets and variables mean something in a configuration, and nothing anywhere else."""
    texts = [
        *NAMES[-24:],
        "env:CANARY",
        "${CANARY}",
        "$CANARY",
        "os.environ/CANARY",
        "!!python/object/apply:os.getcwd []",
    ]
    messages = [{"role": "user", "name": "env:CANARY", "content": text} for text in texts]
    layers = [{"use": "bearer", "token": "env:CANARY"}]
    mode = opened(
        settings(server.url, backend={"middleware": layers}, middleware=[{"use": "logging", "content": True}])
    )

    mode.call(from_dict({"model": "main/m", "messages": messages, "user": "env:CANARY"}, CreateChatCompletionRequest))

    (exchange,) = server.exchanges
    assert exchange.json["messages"] == messages
    assert exchange.json["user"] == "env:CANARY"
    assert key not in exchange.body.decode()


@pytest.mark.usefixtures("key")
def test_no_setting_but_a_secret_is_a_reference(opened, server) -> None:
    """A header of the configuration, or a model's name, is sent as it stands there."""
    backend: dict[str, Any] = {"headers": {"x-title": "env:CANARY"}, "organization": "${CANARY}"}
    mode = opened(settings(server.url, backend=backend, models={"fast": "main/env:CANARY"}))

    mode.call(model="fast")

    (exchange,) = server.exchanges
    assert exchange.headers["x-title"] == "env:CANARY"
    assert exchange.headers["openai-organization"] == "${CANARY}"
    assert exchange.json["model"] == "env:CANARY"
