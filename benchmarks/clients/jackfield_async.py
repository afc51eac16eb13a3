"""jackfield for asyncio with the logging, retry and bearer middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jackfield
from clients.jackfield_config import config

if TYPE_CHECKING:
    from clients import Fields


class Client:
    """One client for all calls."""

    def __init__(self, base_url: str) -> None:
        self.client = jackfield.AsyncClient(config=config(base_url))

    async def call(self, model: str, fields: Fields) -> str:
        """Make one call."""
        response = await self.client.create_chat_completion(model=f"mock/{model}", **fields)
        return response.choices[0].message.content or ""

    async def stream(self, model: str, fields: Fields) -> int:
        """Read one stream."""
        characters = 0
        async with self.client.create_chat_completion(model=f"mock/{model}", stream=True, **fields) as stream:
            async for chunk in stream:
                for choice in chunk.choices:
                    characters += len(choice.delta.content or "")
        return characters

    async def hold(self, model: str, fields: Fields) -> object:
        """Open one stream."""
        stream = await self.client.create_chat_completion(model=f"mock/{model}", stream=True, **fields)
        await anext(aiter(stream))
        return stream
