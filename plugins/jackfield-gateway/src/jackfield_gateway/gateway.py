"""Gateway: what one process holds: the client, keys, quotas, the record of calls, and the answers that run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from jackfield import AsyncClient
from jackfield.secret import Secret
from jackfield_gateway.app import routed
from jackfield_gateway.endpoint import shutting_down
from jackfield_gateway.gate import Gate
from jackfield_gateway.guard import Guard
from jackfield_gateway.health import Health
from jackfield_gateway.key import named
from jackfield_gateway.metrics import Metrics, known
from jackfield_gateway.models import Catalogue
from jackfield_gateway.outbound import Outbound, sweep
from jackfield_gateway.quota import Quota
from jackfield_gateway.recorder import Recorder
from jackfield_gateway.ring import KeyRing
from jackfield_gateway.store import store_of
from jackfield_gateway.watch import Watch

if TYPE_CHECKING:
    import os

    from jackfield_gateway.key import Key
    from jackfield_gateway.settings import GatewaySettings


FIXED = ("host", "port", "workers", "keys", "store", "page")
"""Settings that only a start can change: what listens and is routed, and whether loopback is all that may ask."""


class Gateway:
    """The gateway in front of one configuration. ``app`` is an ASGI application; who serves it opens and closes this.

    Args:
        config, profile, plugins: as for ``jackfield.AsyncClient``.
        settings: in place of the ``[gateway]`` table.

    Attributes:
        cut: closes the connection with a client, by its address and port; the server has to put one here.
        draining: new requests are refused.
        answers: that are being written.

    Raises:
        ConfigError: lists everything that is wrong with the configuration.
    """

    def __init__(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        profile: str | None = None,
        settings: GatewaySettings | None = None,
        plugins: Mapping[str, type] | None = None,
    ) -> None:
        self.recorder, self.metrics = Recorder(), Metrics()
        self.client = AsyncClient(
            config,
            profile=profile,
            plugins={**(plugins or {}), "gateway-watch": Watch},
            outermost=[{"use": "gateway-watch", "recorder": self.recorder, "metrics": self.metrics}],
        )
        self._written: GatewaySettings = self.client.section("gateway")
        self.settings = settings or self._written
        self.store = store_of(self.settings)
        self.health = Health(self.store)
        self.ring = KeyRing(self.store, self.settings.keys)
        # Whoever names a database means to let other servers use it too.
        shared = self.settings.workers > 1 or isinstance(self.settings.store, Secret)
        self.quota = Quota(self.store, shared=shared)
        self.gate = Gate(self.settings.limits)
        self._take(self.settings)
        self.answers: set[Outbound] = set()
        self.draining = False
        self.cut: Callable[[tuple[str, int]], None] = _nothing
        self.app = routed(self)
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def active(self) -> int:
        """Requests that are being answered."""
        return len(self.answers)

    def serves(self, model: str, key: Key | None) -> bool:
        """Whether a client with that key may use that name."""
        own = self.settings.models
        return (not own or named(model, own)) and (key is None or key.allows(model))

    async def reload(self) -> list[str]:
        """Read the configuration again, the ``[gateway]`` table included but for what only a start can change.

        Returns:
            Names of settings that were changed in vain.

        Raises:
            ConfigError: it is wrong; everything stays as it was.
        """
        await self.client.reload()
        written: GatewaySettings = self.client.section("gateway")
        changed = [name for name in FIXED if getattr(written, name) != getattr(self._written, name)]
        if written.limits.reader_stall != self._written.limits.reader_stall:
            changed.append("limits.reader_stall")
        self._written = written
        self._take(attrs.evolve(written, **{name: getattr(self.settings, name) for name in FIXED}))
        return changed

    def _take(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.guard = Guard(settings, self.ring)
        self.gate.limits = settings.limits
        self.recorder.begin(settings)
        self.metrics.models = known(self.client.names.models, settings)
        self.catalogue = Catalogue(self)

    async def open(self) -> None:
        """Open the store, and begin to look after clients that do not read."""
        await self.store.open()
        stall = self.settings.limits.reader_stall
        self._sweeper = asyncio.create_task(sweep(lambda: self.answers, stall, self._cut))

    async def close(self) -> None:
        """Close the client, whose running calls end, and the store."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        try:
            await self.client.close()
        finally:
            await self.quota.close()
            await self.health.close()
            await self.store.close()

    def _cut(self, peer: tuple[str, int]) -> None:
        self.cut(peer)  # the server may have put its own there since

    def drain(self) -> None:
        """Refuse new requests from now on; those that run go on, but for who watches calls."""
        self.draining = True

    def interrupt(self) -> None:
        """End what runs: with an error in the stream where chunks went out, else with 503."""
        self.draining = True
        for answer in list(self.answers):
            answer.leave(shutting_down())


def _nothing(_: tuple[str, int]) -> None:
    """No server has told how a connection is cut."""
