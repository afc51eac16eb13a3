"""A local server with the chat completions endpoint, made to cost its clients as little as a real one could.

A raw asyncio protocol that sends bytes prepared beforehand over connections that are kept alive. What it answers is
chosen by the name of the model, see ``payloads``. Run as a program it prints ``READY <port>`` and ends when its
standard input does: ``python mock_server.py [--port 0] [--core 0]``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import sys
from functools import lru_cache
from itertools import cycle, islice
from typing import Any

from payloads import ANSWER, KEY, WORDS, Shape, parse_model

PATH = b"POST /v1/chat/completions "
CREATED = 1_760_000_000
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model" *: *"([^"]*)"')
_AUTHORIZATION = re.compile(rb"\r\nauthorization: *Bearer " + KEY.encode() + rb"\r\n", re.IGNORECASE)
BLOCK = 16 * 1024
"""Bytes of one HTTP chunk that holds many events."""

HEADERS = b"".join(
    b"%s: %s\r\n" % header
    for header in (
        (b"date", b"Thu, 09 Oct 2025 08:53:20 GMT"),
        (b"server", b"mock"),
        (b"connection", b"keep-alive"),
        (b"x-request-id", b"req_0123456789abcdef0123456789abcdef"),
        (b"openai-processing-ms", b"412"),
        (b"openai-version", b"2020-10-01"),
        (b"x-ratelimit-limit-requests", b"10000"),
        (b"x-ratelimit-limit-tokens", b"2000000"),
        (b"x-ratelimit-remaining-requests", b"9999"),
        (b"x-ratelimit-remaining-tokens", b"1999950"),
        (b"x-ratelimit-reset-requests", b"6ms"),
        (b"x-ratelimit-reset-tokens", b"1ms"),
    )
)


def document(status: bytes, value: Any) -> bytes:
    """A whole HTTP response with a JSON body."""
    body = json.dumps(value, separators=(",", ":")).encode()
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (status, len(body))
    return head + HEADERS + b"\r\n" + body


def answer() -> bytes:
    """The response to a call that is not streamed."""
    usage = {
        "prompt_tokens": 31,
        "completion_tokens": 40,
        "total_tokens": 71,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    message: dict[str, Any] = {"role": "assistant", "content": ANSWER, "refusal": None, "annotations": []}
    value = {
        "id": "chatcmpl-0123456789abcdef01234567",
        "object": "chat.completion",
        "created": CREATED,
        "model": "mock",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage,
        "system_fingerprint": "fp_0123456789",
    }
    return document(b"200 OK", value)


def error(status: bytes, message: str) -> bytes:
    """An error response in OpenAI's form."""
    return document(status, {"error": {"message": message, "type": "invalid_request", "param": None, "code": None}})


def event(delta: dict[str, Any], finish_reason: str | None, size: int) -> bytes:
    """One server-sent event of ``size`` bytes with its blank line, filled up by the field that servers fill it with."""
    chunk = {
        "id": "chatcmpl-0123456789abcdef01234567",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": "mock",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        "obfuscation": "",
    }
    bare = len(json.dumps(chunk, separators=(",", ":"))) + len("data: \n\n")
    chunk["obfuscation"] = "x" * max(size - bare, 0)
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def events(shape: Shape) -> list[bytes]:
    """All events of a stream, ``[DONE]`` not among them."""
    role = event({"role": "assistant", "content": ""}, None, shape.size)
    words = [event({"content": word}, None, shape.size) for word in WORDS]
    stop = event({}, "stop", shape.size)
    middle = islice(cycle(words), max(shape.events - 2, 0))
    return [role, *middle, stop][: shape.events]


def http_chunk(data: bytes) -> bytes:
    """Frame data for a body of unknown length (RFC 9112, section 7.1)."""
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n%s\r\n" % HEADERS
LAST = http_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


@lru_cache(maxsize=64)
def prepared(shape: Shape) -> list[bytes]:
    """The writes that make up the response: one, or as many as the pace wants."""
    if shape.kind == "answer":
        return [answer()]
    parts = events(shape)
    if shape.kind == "held":
        return [STREAM_HEAD + http_chunk(parts[0])]
    if shape.kind == "paced":
        first, *rest = map(http_chunk, parts)
        return [STREAM_HEAD + first, *rest[:-1], rest[-1] + LAST]
    if shape.kind == "single":
        return [STREAM_HEAD + b"".join(map(http_chunk, parts)) + LAST]
    many = max(BLOCK // shape.size, 1)
    blocks = [http_chunk(b"".join(parts[start : start + many])) for start in range(0, len(parts), many)]
    return [STREAM_HEAD + b"".join(blocks) + LAST]


class Connection(asyncio.Protocol):
    """One connection; requests on it are answered one after another."""

    def __init__(self) -> None:
        self.buffer = b""
        self.transport: asyncio.Transport
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what the answers are written to."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Stop a paced stream that nobody reads any more."""
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are complete."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self.buffer, 0, end)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < size:
                return
            request, self.buffer = self.buffer[:size], self.buffer[size:]
            self.respond(request, end + 2)

    def respond(self, request: bytes, head: int) -> None:
        """Answer one request; ``head`` is the length of its head with the last header's line end."""
        if not request.startswith(PATH):
            self.transport.write(error(b"404 Not Found", "no such path"))
            return
        if not _AUTHORIZATION.search(request, 0, head):
            self.transport.write(error(b"401 Unauthorized", "the bearer token is missing or wrong"))
            return
        model = _MODEL.search(request, head)
        try:
            shape = parse_model(model[1].decode() if model else "")
        except ValueError as fault:
            self.transport.write(error(b"400 Bad Request", str(fault)))
            return
        writes = prepared(shape)
        self.transport.write(writes[0])
        if shape.rate:
            loop = asyncio.get_running_loop()
            self.timer = loop.call_at(loop.time() + 1 / shape.rate, self.paced, writes, 1, loop.time(), 1 / shape.rate)

    def paced(self, writes: list[bytes], index: int, start: float, step: float) -> None:
        """Send one event and call again when the next is due; due times do not drift."""
        self.transport.write(writes[index])
        index += 1
        if index < len(writes):
            when = start + index * step
            self.timer = asyncio.get_running_loop().call_at(when, self.paced, writes, index, start, step)


async def serve(port: int) -> None:
    """Serve on 127.0.0.1 until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", port, backlog=4096)
    ended = asyncio.Event()

    def drain() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            ended.set()

    loop.add_reader(sys.stdin.fileno(), drain)
    sys.stdout.write(f"READY {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await ended.wait()
    server.close()


def main() -> None:
    """Run the server as a program."""
    parser = argparse.ArgumentParser(description="A mock of the chat completions endpoint, for benchmarks.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--core", type=int, default=None, help="processor to run on (Linux)")
    options = parser.parse_args()
    if options.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(options.port))


if __name__ == "__main__":
    main()
