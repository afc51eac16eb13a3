"""litellm as a library for asyncio, its telemetry and its fetching of a price list off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else the import itself goes to the network

import litellm
from payloads import KEY

if TYPE_CHECKING:
    from clients import Fields


litellm.telemetry = False
litellm.suppress_debug_info = True


class Client:
    """The module keeps the state; this keeps the arguments."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    async def call(self, model: str, fields: Fields) -> str:
        """Make one call."""
        response = await litellm.acompletion(model=f"openai/{model}", api_base=self.base_url, api_key=KEY, **fields)
        content: str = response.choices[0].message.content
        return content

    async def stream(self, model: str, fields: Fields) -> int:
        """Read one stream."""
        characters = 0
        async for chunk in await litellm.acompletion(
            model=f"openai/{model}", api_base=self.base_url, api_key=KEY, stream=True, **fields
        ):
            for choice in chunk.choices:
                characters += len(choice.delta.content or "")
        return characters

    async def hold(self, model: str, fields: Fields) -> object:
        """Open one stream."""
        stream = await litellm.acompletion(
            model=f"openai/{model}", api_base=self.base_url, api_key=KEY, stream=True, **fields
        )
        await anext(aiter(stream))
        return stream
