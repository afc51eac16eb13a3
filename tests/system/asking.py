"""Asking a real server by either client, and seeing whether it stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import urllib3

from jackfield import AsyncClient, Client
from system.llama import LlamaServer

HELLO = [{"role": "user", "content": "Hello."}]
STOPPED = 30.0
"""Seconds in which a server must have stopped; it takes about one, but a machine of tests may be busy."""
LOOK = 1.2
"""Seconds between two looks: every answer of the server makes it wait another second before it sees who has left."""

Ask = Callable[..., tuple[Any, list[Any]]]


def ask_sync(config: Any, **fields: Any) -> tuple[Any, list[Any]]:
    """Response, and chunks where it is a stream."""
    with Client(config) as client:
        answer = client.create_chat_completion(**{"messages": HELLO, "temperature": 0, **fields})
        chunks = list(answer) if fields.get("stream") else []
        return answer.response if fields.get("stream") else answer, chunks


def ask_async(config: Any, **fields: Any) -> tuple[Any, list[Any]]:
    """The same from the asynchronous client."""

    async def ask() -> tuple[Any, list[Any]]:
        async with AsyncClient(config) as client:
            answer: Any = client.create_chat_completion(**{"messages": HELLO, "temperature": 0, **fields})
            if not fields.get("stream"):
                return await answer, []
            async with answer as stream:
                chunks = [chunk async for chunk in stream]
            return stream.response, chunks

    return asyncio.run(ask())


def busy(server: LlamaServer) -> bool:
    """Whether the server generates anything."""
    slots = urllib3.request("GET", server.base_url.removesuffix("/v1") + "/slots").json()
    return any(slot["is_processing"] for slot in slots)


def stops(server: LlamaServer) -> bool:
    """Whether the server stops; what it was asked for would take minutes."""
    end = time.monotonic() + STOPPED
    while busy(server):
        if time.monotonic() > end:
            return False
        time.sleep(LOOK)
    return True
