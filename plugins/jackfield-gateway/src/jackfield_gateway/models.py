"""GET /v1/models and /v1/models/{id}: the names that a client may use."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from jackfield.errors import JackfieldError
from jackfield.failure import sentence
from jackfield.models import Model, ModelList
from jackfield.wire import encode
from jackfield_gateway.endpoint import TOLD, places
from jackfield_gateway.outbound import Reply
from jackfield_gateway.refusal import no_model

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound

log = logging.getLogger("jackfield.gateway")
OWNER = "jackfield"
KEPT = 60.0
"""Seconds for which the list of the backends is kept, and so long that none of them answers."""
PATIENCE = 10.0
"""Seconds that each backend has to list its models."""


class Catalogue:
    """The models of a client, asked once a minute at most, by one request at a time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = asyncio.Lock()
        self._models: list[Model] = []
        self._failure: BaseException | None = None
        self._until = float("-inf")

    async def models(self) -> list[Model]:
        """Groups and aliases of the configuration, then the models of all backends that answer.

        Raises:
            CallError: no backend answers, and the configuration has no name of its own.
        """
        async with self._lock:
            if time.monotonic() > self._until:
                await self._ask()
                self._until = time.monotonic() + KEPT
            if self._failure is not None:
                raise self._failure.with_traceback(None)  # it would grow each time
            return self._models

    async def _ask(self) -> None:
        client = self._gateway.client
        names = client.names
        own = [Model(id=name, owned_by=OWNER) for name in dict.fromkeys([*names.groups, *names.aliases])]
        asked = [client.list_models(backend, timeout=PATIENCE) for backend in names.backends]
        found = await asyncio.gather(*asked, return_exceptions=True)
        failures = [one for one in found if isinstance(one, BaseException)]
        for backend, one in zip(names.backends, found, strict=True):
            if isinstance(one, JackfieldError):
                log.warning("backend %s lists no models: %s", backend, sentence(one.message, TOLD))
            elif isinstance(one, BaseException):
                log.warning("backend %s lists no models: %s", backend, places(one))
        self._failure = failures[0] if failures and len(failures) == len(found) and not own else None
        self._models = own + [model for one in found if not isinstance(one, BaseException) for model in one]


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
    raise no_model()
