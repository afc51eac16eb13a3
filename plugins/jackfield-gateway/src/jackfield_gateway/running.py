"""Running: a gateway inside a program or a test, on a free port, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from jackfield.errors import JackfieldError
from jackfield_gateway.settings import MEMORY, GatewaySettings, read

LEAVE = 10.0
"""Seconds beyond the drain in which the thread has to end."""
SETTLE = 1.0
"""Seconds that the system has to end it then; it takes about a millisecond."""


@contextlib.contextmanager
def running(
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    *,
    profile: str | None = None,
    plugins: Mapping[str, type] | None = None,
    settings: GatewaySettings | None = None,
) -> Iterator[str]:
    """Serve a configuration on a free loopback port as long as the ``with`` block lasts.

    Keys and stored completions are in memory and no key is demanded, unless the configuration says otherwise. At the
    end nothing is waited for, unless ``settings`` say so.

    Args:
        config: as for ``jackfield.AsyncClient``.
        profile: as there.
        plugins: as there.
        settings: in place of the ``[gateway]`` table of the configuration; their host and port are not used.

    Yields:
        The base URL, ``http://127.0.0.1:PORT``; OpenAI's clients take it with ``/v1`` behind it.

    Raises:
        ConfigError: lists everything that is wrong with the configuration.
    """
    import attrs

    from jackfield_gateway.server import bind

    if settings is None:
        written = read(config, profile, plugins)
        settings = attrs.evolve(written, workers=1, limits=attrs.evolve(written.limits, drain=0))
    if settings.store is None:  # in memory nobody can have made a key: ``auto`` demands none
        settings = settings.but(store=MEMORY)
    listener = bind("127.0.0.1", 0, settings.limits.reader_stall)
    port = listener.getsockname()[1]
    thread = _Thread(lambda stop, ready: _serve(config, profile, plugins, settings, listener, stop, ready))
    try:
        thread.begin()
        yield f"http://127.0.0.1:{port}"
    finally:
        try:
            thread.end(settings.limits.drain + LEAVE)
        finally:
            listener.close()


async def _serve(
    config: Any,
    profile: str | None,
    plugins: Mapping[str, type] | None,
    settings: GatewaySettings,
    listener: Any,
    stop: asyncio.Event,
    ready: threading.Event,
) -> None:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.server import serve

    gateway = Gateway(config, profile=profile, settings=settings, plugins=plugins)
    await serve(gateway, listener, stop, opened=ready.set)


class _Thread:
    """A thread with an event loop that runs one coroutine until it is told to end."""

    def __init__(self, main: Any) -> None:
        self._main = main
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="jackfield-gateway", daemon=True)

    def begin(self) -> None:
        """Start; raises what kept it from starting."""
        self._thread.start()
        self._ready.wait()
        self._raise()

    def end(self, patience: float) -> None:
        """Stop, and wait so many seconds; raises what it failed with."""
        from jackfield_gateway.process import settle, threads

        if self._loop is None:  # it was interrupted before it could begin
            self._stop.set()
        else:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.ident is not None:
            self._thread.join(patience)
        if self._thread.is_alive():
            raise JackfieldError("the gateway did not end")
        settle(lambda: self._thread.native_id in threads(), SETTLE)
        self._raise()

    def _raise(self) -> None:
        failure, self._failure = self._failure, None  # it is told once
        if failure is not None:
            self._thread.join()
            raise failure

    def _run(self) -> None:
        from jackfield_gateway.process import run

        try:
            run(self._within())
        except BaseException as error:  # noqa: BLE001 - it is raised where the gateway was asked for
            self._failure = error
        finally:
            self._ready.set()

    async def _within(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._main(self._stop, self._ready)
