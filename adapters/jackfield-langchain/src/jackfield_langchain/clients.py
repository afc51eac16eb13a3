"""Clients: the two clients of a model, made when they are first needed, or given by the host."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import uuid
import weakref
from typing import TYPE_CHECKING, Any

from jackfield_langchain.arguments import digest

if TYPE_CHECKING:
    from jackfield.aclient import AsyncClient
    from jackfield.client import Client


_alive: weakref.WeakSet[Clients] = weakref.WeakSet()
"""Those that made a client and were not dropped: closed when the process ends, so that plugins write what they hold."""


@atexit.register
def _close_all() -> None:
    with contextlib.ExitStack() as stack:  # a plugin that fails there keeps no other from being closed
        for clients in list(_alive):
            stack.callback(clients.end)


class Clients:
    """Both clients of one configuration; those that are still there when the process ends are closed then.

    May be used from many threads and on many event loops. A copy and a pickle have the configuration, and make clients
    of their own; what the host gave cannot be pickled.

    Attributes:
        config, profile: of the configuration, as ``jackfield.Client`` takes them.
        given: the clients that the host gave, which are never closed here.

    Args:
        config, profile: as above.
        client, async_client: given by the host in place of a configuration.
    """

    def __init__(
        self,
        config: Any = None,
        profile: str | None = None,
        client: Client | None = None,
        async_client: AsyncClient | None = None,
    ) -> None:
        self.config, self.profile = config, profile
        self.given = (client, async_client)
        self._sync, self._async = client, async_client
        self._lock = threading.Lock()
        self._id = uuid.uuid4().hex
        self._digest: str | None = None
        self._profiles: dict[str | None, Clients] = {}

    def of(self, config: object, profile: str | None, given: tuple[Any, Any]) -> Clients:
        """The clients of that configuration: these, if it is theirs and not only one that is equal to it.

        Those of another profile of it are kept here and closed with these, so that a profile may be chosen by call.
        """
        if self.config is not config or self.given != given:
            return Clients(config, profile, *given)
        if self.profile == profile:
            return self
        with self._lock:
            return self._profiles.setdefault(profile, Clients(config, profile))

    def client(self) -> Client:
        """The synchronous client.

        Raises:
            ConfigError: lists everything that is wrong with the configuration.
            TypeError: the host gave only the other one.
        """
        with self._lock:
            if self._sync is None:
                if self.given[1] is not None:
                    raise TypeError("the model was given async_client=, so it can only be awaited: give client= too")
                from jackfield.client import Client

                self._sync = Client(self.config, profile=self.profile)
                _alive.add(self)
            return self._sync

    def async_client(self) -> AsyncClient:
        """The asynchronous client, which has connections of its own on each event loop.

        Raises:
            ConfigError: lists everything that is wrong with the configuration.
            TypeError: the host gave only the other one.
        """
        with self._lock:
            if self._async is None:
                if self.given[0] is not None:
                    raise TypeError("the model was given client=, so it cannot be awaited: give async_client= too")
                from jackfield.aclient import AsyncClient

                self._async = AsyncClient(self.config, profile=self.profile)
                _alive.add(self)
            return self._async

    def close(self) -> None:
        """Close the synchronous client, if it was made here, and those of other profiles."""
        with self._lock:
            own, others = self._sync if self.given[0] is None else None, list(self._profiles.values())
        with contextlib.ExitStack() as stack:
            for other in others:
                stack.callback(other.close)
            if own is not None:
                stack.callback(own.close)

    async def aclose(self) -> None:
        """Close both clients, as far as they were made here, and those of other profiles."""
        self.close()
        with self._lock:
            own, others = self._async if self.given[1] is None else None, list(self._profiles.values())
        async with contextlib.AsyncExitStack() as stack:
            for other in others:
                stack.push_async_callback(other.aclose)
            if own is not None:
                stack.push_async_callback(own.close)

    def end(self) -> None:
        """Close both where no event loop runs any more, as far as they were made here; the process is about to end."""
        try:
            self.close()
        finally:
            if self._async is not None and self.given[1] is None:
                asyncio.run(self._async.close())

    def identity(self) -> dict[str, str]:
        """What tells this configuration from others, without telling it: for keys of caches, and for traces.

        It is of what is read when it is first asked for: files and the environment may change, but clients do not.
        """
        profile = {} if self.profile is None else {"config_profile": self.profile}
        if self.given != (None, None):
            return {"config": f"client:{self._id}"}
        with self._lock:
            if self._digest is None:
                from jackfield.config.load import load

                self._digest = digest(load(self.config, profile=self.profile).settings)
        return {"config": self._digest, **profile}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.config, self.profile, *self.given)
