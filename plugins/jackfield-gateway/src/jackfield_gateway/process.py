"""Process: a gateway as a process of its own: its event loop, its signals and its log."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from jackfield.errors import JackfieldError

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway

SETTLE = 0.5
"""Seconds that threads may take to end; those that stay, as numerical libraries keep some, are waited for so long."""
log = logging.getLogger("jackfield.gateway")


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, on uvloop where that is installed; and let the system end its threads."""
    before = threads()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(main)
    finally:
        settle(lambda: threads() - before - {thread.native_id for thread in threading.enumerate()}, SETTLE)


def settle(left: Callable[[], object], patience: float) -> None:
    """Wait until the system has ended threads, too.

    Python takes a thread for ended a little earlier than the system, and knows nothing of the server's own. What the
    server keeps for a thread goes after that, and a program that ends at that moment would be aborted.

    Args:
        left: whether one of them is left.
        patience: seconds.
    """
    until = time.monotonic() + patience
    while left() and time.monotonic() < until:
        time.sleep(0.0005)


def threads() -> frozenset[int]:
    """The system's numbers of the threads of this process; none where it does not tell."""
    try:
        return frozenset(map(int, os.listdir("/proc/self/task")))
    except OSError:
        return frozenset()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # type: ignore[import-not-found,unused-ignore]  # an extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def prepare() -> None:
    """Log on stderr. The limit of open files needs no care: granian raises it to what the system allows."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")


async def attend(
    gateway: Gateway, listener: socket.socket, opened: Callable[[], object], *, lifeline: int | None = None
) -> None:
    """Serve until a signal ends it.

    SIGTERM lets running calls end, SIGHUP reads the configuration again. Without a lifeline SIGINT is as SIGTERM, and
    the second of them ends the process at once, with exit code 1.

    Args:
        gateway: what answers.
        listener: of ``bind``.
        opened: called once the gateway can be asked.
        lifeline: a pipe whose other end the parent holds: its end is as SIGTERM. Who has a parent ignores SIGINT, which
            a terminal sends to both, and a second SIGTERM: it may come from the parent and from others too.

    Raises:
        ConfigError: the store of the gateway cannot be used.
    """
    from jackfield_gateway.server import serve

    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        if stop.is_set() and lifeline is None:
            os._exit(1)  # whoever asks twice does not want to wait
        stop.set()

    def cut_off() -> None:
        if lifeline is not None and not os.read(lifeline, 1):
            loop.remove_reader(lifeline)
            stop.set()

    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(_reload(gateway))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_signal_handler(signal.SIGINT, end if lifeline is None else bool)
    loop.add_signal_handler(signal.SIGHUP, reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP, signal.SIGINT})  # a worker begins with both blocked
    if lifeline is not None:
        loop.add_reader(lifeline, cut_off)
    await serve(gateway, listener, stop, opened=opened)


async def _reload(gateway: Gateway) -> None:
    try:
        waiting = await gateway.reload()
    except JackfieldError as error:
        log.error("the configuration was not taken: %s", error)  # noqa: TRY400 - the message tells all
    else:
        log.info("the configuration was read again")
        if waiting:
            log.warning("of [gateway], these are taken at the next start only: %s", ", ".join(waiting))
