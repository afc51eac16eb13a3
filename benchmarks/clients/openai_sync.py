"""openai-python, with its own retries on, as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
from payloads import KEY

if TYPE_CHECKING:
    from clients import Fields


class Client:
    """One client for all calls."""

    def __init__(self, base_url: str) -> None:
        self.client = openai.OpenAI(base_url=base_url, api_key=KEY)

    def call(self, model: str, fields: Fields) -> str:
        """Make one call."""
        response = self.client.chat.completions.create(model=model, **fields)
        return response.choices[0].message.content or ""

    def stream(self, model: str, fields: Fields) -> int:
        """Read one stream."""
        characters = 0
        with self.client.chat.completions.create(model=model, stream=True, **fields) as stream:
            for chunk in stream:
                for choice in chunk.choices:
                    characters += len(choice.delta.content or "")
        return characters

    def hold(self, model: str, fields: Fields) -> object:
        """Open one stream."""
        stream = self.client.chat.completions.create(model=model, stream=True, **fields)
        next(iter(stream))
        return stream
