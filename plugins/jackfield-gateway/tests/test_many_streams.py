"""Hundreds of streams at once through ``jackfield serve``: what stalls, leaves or outlasts the gateway harms no other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

CONFIG = """
[backends.b]
provider = "openai"
base_url = "http://127.0.0.1:{port}/v1"

[gateway]
store = "sqlite::memory:"
port = 0

[gateway.limits]
drain = {drain}
reader_stall = {stall}
"""
PAUSE = 0.25
"""Seconds between two events of a stream."""
EVENTS = 8
"""Of a stream that ends."""
LARGE = "x" * 65_536
"""The text of an event that nobody reads: some of these fill what the kernel holds."""
PATIENCE = 60


def event(text: str, reason: str | None = None) -> bytes:
    """One chunk as an event."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: %b\n\n" % json.dumps(chunk, separators=(",", ":")).encode()


@attrs.define(eq=False)
class Backend:
    """Streams as the model name says: ``ends`` after so many events, ``stays`` for ever, ``floods``.

    Attributes:
        open: streams whose connection stands.
    """

    open: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close."""
        self.open += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-l")
            )
            kind = json.loads(await reader.readexactly(length))["model"]
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
            number = 0
            while kind != "ends" or number < EVENTS:
                writer.write(event(LARGE if kind == "floods" else str(number)))
                await writer.drain()
                number += 1
                await asyncio.sleep(0 if kind == "floods" else PAUSE)
            writer.write(event("", "stop") + b"data: [DONE]\n\n")
        self.open -= 1
        writer.close()

    async def closed(self) -> bool:
        """Whether all connections are gone, after some time."""
        for _ in range(PATIENCE * 10):
            if not self.open:
                return True
            await asyncio.sleep(0.1)
        return False


@attrs.define(eq=False)
class Serving:
    """``jackfield serve`` in front of a backend."""

    backend: Backend
    process: subprocess.Popen[str]
    port: int

    async def ask(self, kind: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A stream whose head has come."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**16)
        fields = {"model": f"b/{kind}", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        body = json.dumps(fields).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
        writer.write(head.encode() + b"content-type: application/json\r\nconnection: close\r\n\r\n" + body)
        assert b" 200 " in await reader.readline()
        return reader, writer

    async def holds(self, files: int) -> bool:
        """Whether its process has at most so many files open, after some time."""
        for _ in range(PATIENCE * 10):
            if self.files() <= files:
                return True
            await asyncio.sleep(0.1)
        return False

    def files(self) -> int:
        """How many files its process has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    async def read(self, kind: str) -> bytes:
        """All that a stream tells."""
        reader, writer = await self.ask(kind)
        told = await reader.read()
        writer.close()
        return told


def started(config: Any) -> subprocess.Popen[str]:
    """The process of a gateway, which says on stderr where it listens."""
    command = [sys.executable, "-m", "jackfield", "--config", str(config), "serve"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@contextlib.asynccontextmanager
async def serving(folder: Any, *, drain: float, stall: float) -> AsyncIterator[Serving]:
    """A backend, and the gateway in front of it as a process."""
    backend = Backend()
    server = await asyncio.start_server(backend.answer, "127.0.0.1", 0, backlog=1024)
    config = folder / "jackfield.toml"
    config.write_text(CONFIG.format(port=server.sockets[0].getsockname()[1], drain=drain, stall=stall))
    process = started(config)
    try:
        assert process.stderr is not None
        line = await asyncio.to_thread(process.stderr.readline)
        yield Serving(backend, process, int(line.rpartition(":")[2]))
    finally:
        process.kill()
        process.communicate()
        server.close()


def is_whole(told: bytes) -> bool:
    """Whether a stream has all its events, each once and in order, and its end."""
    numbers = [b'"content":"%d"' % number for number in range(EVENTS)]
    places = [told.find(number) for number in numbers]
    once = all(told.count(number) == 1 for number in numbers)
    return once and places == sorted(places) and b"data: [DONE]\n\n" in told


@pytest.mark.long
def test_those_who_stop_reading_or_leave_harm_no_other(tmp_path):
    """A hundred do not read, fifty leave: the calls of all these end, a hundred and fifty others are whole, no file stays."""

    async def main() -> None:
        async with serving(tmp_path, drain=1, stall=2) as gateway:
            assert is_whole(await gateway.read("ends"))
            before = gateway.files()
            stalled = [await gateway.ask("floods") for _ in range(100)]
            leaving = [await gateway.ask("stays") for _ in range(50)]
            readers = [asyncio.ensure_future(gateway.read("ends")) for _ in range(150)]
            for _, writer in leaving:
                writer.close()
            told = await asyncio.gather(*readers)
            assert [one for one in told if not is_whole(one)] == []
            assert await gateway.backend.closed()
            for _, writer in stalled:
                writer.close()
            assert await gateway.holds(before)

    asyncio.run(main())


@pytest.mark.long
def test_of_two_hundred_streams_at_the_end_each_is_whole_or_told(tmp_path):
    """Those that end within the drain are whole; the others are told that the gateway ends, and nothing is just cut."""

    async def main() -> None:
        async with serving(tmp_path, drain=EVENTS * PAUSE + 10, stall=30) as gateway:
            ending = [asyncio.ensure_future(gateway.read("ends")) for _ in range(100)]
            staying = [asyncio.ensure_future(gateway.read("stays")) for _ in range(100)]
            while gateway.backend.open < 200:
                await asyncio.sleep(0.01)
            gateway.process.send_signal(signal.SIGTERM)
            assert [told for told in await asyncio.gather(*ending) if not is_whole(told)] == []
            left = await asyncio.gather(*staying)
            assert [told for told in left if b'"code":"shutting_down"' not in told or b"[DONE]" in told] == []
            assert await asyncio.to_thread(gateway.process.wait, PATIENCE) == 0
            assert await gateway.backend.closed()

    asyncio.run(main())
