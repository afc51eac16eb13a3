"""What is sent for a request, and the recorded answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jackfield.call import Attempt
from jackfield.http import Backend
from jackfield.models import CreateChatCompletionRequest
from jackfield.testing import make_call
from jackfield.wire import from_dict
from jackfield_anthropic import AnthropicProvider
from jackfield_anthropic.reader import MessagesReader

MESSAGES = [{"role": "user", "content": "Hello."}]
DATA = Path(__file__).parent / "data"
Sent = Callable[..., Any]


def encoded(settings: dict[str, Any] | None = None, call: dict[str, Any] | None = None, **fields: Any) -> Any:
    """The body that is sent for a request with these fields, and the attempt."""
    request = from_dict({"model": "m", "messages": MESSAGES, **fields}, CreateChatCompletionRequest)
    made = make_call(**(call or {}))
    made.attempts.append(Attempt(number=1, backend=Backend("b", "anthropic"), model="m"))
    http_request = AnthropicProvider(**(settings or {})).encode(request, made)
    return json.loads(http_request.body), made.attempts[0]


@pytest.fixture
def sent() -> Sent:
    """From settings, call and fields of a request to the body that is sent."""
    return lambda *args, **fields: encoded(*args, **fields)[0]


@pytest.fixture
def attempted() -> Sent:
    """The body, and the attempt."""
    return encoded


@pytest.fixture
def dropped() -> Sent:
    """The same with what cannot be said left out: the body, and what was left out."""

    def drop(settings: dict[str, Any] | None = None, **fields: Any) -> Any:
        body, attempt = encoded({**(settings or {}), "on_unsupported": "drop"}, **fields)
        return body, attempt.dropped

    return drop


@pytest.fixture
def read() -> Sent:
    """From the blocks in which a stream came to its chunks."""

    def read(*blocks: bytes, **settings: Any) -> list[Any]:
        reader = MessagesReader(2**20, **settings)
        chunks: list[Any] = []
        for block in blocks:
            if not reader.done:
                chunks += reader.feed(block)
        return chunks if reader.done else chunks + reader.end()

    return read


@pytest.fixture
def data() -> Callable[[str], bytes]:
    """The bytes of a recorded answer."""
    return lambda name: (DATA / name).read_bytes()
