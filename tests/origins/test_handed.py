"""What a plugin is handed, and what reaches the logs: no credential of a backend, and no prompt unasked."""

from __future__ import annotations

import logging
from typing import Any

import attrs
import pytest

from both import ASK, settings
from jackfield import hookimpl
from jackfield.models import CreateChatCompletionRequest
from jackfield.testing.leaks import leaks
from jackfield.wire import from_dict

PROMPT = "prompt-canary-5a1t-and-pepper"


def reach(value: Any, depth: int = 8, seen: set[int] | None = None) -> str:
    """All texts that can be reached from a value by its attributes and items."""
    seen = set() if seen is None else seen
    if depth == 0 or id(value) in seen:
        return ""
    seen.add(id(value))
    if isinstance(value, str | bytes | int | float | None):
        return f"{value!r}\n"
    inner = (
        [*value.items()] if isinstance(value, dict) else list(value) if isinstance(value, list | tuple | set) else []
    )
    names = [*getattr(value, "__dict__", ()), *(name for kind in type(value).__mro__ for name in _slots(kind))]
    inner += [getattr(value, name, None) for name in names]
    return repr(value) + "\n" + "".join(reach(one, depth - 1, seen) for one in inner)


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def spy(handed: list[str]) -> type:
    """A middleware that keeps all that it is handed, in every hook."""

    @attrs.define(eq=False)
    class Spy:
        @hookimpl
        def wrap_chat_completion(self, request: Any, call: Any) -> Any:
            handed.append(reach(request) + reach(call))
            response = yield request
            handed.append(reach(response) + reach(call))
            return response

        @hookimpl
        def wrap_http(self, http_request: Any, call: Any) -> Any:
            handed.append(reach(http_request) + reach(call))
            response = yield http_request
            handed.append(reach(call) + repr(response) + reach(dict(response.headers)))
            return response

        @hookimpl
        def on_chunk(self, chunk: Any, call: Any) -> Any:
            handed.append(reach(chunk) + reach(call))
            return [chunk]

    return Spy


@pytest.mark.parametrize("use", ["bearer", "header", "oauth2"])
def test_a_plugin_is_handed_no_credential_of_a_backend(opened, server, issuer, key, use) -> None:
    """A layer of the host, or one listed before the auth layer, sees neither key nor token, whatever hook it has."""
    layer = {
        "bearer": {"use": "bearer", "token": "env:CANARY"},
        "header": {"use": "header", "name": "x-api-key", "value": "env:CANARY"},
        "oauth2": {"use": "oauth2", "token_url": f"{issuer.url}/t", "client_id": "id", "client_secret": "env:CANARY"},
    }[use]
    handed: list[str] = []
    configuration = settings(
        server.url, backend={"middleware": [{"use": "spy"}, layer]}, middleware=[{"use": "spy"}, {"use": "retry"}]
    )
    mode = opened(configuration, {"spy": spy(handed)})

    mode.call()
    mode.stream().text()

    text = "".join(handed)
    assert len(handed) > 16
    assert "hello" in text
    assert any(key in str(exchange.headers) or "token-canary" in str(exchange.headers) for exchange in server.exchanges)
    assert leaks(text, key) == []
    assert leaks(text, "token-canary-0r1g1n5-9876543210") == []


def test_neither_prompt_nor_key_is_in_a_log_at_any_level(opened, server, key, caplog) -> None:
    """Of jackfield, urllib3, aiohttp and asyncio, all at DEBUG; the logging plugin is on and says nothing of content."""
    layers = [{"use": "bearer", "token": "env:CANARY"}]
    mode = opened(settings(server.url, backend={"middleware": layers}, middleware=[{"use": "logging"}]))
    messages = [{"role": "user", "content": PROMPT}]
    request = from_dict({"model": "main/m", "messages": messages}, CreateChatCompletionRequest)
    with caplog.at_level(logging.DEBUG):
        for name in ("urllib3", "aiohttp.client", "aiohttp.internal", "asyncio", "jackfield"):
            caplog.set_level(logging.DEBUG, name)
        mode.call(request)
        mode.stream().text()
    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)

    assert "main" in logged
    assert leaks(logged, PROMPT) == []
    assert leaks(logged, key) == []
    assert leaks(logged, ASK[0]["content"], slice_length=5) == []
