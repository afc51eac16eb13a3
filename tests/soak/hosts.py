"""Hosts: programs that make many calls at once, in threads or in tasks."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import jackfield
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


class SyncHost:
    """Calls in threads."""

    name = "sync"

    def __init__(
        self, configuration: Mapping[str, Any], plugins: Mapping[str, type] | None = None, *, abreast: int = ABREAST
    ) -> None:
        self._abreast = abreast
        self._client = jackfield.Client(configuration, plugins=plugins)

    def run(self, asks: Iterable[Ask], tell: Tell) -> None:
        """Make all these calls."""
        shared, lock = iter(asks), threading.Lock()

        def work() -> None:
            while (ask := _next(shared, lock)) is not None:
                tell(self._call(ask))

        with ThreadPoolExecutor(self._abreast) as pool:
            for done in [pool.submit(work) for _ in range(self._abreast)]:
                done.result()

    def _call(self, ask: Ask) -> Outcome:
        said: list[str] = []
        try:
            if ask.stream:
                with self._client.create_chat_completion(stream=True, **ask.fields) as stream:
                    for chunk in stream:
                        said.append(_said(chunk))  # noqa: PERF401 - what came before an error is kept
                    return _answered(ask, stream.response, said)
            return _answered(ask, self._client.create_chat_completion(**ask.fields))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            return _failed(ask, error, said)

    def close(self) -> list[str]:
        """Close the client."""
        left = [f"a call: {live}" for live in self._client._driver.watchdog.live()]
        self._client.close()
        return left


class AsyncHost:
    """Calls in tasks."""

    name = "async"

    def __init__(
        self, configuration: Mapping[str, Any], plugins: Mapping[str, type] | None = None, *, abreast: int = ABREAST
    ) -> None:
        self._abreast = abreast
        self._runner = asyncio.Runner()
        self._complaints: list[str] = []
        self._runner.get_loop().set_exception_handler(lambda _, context: self._complaints.append(repr(context)))
        self._client = jackfield.AsyncClient(configuration, plugins=plugins)

    def run(self, asks: Iterable[Ask], tell: Tell) -> None:
        """Make all these calls."""
        self._runner.run(self._work(iter(asks), tell))

    async def _work(self, asks: Iterator[Ask], tell: Tell) -> None:
        async def work() -> None:
            for ask in asks:  # no other task comes between the steps of the iterator
                tell(await self._call(ask))

        await asyncio.gather(*(work() for _ in range(self._abreast)))

    async def _call(self, ask: Ask) -> Outcome:
        said: list[str] = []
        try:
            if ask.stream:
                async with self._client.create_chat_completion(stream=True, **ask.fields) as stream:
                    async for chunk in stream:
                        said.append(_said(chunk))  # noqa: PERF401 - what came before an error is kept
                    return _answered(ask, stream.response, said)
            return _answered(ask, await self._client.create_chat_completion(**ask.fields))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            return _failed(ask, error, said)

    def close(self) -> list[str]:
        """Close the client, and the loop, on which nothing may be left."""
        left = self._runner.run(self._end())
        self._runner.close()
        return left + self._complaints

    async def _end(self) -> list[str]:
        left = [f"a call: {live}" for driver in self._client._drivers.values() for live in driver.live.values()]
        await self._client.close()
        await asyncio.sleep(0)
        return left + [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]


HOSTS: Mapping[str, type[SyncHost | AsyncHost]] = {"sync": SyncHost, "async": AsyncHost}


def _next(asks: Iterator[Ask], lock: threading.Lock) -> Ask | None:
    with lock:
        return next(asks, None)


def _said(chunk: Any) -> str:
    return "".join(choice.delta.content or "" for choice in chunk.choices)


def _answered(ask: Ask, response: Any, said: list[str] | None = None) -> Outcome:
    """An answer; of a stream, both what came in pieces and what was put together of them is looked at."""
    whole = response.choices[0].message.content
    pieces = whole if said is None else "".join(said)
    text = whole if whole == pieces else f"in pieces {pieces!r}, together {whole!r}"
    return Outcome(ask, text, len(said or ()), response.call.attempts)


def _failed(ask: Ask, error: BaseException, said: list[str]) -> Outcome:
    return Outcome(ask, "".join(said), len(said), getattr(error, "attempts", ()), error)
