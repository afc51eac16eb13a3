"""Hand-written for asyncio: aiohttp and json."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from payloads import KEY

if TYPE_CHECKING:
    from clients import Fields


class Client:
    """What a host would write without any library for language models."""

    def __init__(self, base_url: str) -> None:
        self.url = base_url + "/chat/completions"
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        self.session = aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0))

    async def call(self, model: str, fields: Fields) -> str:
        """Make one call."""
        body = json.dumps({"model": model, **fields}).encode()
        async with self.session.post(self.url, data=body) as response:
            data = await response.read()
        if response.status != HTTPStatus.OK:
            raise RuntimeError(f"HTTP {response.status}: {data[:200]!r}")
        content: str = json.loads(data)["choices"][0]["message"]["content"]
        return content

    async def stream(self, model: str, fields: Fields) -> int:
        """Read one stream."""
        characters = 0
        rest = b""
        async with await self.open(model, fields) as response:
            async for block in response.content.iter_any():
                *events, rest = (rest + block).split(b"\n\n")
                for event in events:
                    data = event.removeprefix(b"data: ")
                    if data != b"[DONE]":
                        for choice in json.loads(data)["choices"]:
                            characters += len(choice["delta"].get("content") or "")
        return characters

    async def hold(self, model: str, fields: Fields) -> object:
        """Open one stream."""
        response = await self.open(model, fields)
        json.loads((await response.content.readany()).removeprefix(b"data: "))
        return response

    async def open(self, model: str, fields: Fields) -> aiohttp.ClientResponse:
        """Send the request of a stream and read the head of the answer."""
        body = json.dumps({"model": model, "stream": True, **fields}).encode()
        response = await self.session.post(self.url, data=body)
        if response.status != HTTPStatus.OK:
            raise RuntimeError(f"HTTP {response.status}: {(await response.read())[:200]!r}")
        return response
