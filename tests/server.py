"""A server on 127.0.0.1 whose answers are scripts: bytes, pauses, resets. One thread a connection.

A script is a sequence of steps, carried out in order for one request:

- ``bytes`` are sent as they are,
- a number is a pause in seconds,
- ``RESET`` ends the connection with a TCP reset, ``CLOSE`` in order,
- ``HANG`` waits until the client has left,
- a function is called with the server and the connection's socket.

After a script without an end the connection stays open for the next request.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import trustme

RESET, CLOSE, HANG = "reset", "close", "hang"
Step = bytes | float | str | Callable[["Server", socket.socket], None]
Script = Sequence[Step]


class _Over(Exception):  # noqa: N818 - an end, not an error
    """The connection has ended."""


def answer(body: bytes = b"{}", status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer with its length; underscores in names of headers become hyphens."""
    fields = {"content-type": "application/json", "content-length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return head(status, fields) + body


def head(status: str, headers: dict[str, str]) -> bytes:
    """The head of an HTTP answer."""
    return f"HTTP/1.1 {status}\r\n{''.join(f'{name}: {value}' + chr(13) + chr(10) for name, value in headers.items())}\r\n".encode()


def chunked(*blocks: bytes, end: bool = True) -> list[bytes]:
    """Blocks in chunked transfer coding, one step each."""
    return [b"%x\r\n%s\r\n" % (len(block), block) for block in blocks] + ([b"0\r\n\r\n"] if end else [])


def events(*data: Any, done: bool = True) -> list[bytes]:
    """Server-sent events with JSON data."""
    blocks = [b"data: " + (item if isinstance(item, bytes) else json.dumps(item).encode()) + b"\n\n" for item in data]
    return blocks + ([b"data: [DONE]\n\n"] if done else [])


STREAM_HEAD = head("200 OK", {"content-type": "text/event-stream", "transfer-encoding": "chunked"})


def stream(*blocks: bytes) -> list[Step]:
    """The steps of a stream that ends in order."""
    return [STREAM_HEAD, *chunked(*blocks)]


class Server:
    """Answers each request with the next script; the last one again and again.

    Args:
        scripts: for the requests, in the order in which they come, whatever the connection.
        tls: speak TLS with this context.
        opening: steps for each connection before anything is read; before the TLS handshake.

    Attributes:
        connections: how many were accepted.
        requests: head and body of each request that was read.
        left: how many clients were seen to leave while a script hung.
        handshakes: TLS handshakes that went well.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, opening: Script = ()) -> None:
        self.connections = self.left = self.handshakes = 0
        self.requests: list[tuple[bytes, bytes]] = []
        self.gone = threading.Event()
        self._scripts, self._tls, self._opening = list(scripts), tls, opening
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="test-server", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies of the requests."""
        return [json.loads(body) for _, body in self.requests]

    def close(self) -> None:
        """End all connections and threads."""
        self._stopped.set()
        self._acceptor.join(10)
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):  # not connected any more
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        self._listener.settimeout(0.05)
        while not self._stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,), name="test-connection", daemon=True)
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]
            thread.start()
        self._listener.close()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(sock)
        try:
            self._run(self._opening, sock)
            if self._tls is not None:
                with self._lock:
                    self._open.discard(sock)
                sock = self._tls.wrap_socket(sock, server_side=True)
                self.handshakes += 1
                with self._lock:
                    self._open.add(sock)
            self._converse(sock)
        except (_Over, OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _converse(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as reader:
            while not self._stopped.is_set():
                lines = []
                while (line := reader.readline()) != b"\r\n":
                    if not line:
                        return
                    lines.append(line)
                length = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-le")), 0)
                body = reader.read(length)
                with self._lock:
                    self.requests.append((b"".join(lines), body))
                    script = self._scripts[0] if len(self._scripts) == 1 else self._scripts.pop(0)
                self._run(script, sock)

    def _run(self, script: Iterable[Step], sock: socket.socket) -> None:
        for step in script:
            if isinstance(step, bytes):
                sock.sendall(step)
            elif isinstance(step, str):
                self._end(step, sock)
            elif callable(step):
                step(self, sock)
            else:
                self._stopped.wait(step)

    def _end(self, step: str, sock: socket.socket) -> None:
        if step == RESET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if step == HANG:
            with contextlib.suppress(OSError):
                while sock.recv(65536):
                    pass
            self.left += 1
            self.gone.set()
        raise _Over


Serve = Callable[..., Server]
"""The fixture ``serve``: starts a server that is closed after the test."""


def certified(leaf: trustme.LeafCert) -> ssl.SSLContext:
    """A server's context with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def drip(data: bytes, pause: float = 0.02) -> list[Step]:
    """The bytes one by one, with pauses."""
    return [step for i in range(len(data)) for step in (data[i : i + 1], pause)]


def tunnel(server: Server, sock: socket.socket) -> None:
    """A step for a proxy: open the tunnel that the last request (CONNECT) asked for, and carry bytes both ways."""
    host, _, port = server.requests[-1][0].split()[1].decode().rpartition(":")
    far = socket.create_connection((host, int(port)))
    sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    back = threading.Thread(target=_carry, args=(far, sock), daemon=True)
    back.start()
    _carry(sock, far)
    back.join(10)
    far.close()
    raise _Over


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
