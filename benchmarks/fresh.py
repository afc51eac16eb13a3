"""A fresh interpreter, for what can be measured only once in a process.

``python fresh.py version|import LIBRARY`` and ``python fresh.py first|memory CLIENT URL`` print one JSON object.
Nothing is imported before it is needed, so that a client pays for what it uses and for nothing else.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module

HELD = 200
"""Streams that are open at once when memory is measured."""


def main() -> None:
    """Measure one thing and print it."""
    mode, name, *rest = sys.argv[1:]
    start = time.process_time()
    result: dict[str, float | str]
    if mode == "import":
        import_module(name)
        result = {"cpu": time.process_time() - start}
    elif mode == "first":
        first(name, rest[0])
        end = time.process_time()
        result = {"cpu": end, "net": end - start}
    elif mode == "memory":
        result = {"peak": memory(name, rest[0])}
    else:
        from importlib.metadata import version

        result = {"version": version(name)}
    import json
    import os

    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
    os._exit(0)  # how a client leaves 200 open streams behind is not what is measured


def first(name: str, url: str) -> None:
    """Import a client and make one small call.

    Raises:
        RuntimeError: the answer is not what the server sent.
    """
    from clients import CLIENTS

    entry = CLIENTS[name]
    client = import_module(entry.module).Client
    from payloads import ANSWER, SMALL

    if entry.is_async:
        import asyncio

        async def run() -> str:
            answer: str = await client(url).call("answer", SMALL)
            return answer

        content = asyncio.run(run())
    else:
        content = client(url).call("answer", SMALL)
    if content != ANSWER:
        raise RuntimeError("the answer is not what the server sent")


def memory(name: str, url: str) -> int:
    """Peak resident memory of this process, in bytes, with ``HELD`` streams open."""
    from clients import CLIENTS
    from payloads import SMALL

    entry = CLIENTS[name]
    client = import_module(entry.module).Client
    if entry.is_async:
        import asyncio

        async def run() -> tuple[object, ...]:
            held = client(url)
            return held, *[await held.hold("held", SMALL) for _ in range(HELD)]

        with asyncio.Runner() as runner:
            streams = runner.run(run())
            return _peak(streams)
    held = client(url)
    return _peak((held, *[held.hold("held", SMALL) for _ in range(HELD)]))


def _peak(alive: tuple[object, ...]) -> int:
    """What the kernel has counted while ``alive`` was held."""
    if len(alive) != HELD + 1:
        raise RuntimeError("not all streams are open")
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except FileNotFoundError:  # not Linux; there getrusage would show what the parent had before exec
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
