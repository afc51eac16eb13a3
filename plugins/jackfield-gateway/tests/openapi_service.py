"""What answers behind the gateway while it is fuzzed: correct completions and streams; it notes what it should not get."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
TOKEN = {"token": "blue", "logprob": -0.5, "bytes": [98], "top_logprobs": []}


class Service(ThreadingHTTPServer):
    """A service that speaks OpenAI's protocol.

    Attributes:
        received: how many completions it was asked for.
        streamed: how many of them as a stream.
        faults: what was wrong with requests.
    """

    daemon_threads = True
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received = self.streamed = 0
        self.faults: list[str] = []
        self.numbers = itertools.count(1)

    @property
    def url(self) -> str:
        """The base URL, with ``/v1``."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def serving() -> Iterator[Service]:
    """A service that runs."""
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()


def fault(path: str, headers: Any, body: bytes) -> str | None:
    """What is wrong with a request for a completion; None where nothing is."""
    if path != "/v1/chat/completions":
        return f"asked for {path}"
    if headers["content-type"] != "application/json":
        return f"content type {headers['content-type']}"
    if headers["authorization"] is not None:
        return "a key came through"
    try:
        request = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except ValueError as error:
        return f"no JSON: {error}: {body[:200]!r}"
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
        return f"no request: {body[:200]!r}"
    return None if isinstance(request.get("model"), str) else "no model"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice")
    return dict(pairs)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Service

    def log_message(self, *_: Any) -> None:
        """Nothing is written."""

    def do_GET(self) -> None:
        listed = {"object": "list", "data": [{"id": "ok", "object": "model", "created": 1, "owned_by": "tests"}]}
        self._send("application/json", json.dumps(listed).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if (wrong := fault(self.path, self.headers, body)) is not None:
            self.server.faults.append(wrong)
        request = json.loads(body)
        self.server.received += 1
        about = {"id": f"chatcmpl-{next(self.server.numbers)}", "created": 1, "model": str(request.get("model"))}
        if request.get("stream") is True:
            self.server.streamed += 1
            events = [json.dumps({**about, **one}).encode() for one in _chunks(request)] + [b"[DONE]"]
            self._send("text/event-stream", b"".join(b"data: " + one + b"\n\n" for one in events))
        else:
            self._send("application/json", json.dumps({**about, **_whole(request)}).encode())

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _whole(request: dict[str, Any]) -> dict[str, Any]:
    called = bool(request.get("tools"))
    message = {"role": "assistant", "content": None if called else "blue", "refusal": None}
    message |= {"tool_calls": [CALL]} if called else {}
    logprobs = {"content": [TOKEN], "refusal": None} if request.get("logprobs") is True else None
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "tool_calls" if called else "stop"}
    return {"object": "chat.completion", "choices": [choice], "usage": USAGE}


def _chunks(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    called = bool(request.get("tools"))
    piece = {"tool_calls": [{"index": 0, **CALL}]} if called else {"content": "blue"}
    for delta, end in (
        ({"role": "assistant", "content": ""}, None),
        (piece, None),
        ({}, "tool_calls" if called else "stop"),
    ):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
        yield {"object": "chat.completion.chunk", "choices": [choice]}
    options = request.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage") is True:
        yield {"object": "chat.completion.chunk", "choices": [], "usage": USAGE}
