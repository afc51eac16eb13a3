"""openai-python for asyncio, with its own retries on, as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
from payloads import KEY

if TYPE_CHECKING:
    from clients import Fields


class Client:
    """One client for all calls."""

    def __init__(self, base_url: str) -> None:
        self.client = openai.AsyncOpenAI(base_url=base_url, api_key=KEY)

    async def call(self, model: str, fields: Fields) -> str:
        """Make one call."""
        response = await self.client.chat.completions.create(model=model, **fields)
        return response.choices[0].message.content or ""

    async def stream(self, model: str, fields: Fields) -> int:
        """Read one stream."""
        characters = 0
        async with await self.client.chat.completions.create(model=model, stream=True, **fields) as stream:
            async for chunk in stream:
                for choice in chunk.choices:
                    characters += len(choice.delta.content or "")
        return characters

    async def hold(self, model: str, fields: Fields) -> object:
        """Open one stream."""
        stream = await self.client.chat.completions.create(model=model, stream=True, **fields)
        await anext(aiter(stream))
        return stream
