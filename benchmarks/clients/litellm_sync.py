"""litellm as a library, its telemetry and its fetching of a price list off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else the import itself goes to the network

import httpx
import litellm
from payloads import KEY

if TYPE_CHECKING:
    from clients import Fields


litellm.telemetry = False
litellm.suppress_debug_info = True
# Its own pool has 100 connections, and a stream beyond them waits without end.
litellm.client_session = httpx.Client(limits=httpx.Limits(max_connections=1000))


class Client:
    """The module keeps the state; this keeps the arguments."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def call(self, model: str, fields: Fields) -> str:
        """Make one call."""
        response = litellm.completion(model=f"openai/{model}", api_base=self.base_url, api_key=KEY, **fields)
        content: str = response.choices[0].message.content
        return content

    def stream(self, model: str, fields: Fields) -> int:
        """Read one stream."""
        characters = 0
        for chunk in litellm.completion(
            model=f"openai/{model}", api_base=self.base_url, api_key=KEY, stream=True, **fields
        ):
            for choice in chunk.choices:
                characters += len(choice.delta.content or "")
        return characters

    def hold(self, model: str, fields: Fields) -> object:
        """Open one stream."""
        stream = litellm.completion(model=f"openai/{model}", api_base=self.base_url, api_key=KEY, stream=True, **fields)
        next(iter(stream))
        return stream
