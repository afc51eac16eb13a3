"""Workers: several processes that serve one listening socket, and the parent that keeps them.

The kernel hands each connection to one of them. The parent answers nothing and has no threads of a server: it starts
again what died, passes signals on, and ends when all have ended. A worker whose parent is gone ends as by SIGTERM.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jackfield.errors import JackfieldError

PAUSE, LONGEST = 0.5, 30.0
"""Seconds before a worker that died is started again: the first time, and at most; they double each time."""
STEADY = 30.0
"""Seconds after which a worker is taken for sound: the pause begins anew."""
READY = b"ready\n"
HELD = frozenset({signal.SIGHUP, signal.SIGINT})
"""What a terminal, or who means all of them, sends to each process."""
log = logging.getLogger("jackfield.gateway")


class Workers:
    """Processes that serve one socket.

    Args:
        command: what starts one; it says ``ready`` on its standard output, and lives as long as its standard input.
            It begins with the signals of ``HELD`` blocked.
        count: how many.
        listener: listening; it is closed when they are told to end.
        patience: seconds between that and their being killed.
        pause: seconds before a worker that died is started again, the first time.
    """

    def __init__(
        self, command: Sequence[str], count: int, listener: socket.socket, *, patience: float, pause: float = PAUSE
    ) -> None:
        self._command, self._count, self._listener = command, count, listener
        self._patience, self._pause = patience, pause
        self._running: set[Process] = set()
        self._ready: set[Process] = set()
        self._stop = asyncio.Event()
        self._reloads = 0
        self._well = True

    async def run(self, opened: Callable[[], object]) -> bool:
        """Keep them running until they are told to end; whether all of them then ended well.

        Args:
            opened: called once the first one answers; the others are started after it.

        Raises:
            JackfieldError: the first one could not be started; it has told why.
        """
        keepers: list[asyncio.Task[None]] = []
        try:
            first = await self._begin()
            if first in self._ready:
                opened()
            elif not self._stop.is_set():
                raise JackfieldError("the gateway's workers cannot be started")
            processes = [first, *[None] * (self._count - 1)]
            keepers = [asyncio.create_task(self._keep(number, one)) for number, one in enumerate(processes)]
            await self._stop.wait()
        finally:
            self._stop.set()
            self._listener.close()  # else the port would stay open with nobody behind it
            self._send(signal.SIGTERM)
            if keepers:
                await asyncio.wait(keepers, timeout=self._patience)
            self._well = self._well and not self._running
            self.kill()
            await asyncio.gather(*keepers, *[process.wait() for process in self._running])
        return self._well

    def end(self) -> None:
        """Tell all to end; the second time they are killed."""
        if self._stop.is_set():
            self.kill()
        self._stop.set()
        self._send(signal.SIGTERM, self._running - self._ready)  # nobody waits for these to be ready

    def reload(self) -> None:
        """Have all read the configuration again: those that are being started, once they listen to signals."""
        self._reloads += 1
        self._send(signal.SIGHUP, self._ready)

    def kill(self) -> None:
        """End all at once."""
        self._send(signal.SIGKILL)

    async def _keep(self, number: int, process: Process | None) -> None:
        loop = asyncio.get_running_loop()
        pause = self._pause
        while process is not None or not self._stop.is_set():
            began = loop.time()
            process = process or await self._begin()
            code = None if process is None else await self._end_of(process)
            if self._stop.is_set():
                if code not in {0, None, -signal.SIGTERM}:  # the last before it was ready
                    self._well = False
                    log.error("worker %d did not end well (%d)", number + 1, code)
                return
            pause = self._pause if loop.time() - began > STEADY else pause
            told = "could not be started" if code is None else f"ended by itself ({code})"
            log.error("worker %d %s; another is started in %.1f s", number + 1, told, pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            process, pause = None, min(pause * 2, LONGEST)

    async def _begin(self) -> Process | None:
        """Start one, and wait until it is ready, or has ended; None where the system has no room for it."""
        try:
            return await self._start()
        except OSError as error:
            log.error("no process for a worker: %s", error.strerror)  # noqa: TRY400 - the message tells all
            return None

    async def _end_of(self, process: Process) -> int:
        code = await process.wait()
        self._running.discard(process)
        self._ready.discard(process)
        return code

    async def _start(self) -> Process:
        descriptor, reloads = self._listener.fileno(), self._reloads
        # A process begins with the mask of its parent: until it has its handlers, these two would end it.
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, pass_fds=[descriptor]
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
        self._running.add(process)
        if self._stop.is_set():
            self._send(signal.SIGTERM, {process})
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        async for line in process.stdout:
            if line.endswith(READY):  # plugins may say something before
                self._ready.add(process)
                break
        if process in self._ready and reloads != self._reloads:  # it may have read the configuration before
            self._send(signal.SIGHUP, {process})
        return process

    def _send(self, number: signal.Signals, processes: set[Process] | None = None) -> None:
        for process in list(self._running if processes is None else processes):
            # Not ``process.send_signal``: it would take the exit code of one that has just ended, and the loop, which
            # comes too late for it, would tell 255.
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    os.kill(process.pid, number)


def command_of(listener: socket.socket, **options: Any) -> list[str]:
    """The command that starts a worker.

    Args:
        listener: that it serves.
        options: ``config``, ``profile`` and the settings that the command line changed.
    """
    # With -P the working directory is no place for modules, unless it is one for this process already.
    safe = [] if {"", os.getcwd()} & set(sys.path) else ["-P"]
    words = json.dumps({"listener": listener.fileno(), **options})
    return [sys.executable, *safe, "-c", "from jackfield_gateway.workers import work; work()", words]


async def keep(workers: Workers, opened: Callable[[], object]) -> bool:
    """Keep workers running until a signal ends them; whether all ended well. Raises ``JackfieldError``."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, workers.end)
    loop.add_signal_handler(signal.SIGHUP, workers.reload)
    return await workers.run(opened)


def work() -> None:
    """Be a worker, as the last argument of the process says."""
    from jackfield.cli.output import say
    from jackfield_gateway.process import prepare, run

    prepare()
    try:
        run(_work(json.loads(sys.argv[-1])))
    except JackfieldError as error:
        say(f"Error: {error.message}")
        raise SystemExit(1) from None


async def _work(options: Mapping[str, Any]) -> None:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.process import attend
    from jackfield_gateway.settings import read

    given = dict(options)
    listener = socket.socket(fileno=given.pop("listener"))
    config, profile = given.pop("config"), given.pop("profile")
    settings = read(config, profile).but(**given)
    await attend(Gateway(config, profile=profile, settings=settings), listener, _tell, lifeline=0)


def _tell() -> None:
    """Say that it is ready; what is printed after that goes where the log goes."""
    os.write(1, READY)
    os.dup2(2, 1)
