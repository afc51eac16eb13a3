"""jackfield with the logging, retry and bearer middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jackfield
from clients.jackfield_config import config

if TYPE_CHECKING:
    from clients import Fields


class Client:
    """One client for all calls."""

    layers: list[dict[str, Any]] | None = None

    def __init__(self, base_url: str) -> None:
        self.client = jackfield.Client(config=config(base_url, self.layers))

    def call(self, model: str, fields: Fields) -> str:
        """Make one call."""
        response = self.client.create_chat_completion(model=f"mock/{model}", **fields)
        return response.choices[0].message.content or ""

    def stream(self, model: str, fields: Fields) -> int:
        """Read one stream."""
        characters = 0
        with self.client.create_chat_completion(model=f"mock/{model}", stream=True, **fields) as stream:
            for chunk in stream:
                for choice in chunk.choices:
                    characters += len(choice.delta.content or "")
        return characters

    def hold(self, model: str, fields: Fields) -> object:
        """Open one stream."""
        stream = self.client.create_chat_completion(model=f"mock/{model}", stream=True, **fields)
        next(iter(stream))
        return stream
