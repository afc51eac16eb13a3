"""Load for gateways: requests over kept connections by raw sockets of asyncio, each answer looked at as a whole."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs
from payloads import ANSWER, SMALL, WORDS, parse_model

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

_CONTENT = re.compile(rb'"content": ?"([^"]*)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Wrong(Exception):  # noqa: N818 - it is a finding about a gateway, not a fault of the harness
    """An answer that is not what the mock server sent."""


@attrs.frozen
class Door:
    """Where a gateway is asked, and how.

    Attributes:
        url: base URL, with ``/v1``.
        token: of the client.
        prefix: of the names of the mock server's models.
    """

    url: str
    token: str
    prefix: str = ""

    def request(self, model: str) -> bytes:
        """The bytes of a request for a model of the mock server."""
        place = urlsplit(self.url)
        stream = parse_model(model).kind != "answer"
        fields = {"model": self.prefix + model, **SMALL, **({"stream": True} if stream else {})}
        body = json.dumps(fields).encode()
        head = [
            f"POST {place.path}/chat/completions HTTP/1.1",
            f"Host: {place.netloc}",
            f"Authorization: Bearer {self.token}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*head, "", ""]).encode() + body

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        """A connection."""
        place = urlsplit(self.url)
        return await asyncio.open_connection(place.hostname, place.port)


@attrs.frozen
class Times:
    """Of one request: seconds to the first byte of its body, and to the last."""

    first: float
    last: float


async def ask(reader: StreamReader, writer: StreamWriter, request: bytes, model: str) -> Times:
    """One request on a connection that stands.

    Raises:
        Wrong: its answer lacks something, or has something twice, or in another order.
    """
    began = time.perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise Wrong((head + await reader.read(500)).decode("latin-1"))
    length = _LENGTH.search(head)
    if length is not None:
        body = await reader.readexactly(int(length[1]))
        first = time.perf_counter()
    else:
        pieces = []
        first = 0.0
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            first = first or time.perf_counter()
            pieces.append((await reader.readexactly(size + 2))[:-2])
        await reader.readexactly(2)
        body = b"".join(pieces)
    last = time.perf_counter()
    look(body, model)
    return Times(first - began, last - began)


def look(body: bytes, model: str) -> None:
    """Whether a body is whole.

    Raises:
        Wrong: it is not.
    """
    shape, told = parse_model(model), [text.decode() for text in _CONTENT.findall(body)]
    if shape.kind == "answer":
        wanted = [ANSWER]
    else:
        words = max(shape.events - 2, 0)
        wanted = [WORDS[number % len(WORDS)] for number in range(words)]
        told = [text for text in told if text]
        if not body.rstrip().endswith(b"data: [DONE]"):
            raise Wrong(f"{model}: no [DONE]")
    if told != wanted:
        raise Wrong(f"{model}: {len(told)} of {len(wanted)} pieces, or not in order")


async def calls(door: Door, model: str, *, at_once: int, seconds: float) -> tuple[list[Times], float]:
    """As many requests as a gateway takes in that time, so many at once; with the requests a second.

    Raises:
        Wrong: an answer is not what the mock server sent.
    """
    request, times = door.request(model), list[Times]()
    began = time.perf_counter()

    async def one() -> None:
        reader, writer = await door.connect()
        while time.perf_counter() - began < seconds:
            times.append(await ask(reader, writer, request, model))
        writer.close()

    await asyncio.gather(*[one() for _ in range(at_once)])
    return times, len(times) / (time.perf_counter() - began)


async def streams(door: Door, model: str, *, count: int, spread: float) -> list[Times]:
    """Streams at once, each on a connection that is made for it, spread evenly over some seconds.

    Raises:
        Wrong: one of them is not whole.
    """
    request = door.request(model)

    async def one(number: int) -> Times:
        await asyncio.sleep(spread * number / count)
        began = time.perf_counter()
        reader, writer = await door.connect()
        connected = time.perf_counter() - began
        times = await ask(reader, writer, request, model)
        writer.close()
        return Times(connected + times.first, connected + times.last)

    return await asyncio.gather(*[one(number) for number in range(count)])
