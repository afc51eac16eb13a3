"""The process of one client: ``python worker.py CLIENT URL``.

Reads one order a line from standard input, ``{"kind": ..., "seconds": ...}``, carries it out and prints one JSON
object: processor and wall time in seconds and how many units (calls or chunks) they bought. Processor time is that of
the whole process, all threads and the kernel's share included. Every answer is checked, or the measurement is none.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from clients import CLIENTS
from payloads import ANSWER, SMALL, conversation, parse_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients import AsyncClient, SyncClient

CALLS: dict[str, dict[str, Any]] = {"call": SMALL, "tools": conversation()}
CHUNKS = {"chunk": "stream-2000-250", "single": "single-2000-250"}
WIDTH = 64
"""Calls at once in the kind ``concurrent``."""
PACED = "paced-50-20"


def verify(got: object, wanted: object) -> None:
    """Refuse to measure what did not work.

    Raises:
        RuntimeError: the client read something else than the server sent.
    """
    if got != wanted:
        raise RuntimeError(f"read {str(got)[:80]!r} where the server sent {str(wanted)[:80]!r}")


class Sync:
    """Carries out orders with threads."""

    def __init__(self, client: SyncClient, streams: int) -> None:
        self.client, self.at_once = client, streams

    def calls(self, count: int, fields: dict[str, Any]) -> int:
        """Make calls one after another."""
        for _ in range(count):
            verify(self.client.call("answer", fields), ANSWER)
        return count

    def chunks(self, count: int, model: str) -> int:
        """Read streams one after another."""
        shape = parse_model(model)
        for _ in range(count):
            verify(self.client.stream(model, SMALL), shape.characters)
        return count * shape.events

    def concurrent(self, count: int) -> int:
        """Make calls ``WIDTH`` at once."""
        return sum(self._threads(WIDTH, lambda: self.calls(count, SMALL)))

    def streams(self) -> int:
        """Read paced streams all at once."""
        return sum(self._threads(self.at_once, lambda: self.chunks(1, PACED)))

    def _threads(self, width: int, work: Callable[[], int]) -> list[int]:
        from concurrent.futures import ThreadPoolExecutor
        from threading import Barrier

        barrier = Barrier(width)  # else the first threads take the work of the last

        def run() -> int:
            barrier.wait()
            return work()

        with ThreadPoolExecutor(width) as pool:
            return [future.result() for future in [pool.submit(run) for _ in range(width)]]


class Async:
    """Carries out orders with tasks, in one loop that lives as long as the process."""

    def __init__(self, make: Callable[[], AsyncClient], streams: int) -> None:
        import asyncio

        self.runner = asyncio.Runner()

        async def start() -> AsyncClient:
            return make()

        self.client, self.at_once = self.runner.run(start()), streams

    def calls(self, count: int, fields: dict[str, Any]) -> int:
        """Make calls one after another."""
        return self.runner.run(self._calls(count, fields))

    def chunks(self, count: int, model: str) -> int:
        """Read streams one after another."""
        return self.runner.run(self._chunks(count, model))

    def concurrent(self, count: int) -> int:
        """Make calls ``WIDTH`` at once."""
        return self.runner.run(self._gather([self._calls(count, SMALL) for _ in range(WIDTH)]))

    def streams(self) -> int:
        """Read paced streams all at once."""
        return self.runner.run(self._gather([self._chunks(1, PACED) for _ in range(self.at_once)]))

    async def _calls(self, count: int, fields: dict[str, Any]) -> int:
        for _ in range(count):
            verify(await self.client.call("answer", fields), ANSWER)
        return count

    async def _chunks(self, count: int, model: str) -> int:
        shape = parse_model(model)
        for _ in range(count):
            verify(await self.client.stream(model, SMALL), shape.characters)
        return count * shape.events

    async def _gather(self, work: list[Any]) -> int:
        import asyncio

        return sum(await asyncio.gather(*work))


class Worker:
    """Chooses how much of a kind fills the time asked for, and measures it."""

    def __init__(self, name: str, url: str) -> None:
        entry = CLIENTS[name]
        make = partial(import_module(entry.module).Client, url)
        self.hands = Async(make, entry.streams) if entry.is_async else Sync(make(), entry.streams)
        self.counts: dict[str, int] = {}

    def measure(self, kind: str, seconds: float) -> dict[str, float]:
        """Carry out one order; the first of a kind is preceded by a warm-up that also finds the count."""
        if kind not in self.counts:
            self.counts[kind] = self.warm_up(kind, seconds)
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        units = self.work(kind, self.counts[kind])
        return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "units": units}

    def warm_up(self, kind: str, seconds: float) -> int:
        """How many rounds of a kind take about ``seconds`` of processor time; finding out warms caches and pools."""
        if kind == "streams":
            self.hands.chunks(1, "stream-20-250")
            return 1
        self.work(kind, 1)
        count = 1
        while True:
            start = time.process_time()
            self.work(kind, count)
            took = time.process_time() - start
            if took >= seconds / 3:
                return max(1, round(count * seconds / took))
            count *= 2

    def work(self, kind: str, count: int) -> int:
        """Do ``count`` rounds of a kind and say how many units that was."""
        if kind in CALLS:
            return self.hands.calls(count, CALLS[kind])
        if kind in CHUNKS:
            return self.hands.chunks(count, CHUNKS[kind])
        return self.hands.concurrent(count) if kind == "concurrent" else self.hands.streams()


def main() -> None:
    """Serve orders until standard input ends."""
    worker = Worker(*sys.argv[1:3])
    sys.stdout.write(json.dumps({"ready": True}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.write(json.dumps(worker.measure(order["kind"], order["seconds"])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
