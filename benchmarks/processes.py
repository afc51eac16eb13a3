"""The processes of a run: the mock server, one worker for each client, and fresh interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import attrs
from payloads import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

HERE = Path(__file__).parent
FRESH_TIMEOUT = 120
"""Seconds that a fresh interpreter may take."""


class Broken(Exception):  # noqa: N818 - it is a finding about a client, not a fault of the harness
    """A client cannot be measured; the message has the last line that it wrote to standard error."""

    def __init__(self, client: str, reason: str) -> None:
        super().__init__(reason)
        self.client = client


@attrs.frozen
class Cores:
    """Which processor the server runs on, and which the client; None where they cannot be chosen."""

    server: int | None = None
    client: int | None = None

    @classmethod
    def choose(cls) -> Cores:
        """Two processors of those that this process may use, if there are two and the system lets us choose."""
        if sys.platform != "linux":
            return cls()
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[-1]) if len(usable) > 1 else cls()

    def pin(self) -> Callable[[], None] | None:
        """What pins a child to the client's processor, to be run in the child."""
        if sys.platform != "linux" or self.client is None:
            return None
        core = self.client
        return lambda: os.sched_setaffinity(0, {core})


@attrs.frozen
class Place:
    """Where clients run: the server's URL, the processors, the interpreter of each client, a folder for bytecode."""

    url: str
    cores: Cores
    pythons: Mapping[str, str]
    bytecode: str

    def popen(self, client: str, errors: IO[str], *arguments: str) -> subprocess.Popen[str]:
        """Start a program of this folder for a client, pinned; what it says of errors goes to the file ``errors``."""
        return subprocess.Popen(
            [self.pythons.get(client, sys.executable), "-W", "ignore", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=HERE,
            env=environment(self.bytecode),
            preexec_fn=self.cores.pin(),  # noqa: PLW1509 - this process has one thread
        )

    def fresh(self, client: str, *arguments: str) -> dict[str, Any]:
        """Run ``fresh.py`` in a new interpreter and return what it printed.

        Raises:
            Broken: it failed.
        """
        with TemporaryFile("w+") as errors, self.popen(client, errors, "fresh.py", *arguments) as process:
            try:
                output, _ = process.communicate(timeout=FRESH_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Broken(client, f"took longer than {FRESH_TIMEOUT} s") from None
            if process.returncode:
                raise Broken(client, last_line(errors))
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
        return result


def environment(bytecode: str) -> dict[str, str]:
    """The environment of clients: no proxy, no configuration of the host, the token where jackfield looks for it.

    Bytecode is written, whatever the host's setting, or a library run from its sources would be compiled at each start.
    """
    kept = {name: value for name, value in os.environ.items() if not _foreign(name.upper())}
    return {**kept, "BENCH_KEY": KEY, "PYTHONPYCACHEPREFIX": bytecode}


def _foreign(name: str) -> bool:
    return name.endswith("_PROXY") or name.startswith(("OPENAI_", "LITELLM_", "JACKFIELD_", "PYTHONDONTWRITE"))


def last_line(errors: IO[str]) -> str:
    """The last line of a traceback, cut to what fits in a report."""
    errors.seek(0)
    lines = [line.strip() for line in errors if line.strip()]
    return lines[-1][:200] if lines else "it ended without a word"


class Server:
    """The mock server, for a ``with`` block."""

    def __init__(self, cores: Cores) -> None:
        command = [sys.executable, "mock_server.py"]
        if cores.server is not None:
            command += ["--core", str(cores.server)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE)

    def __enter__(self) -> str:
        """The base URL of the server, once it listens."""
        assert self.process.stdout is not None
        word, _, port = self.process.stdout.readline().strip().partition(" ")
        if word != "READY":
            raise RuntimeError("the mock server did not start")
        return f"http://127.0.0.1:{port}/v1"

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()  # it ends when its standard input does


class Worker:
    """The process of one client, which carries out orders until it is closed."""

    def __init__(self, place: Place, client: str) -> None:
        self.client = client
        self.errors = TemporaryFile("w+")  # noqa: SIM115 - closed with the worker
        self.process = place.popen(client, self.errors, "worker.py", client, place.url)
        self._reply()

    def measure(self, kind: str, seconds: float) -> dict[str, float]:
        """Have one batch of about ``seconds`` of processor time measured.

        Raises:
            Broken: the client failed, or its answers were not those of the server.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"kind": kind, "seconds": seconds}) + "\n")
        self.process.stdin.flush()
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.startswith("{"):
                reply: dict[str, Any] = json.loads(line)
                return reply
        self.process.wait()
        raise Broken(self.client, last_line(self.errors))

    def close(self) -> None:
        """End the process."""
        if self.process.poll() is None:
            self.process.kill()  # its clients hold nothing that outlives it
        self.process.communicate()
        self.errors.close()
