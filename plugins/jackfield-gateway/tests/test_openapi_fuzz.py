"""The gateway against its own description: schemathesis asks whatever that allows, and much that it does not."""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jackfield_gateway import running
from jackfield_gateway.ring import digest, make_key, make_token
from jackfield_gateway.settings import GatewaySettings
from jackfield_gateway.store import store_of

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("gateway_openapi_service", HERE / "openapi_service.py")
service_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(service_module)
EXAMPLES = int(os.environ.get("JACKFIELD_FUZZ_EXAMPLES", "60"))
"""Cases of each operation in the phase that fuzzes; more for a longer run by hand."""
SEED = os.environ.get("JACKFIELD_FUZZ_SEED")
"""Of a run that draws others; without it each run draws the same."""
CHAT = "/v1/chat/completions"
THROUGH = {"model": "fast", "store": True}
LOOK = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}, "strict": True}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SCALARS: dict[str, Any] = {
    "frequency_penalty": -0.5, "logit_bias": {"5": -100}, "logprobs": True, "max_completion_tokens": 5, "max_tokens": 5,
    "metadata": {"a": "b"}, "modalities": ["text"], "n": 1, "parallel_tool_calls": True, "presence_penalty": 0.5,
    "prompt_cache_key": "k", "prompt_cache_retention": "24h", "reasoning_effort": "low", "safety_identifier": "s",
    "seed": 7, "service_tier": "auto", "stop": "x", "temperature": 0.5, "tool_choice": "auto", "top_logprobs": 1,
    "top_p": 0.5, "user": "u", "verbosity": "low",
}  # fmt: skip
REQUESTS: dict[str, dict[str, Any]] = {
    "scalars": {"messages": [{"role": "user", "content": "Hi"}], **SCALARS},
    "plain": {"messages": [{"role": "developer", "content": "Be short."}, {"role": "user", "content": "Hi"}]},
    "tools": {
        "messages": [
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "blue"}]},
        ],
        "tools": [{"type": "function", "function": LOOK}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": False,
    },
    "schema": {
        "messages": [{"role": "user", "content": "Which colour?"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "c", "schema": {"type": "object"}}},
        "logprobs": True,
        "top_logprobs": 2,
        "stop": ["\n"],
        "metadata": {"a": "b"},
        "stream_options": {"include_usage": True},
        "of_another_make": [{"deep": None}],
    },
    "media": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
                    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                    {"type": "of_another_make", "value": 1},
                ],
            }
        ]
    },
}
"""Requests as clients send them."""
SETTINGS = """\
hooks = {hooks}
max-stream-events = 1000
continue-on-failure = true
request-timeout = 30
warnings = false

[auth.openapi.key]
bearer = {token}

[generation]
deterministic = {fixed}
max-examples = {examples}
database = "none"
allow-x00 = true

[phases.stateful]
max-steps = 6

[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404]

# Of chat completions more is taken than is described: fields that are unknown pass by design, the type of a part may be
# left out where its key tells it, and what a backend refuses is the backend's to say.
[[operations]]
include-operation-id = "createChatCompletion"
[operations.checks.negative_data_rejection]
enabled = false

# In a query every value is a text, so that what is drawn as null or as a number for metadata is one too.
[[operations]]
include-operation-id = "listChatCompletions"
[operations.checks.negative_data_rejection]
enabled = false
"""


@pytest.fixture
def fuzzed(tmp_path):
    """A gateway that demands keys: its URL, a key, and the service behind it."""
    settings = GatewaySettings(keys="always", store=f"sqlite:{tmp_path / 'gateway.db'}")
    token = make_token()

    async def add() -> None:
        store = store_of(settings)
        await store.open()
        await store.add_key(make_key(token, "fuzz", inspect=True), digest(token))
        await store.close()

    asyncio.run(add())
    with service_module.serving() as service:
        backend = {"provider": "openai", "base_url": service.url}
        config = {"models": {"fast": "b/ok"}, "backends": {"b": backend}}
        with running(config, settings=settings) as url:
            yield url, token, service


def described(url: str) -> dict[str, Any]:
    """The description as the gateway gives it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("GET", "/openapi.json")
        document: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return document


def narrowed(document: dict[str, Any], *, stream: bool) -> dict[str, Any]:
    """The description, so told that what is drawn gets as far as the service, as a stream or not, and is stored.

    What a stream is made of has no words in OpenAPI 3.1; a check of ours reads it.
    """
    asked = document["components"]["schemas"]["CreateChatCompletionRequest"]
    asked["properties"] |= {"model": {"const": "fast"}, "store": {"const": True}, "stream": {"const": stream}}
    asked["required"] += ["store", "stream"]
    chat = document["paths"][CHAT]["post"]
    examples = {name: {"value": {**REQUESTS[name], **THROUGH, "stream": stream}} for name in REQUESTS}
    chat["requestBody"]["content"]["application/json"]["examples"] = examples
    del chat["responses"]["200"]["content"]["text/event-stream"]["schema"]
    return document


def ran(directory: Path, url: str, token: str, *, stream: bool) -> subprocess.CompletedProcess[str]:
    """Schemathesis against the gateway, with all its phases and checks; of streams, chat completions only."""
    hooks = json.dumps(str(HERE / "openapi_checks.py"))
    settings = SETTINGS.format(hooks=hooks, token=json.dumps(token), examples=EXAMPLES, fixed=json.dumps(not SEED))
    (directory / "openapi.json").write_text(json.dumps(narrowed(described(url), stream=stream)))
    (directory / "schemathesis.toml").write_text((f"seed = {SEED}\n" if SEED else "") + settings)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", "openapi.json"]
    arguments = ["--url", url, "--no-color", "--report", "ndjson", "--report-ndjson-path", "report.ndjson"]
    part = ["--include-operation-id", "createChatCompletion", "--phases", "examples,coverage,fuzzing"] if stream else []
    environment = {**os.environ, "GATEWAY_READY": f"{url}/readyz", "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [*command, *arguments, *part], env=environment, cwd=directory, capture_output=True, text=True, check=False
    )


@pytest.mark.long
@pytest.mark.parametrize("stream", [False, True])
def test_nothing_that_is_asked_breaks_the_gateway(fuzzed, tmp_path, stream):
    """No 5xx, no status, header or shape that is not described, no key ignored; the service gets nothing but JSON."""
    url, token, service = fuzzed
    told = ran(tmp_path, url, token, stream=stream)
    assert told.returncode == 0, told.stdout[-20_000:] + told.stderr[-5_000:]
    assert service.faults == []
    assert service.received >= EXAMPLES
    assert (service.streamed > service.received / 2) is stream
