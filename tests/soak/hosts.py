"""Hosts: programs that make many calls at once, in threads or in tasks."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from jackfield.testing.contract import host
from soak.asks import KEY, Ask, Outcome

ABREAST = 64
"""Calls at once."""
FEW = 32
"""Calls at once where each retry is to be paid for: a full budget pays for 35 at a time."""
Tell = Callable[[Outcome], None]


class Host(Protocol):
    """A program with one client.

    Attributes:
        name: sync or async.
    """

    name: str

    def run(self, asks: Iterable[Ask], tell: Tell) -> None:
        """Make all these calls, many at once, and tell of each what came of it."""

    def close(self) -> list[str]:
        """Close the client; what was left behind."""


def settings(
    url: str, *, timeout: float = 1.0, outer: Sequence[str] = ("retry",), inner: Sequence[str] = (), **backend: Any
) -> dict[str, Any]:
    """A configuration with one backend, ``main``, with a key; middleware around it and inside of it, outermost first.

    Each wait is far longer than a busy machine needs: one that is cut too early would count as a fault.
    """
    os.environ["SOAK_KEY"] = KEY
    main: dict[str, Any] = {
        "provider": "openai",
        "timeout": {"first_byte": timeout, "idle": timeout},
        "middleware": [{"use": "bearer", "token": "env:SOAK_KEY"}, *({"use": name} for name in inner)],
        **({"base_url": url} if url else {}),
        **backend,
    }
    return {"default_model": "main/ok", "backends": {"main": main}, "middleware": [{"use": name} for name in outer]}


class SyncHost(host.SyncHost):
    """Calls in threads."""

    def __init__(
        self, configuration: Mapping[str, Any], plugins: Mapping[str, type] | None = None, *, abreast: int = ABREAST
    ) -> None:
        super().__init__(configuration, plugins or {})
        self._abreast = abreast

    def run(self, asks: Iterable[Ask], tell: Tell) -> None:
        """Make all these calls."""
        shared, lock = iter(asks), threading.Lock()

        def work() -> None:
            while (ask := _next(shared, lock)) is not None:
                tell(_looked_at(ask, self.ask(**ask.fields)))

        with ThreadPoolExecutor(self._abreast) as pool:
            for done in [pool.submit(work) for _ in range(self._abreast)]:
                done.result()

    def close(self) -> list[str]:
        """Close the client."""
        left = [f"a call: {live}" for live in self.client._driver.watchdog.live()]
        super().close()
        return left


class AsyncHost(host.AsyncHost):
    """Calls in tasks."""

    def __init__(
        self, configuration: Mapping[str, Any], plugins: Mapping[str, type] | None = None, *, abreast: int = ABREAST
    ) -> None:
        super().__init__(configuration, plugins or {})
        self._abreast = abreast

    def run(self, asks: Iterable[Ask], tell: Tell) -> None:
        """Make all these calls."""
        self._runner.run(self._work(iter(asks), tell))

    async def _work(self, asks: Iterator[Ask], tell: Tell) -> None:
        async def work() -> None:
            for ask in asks:  # no other task comes between the steps of the iterator
                tell(_looked_at(ask, await self.asked(ask.fields)))

        await asyncio.gather(*(work() for _ in range(self._abreast)))

    def close(self) -> list[str]:
        """Close the client, and the loop, on which nothing may be left."""
        left = self._runner.run(self._end())
        self._runner.close()
        return left + [repr(context) for context in self.complaints]

    async def _end(self) -> list[str]:
        left = [f"a call: {live}" for driver in self.client._drivers.values() for live in driver.live.values()]
        await self.client.close()
        await asyncio.sleep(0)
        return left + [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]


HOSTS: Mapping[str, type[SyncHost | AsyncHost]] = {"sync": SyncHost, "async": AsyncHost}


def _next(asks: Iterator[Ask], lock: threading.Lock) -> Ask | None:
    with lock:
        return next(asks, None)


def _looked_at(ask: Ask, outcome: host.Outcome) -> Outcome:
    """What came; of a stream, both what came in pieces and what was put together of them is looked at."""
    error, pieces = outcome.error, outcome.streamed
    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise error
    if error is not None:
        return Outcome(ask, pieces, len(outcome.chunks), getattr(error, "attempts", ()), error)
    text = outcome.text if not ask.stream or outcome.text == pieces else f"{pieces!r}, together {outcome.text!r}"
    return Outcome(ask, text, len(outcome.chunks), outcome.response.call.attempts)
