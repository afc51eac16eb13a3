"""A scriptable HTTP server on 127.0.0.1 for the tests of the clients: a thread for each connection, raw bytes.

A script is a function of an ``Exchange``; it sends what it likes, when it likes. It answers request after request on a
connection until it returns False.
"""

from __future__ import annotations

import json
import selectors
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
DONE = b"data: [DONE]\n\n"


@attrs.define(eq=False)
class Exchange:
    """One request and the connection to answer it on."""

    server: Server
    sock: socket.socket
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body of the request."""
        return json.loads(self.body)

    def send(self, *blocks: bytes | float) -> None:
        """Send bytes; a number is a pause in seconds."""
        for block in blocks:
            if isinstance(block, bytes):
                self.sock.sendall(block)
            else:
                self.wait(block)

    def wait(self, seconds: float) -> None:
        """Let time pass, but not after the server was closed."""
        self.server.closing.wait(seconds)

    def closed_within(self, seconds: float) -> bool:
        """Whether the client closes the connection within so many seconds."""
        if not readable(seconds, self.sock):
            return False
        try:
            return not self.sock.recv(1)
        except OSError:
            return True

    def reset(self) -> None:
        """End the connection rudely."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def readable(seconds: float, *sources: Any) -> list[Any]:
    """What can be read within so many seconds: ``select.select`` without its fault at 1,024 open files."""
    with selectors.DefaultSelector() as selector:
        for source in sources:
            selector.register(source, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(seconds)]


Script = Callable[[Exchange], Any]


@attrs.define(eq=False)
class Server:
    """A running server.

    Attributes:
        script: answers each request; may be replaced at any time.
        accepted: connections so far.
        exchanges: requests so far.
    """

    listener: socket.socket
    script: Script
    tls: ssl.SSLContext | None = None
    accepted: int = 0
    exchanges: list[Exchange] = attrs.field(factory=list)
    closing: threading.Event = attrs.field(factory=threading.Event)
    threads: list[threading.Thread] = attrs.field(factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    def accept(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            thread = threading.Thread(target=self.serve, args=(sock,))
            self.threads.append(thread)
            thread.start()

    def serve(self, sock: socket.socket) -> None:
        """Answer one connection."""
        try:
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (exchange := self.read(sock)) is not None:
                self.exchanges.append(exchange)
                if self.script(exchange) is False:
                    break
        except OSError:
            pass  # the client went away, which is its right
        finally:
            sock.close()

    def read(self, sock: socket.socket) -> Exchange | None:
        """The next request, or None when there is none."""
        data = b""
        while b"\r\n\r\n" not in data:
            while not readable(0.05, sock) and not getattr(sock, "pending", int)():
                if self.closing.is_set():
                    return None
            block = sock.recv(65536)
            if not block:
                return None
            data += block
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += sock.recv(65536)
        return Exchange(self, sock, method, target, headers, body)


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server while the context is open; all its threads have ended afterwards."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = Server(listener, script, tls)
    acceptor = threading.Thread(target=server.accept)
    acceptor.start()
    try:
        yield server
    finally:
        server.closing.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for thread in server.threads:
            thread.join()


# -- what a service says ----------------------------------------------------------------------------------------------


def reply(body: bytes | Any, status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer; what is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}content-length: {len(content)}\r\n\r\n".encode() + content


def completion(text: str = "hi", model: str = "m") -> dict[str, Any]:
    """A response."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model}
    return {**head, "choices": [choice], "usage": USAGE}


def event(text: str | None = None, *, finish: str | None = None, **fields: Any) -> bytes:
    """An event with a chunk."""
    delta = {} if text is None else {"content": text}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunk |= {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


EVENTS = [event("a"), event("b"), event("c"), event(finish="stop"), event(choices=[], usage=USAGE), DONE]
"""A whole stream that says ``abc``."""
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunked(block: bytes) -> bytes:
    """A block in the chunked coding; an empty one ends the body."""
    return f"{len(block):x}\r\n".encode() + block + b"\r\n"


def answer(exchange: Exchange) -> None:
    """What a good service does: the last message comes back, whole or as a stream; or a list of models."""
    if exchange.method == "GET":
        exchange.send(reply({"object": "list", "data": [{"id": "m", "object": "model"}]}))
    elif exchange.json.get("stream"):
        exchange.send(STREAM_HEAD + b"".join(chunked(block) for block in [*EVENTS, b""]))
    else:
        exchange.send(reply(completion(exchange.json["messages"][-1]["content"]), x_request_id="req-1"))


def in_pieces(events: list[bytes], gap: float, *, end: bool = True) -> Script:
    """A stream, event by event; without ``end`` the connection is closed in the middle."""

    def script(exchange: Exchange) -> bool:
        exchange.send(STREAM_HEAD)
        for block in events:
            exchange.send(chunked(block), gap)
        if end:
            exchange.send(chunked(b""))
        return end

    return script


def stuck_after(*events: bytes) -> tuple[Script, list[float]]:
    """A stream that goes silent after these events, and how long it then took until the client closed it, in time."""
    seen: list[float] = []

    def script(exchange: Exchange) -> bool:
        exchange.send(STREAM_HEAD + b"".join(map(chunked, events)))
        before = time.monotonic()
        while not exchange.closed_within(0.02) and not exchange.server.closing.is_set():
            pass
        seen.append(time.monotonic() - before)
        return False

    return script, seen
