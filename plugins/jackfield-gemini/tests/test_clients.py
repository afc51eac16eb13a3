"""A conversation over real connections: both clients get recorded answers, and give them back as history."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from jackfield.testing import Reply
from jackfield.testing.contract.host import HOSTS

TOOL = {"type": "function", "function": {"name": "get_country", "description": ""}}
KEY = "canary-gemini-key"


class Recorded(ThreadingHTTPServer):
    """Gives recorded answers in order, block by block, and keeps what it was sent."""

    daemon_threads = True

    def __init__(self, replies: list[Reply]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = iter(replies)
        self.requests: list[tuple[str, str | None, Any]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorded

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, self.headers["x-goog-api-key"], json.loads(body)))
        reply = next(self.server.replies)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for block in reply.blocks:
            assert isinstance(block, bytes)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name for it
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Any]:
    """From replies to a server that gives them."""
    servers: list[Recorded] = []

    def start(replies: list[Reply]) -> Recorded:
        servers.append(Recorded(replies))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def config(server: Recorded) -> dict[str, Any]:
    """A configuration with the server as its only backend."""
    layer = {"use": "header", "name": "x-goog-api-key", "value": "env:GEMINI_API_KEY"}
    url = f"http://127.0.0.1:{server.server_port}/v1beta"
    return {
        "default_model": "g/gemini-3-pro-preview",
        "backends": {"g": {"provider": "gemini", "base_url": url, "middleware": [layer]}},
    }


def asked(*more: Any) -> dict[str, Any]:
    question = {"role": "user", "content": "What is the capital of the user country? Call the tool"}
    return {"messages": [question, *more], "tools": [TOOL], "stream": True}


def tool(message: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"return_value": "Mexico"}'}


@pytest.mark.parametrize("host", HOSTS)
def test_a_call_and_its_answer_go_back_with_the_signature(
    serve: Any, recorded: Any, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request has the part that came, byte for byte, and the key is in a header of each."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    exchanges = recorded("tools")
    server = serve([reply for _, reply in exchanges])

    with closing(HOSTS[host](config(server), {})) as client:
        first = client.ask(**asked()).response
        assert first is not None
        message = first.choices[0].message
        response = client.ask(**asked(message, tool(message))).response

    assert response is not None
    assert response.choices[0].message.content == "The capital of Mexico is Mexico City."
    paths, keys, bodies = zip(*server.requests, strict=True)
    assert set(paths) == {"/v1beta/models/gemini-3-pro-preview:streamGenerateContent?alt=sse"}
    assert set(keys) == {KEY}
    part = json.loads(exchanges[0][1].blocks[0][6:])["candidates"][0]["content"]["parts"][0]
    assert bodies[1]["contents"][1:] == [
        {"role": "model", "parts": [part]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "get_country", "response": {"return_value": "Mexico"}}}],
        },
    ]
