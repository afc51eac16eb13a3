"""A small server that speaks OpenAI's chat protocol on 127.0.0.1, for the examples of the documentation.

It answers with the last user message, in upper case where the model is called ``loud``. A model called ``busy`` is
answered with 503, one called ``missing`` with 404, and a wrong key with 401.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-test-0123456789"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
        """Print nothing."""

    def do_GET(self) -> None:
        """List the models."""
        models = [{"id": name, "object": "model", "created": 1, "owned_by": "test"} for name in ("quiet", "loud")]
        self._json(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        """Answer a chat completion."""
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        refusal = self._refusal(request["model"])
        if refusal is not None:
            status, code = refusal
            self._json(status, {"error": {"message": code, "type": "test", "param": None, "code": code}})
        elif request.get("stream"):
            self._stream(request)
        else:
            message = {"role": "assistant", "content": _reply(request), "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            self._json(200, {**_head(request, "chat.completion"), "choices": [choice], "usage": _usage(request)})

    def _refusal(self, model: str) -> tuple[int, str] | None:
        if self.headers.get("authorization") != f"Bearer {KEY}":
            return 401, "invalid_api_key"
        return {"busy": (503, "overloaded"), "missing": (404, "model_not_found")}.get(model)

    def _stream(self, request: dict[str, Any]) -> None:
        head = _head(request, "chat.completion.chunk")
        words = _reply(request).split(" ")
        texts = [words[0], *(f" {word}" for word in words[1:])]
        deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
        deltas += [({"content": text}, None) for text in texts]
        deltas += [({}, "stop")]
        chunks = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": f}]} for d, f in deltas]
        chunks.append({**head, "choices": [], "usage": _usage(request)})
        events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
        self._send(200, "text/event-stream", "".join(events).encode())

    def _json(self, status: int, value: Any) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-request-id", "req_test")
        self.end_headers()
        self.wfile.write(body)


def _head(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": 1, "model": request["model"]}


def _reply(request: dict[str, Any]) -> str:
    content = next(message["content"] for message in reversed(request["messages"]) if message["role"] == "user")
    text: str = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    return text.upper() if request["model"] == "loud" else text


def _usage(request: dict[str, Any]) -> dict[str, int]:
    words = len(_reply(request).split())
    return {"prompt_tokens": words, "completion_tokens": words, "total_tokens": 2 * words}


@contextmanager
def serving() -> Iterator[str]:
    """Serve on a free port while the context is open; its value is the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
