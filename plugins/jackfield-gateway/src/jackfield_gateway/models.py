"""GET /v1/models and /v1/models/{id}: the names that a client may use."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from jackfield.models import Model, ModelList
from jackfield.wire import encode
from jackfield_gateway.outbound import Reply
from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound

KEPT = 60.0
"""Seconds for which the list of the backends is kept."""
PATIENCE = 10.0
"""Seconds that each backend has to list its models."""


class Catalogue:
    """The models of a client, asked once a minute at most, by one request at a time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = asyncio.Lock()
        self._models: list[Model] = []
        self._until = float("-inf")

    async def models(self) -> list[Model]:
        """All of them, under the names that requests take.

        Raises:
            CallError: a backend failed.
        """
        async with self._lock:
            if time.monotonic() > self._until:
                self._models = await self._gateway.client.list_models(timeout=PATIENCE)
                self._until = time.monotonic() + KEPT
            return self._models


async def list_models(gateway: Gateway, inbound: Inbound) -> Reply:
    """The models that this client may use."""
    found = [model for model in await gateway.catalogue.models() if gateway.serves(model.id, inbound.key)]
    return Reply(encode(ModelList(data=found)))


async def retrieve_model(gateway: Gateway, inbound: Inbound) -> Reply:
    """One of them. Raises ``Refusal``: there is none of that name for this client."""
    name = inbound.parameters["model"]
    if gateway.serves(name, inbound.key):
        for model in await gateway.catalogue.models():
            if model.id == name:
                return Reply(encode(model))
    raise Refusal(404, "the model does not exist, or you have no access to it", code="model_not_found", param="model")
