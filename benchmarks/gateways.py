"""The gateways that are compared, each a process in front of the mock server that demands a key of its clients."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from load import Door
from payloads import KEY
from processes import Broken, Cores, environment, last_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import IO

PATIENCE = 180
"""Seconds for a gateway to start; litellm's imports take a while on a busy machine."""
LITELLM_VERSION = "1.106.2"
"""The only one that is run: a later release is reported compromised."""
VERSION = "import importlib.metadata; print(importlib.metadata.version('litellm'))"
CLIENT_KEY = "sk-bench-client-0123456789"
JACKFIELD = """
default_model = "mock/answer"
[backends.mock]
provider = "openai"
base_url = "{url}"
[[backends.mock.middleware]]
use = "bearer"
token = "env:BENCH_KEY"
[gateway]
keys = "always"
store = "sqlite:{folder}/gateway.db"
"""
LITELLM = """
model_list:
{models}
litellm_settings: {{telemetry: false, num_retries: 0}}
general_settings: {{master_key: "{client_key}"}}
"""
LITELLM_MODEL = """
  - model_name: "{model}"
    litellm_params: {{model: "openai/{model}", api_base: "{url}", api_key: "{key}"}}
"""
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOG": "ERROR",
    "NO_DOCS": "True",
}


class Gateway:
    """A gateway that runs.

    Attributes:
        door: where it is asked.
    """

    def __init__(self, name: str, door: Door, process: subprocess.Popen[str]) -> None:
        self.name, self.door, self._process = name, door, process

    def memory(self) -> int:
        """Resident bytes of its process and of all that it started; Linux only."""
        left, total = [self._process.pid], 0
        while left:
            one = left.pop()
            status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
            total += next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)
            left += map(int, Path(f"/proc/{one}/task/{one}/children").read_text(encoding="utf-8").split())
        return total


@contextlib.contextmanager
def jackfield(url: str, folder: str, cores: Cores, *, python: str = sys.executable) -> Iterator[Gateway]:
    """``jackfield serve`` with one worker and a key, keys and completions in SQLite."""
    config = Path(folder) / "jackfield.toml"
    config.write_text(JACKFIELD.format(url=url, folder=folder), encoding="utf-8")
    command = [python, "-m", "jackfield", "--config", str(config)]
    environ = environment(folder)
    made = subprocess.run(
        [*command, "keys", "create", "--label", "bench"], env=environ, capture_output=True, text=True, check=True
    )
    port = free()
    door = Door(f"http://127.0.0.1:{port}/v1", made.stdout.strip(), "mock/")
    with started("jackfield", [*command, "serve", "--port", str(port)], door, environ, cores) as gateway:
        yield gateway


@contextlib.contextmanager
def litellm(url: str, folder: str, cores: Cores, *, python: str, models: Iterable[str]) -> Iterator[Gateway]:
    """The proxy of litellm with one worker and a master key, without a database.

    Raises:
        Broken: it does not start, or is of another version.
    """
    told = subprocess.run([python, "-I", "-c", VERSION], capture_output=True, text=True, check=False).stdout.strip()
    if told != LITELLM_VERSION:  # read from its metadata: it was not imported
        raise Broken("litellm", f"its version is {told or 'unknown'}; {LITELLM_VERSION} is what is compared")
    config = Path(folder) / "litellm.yaml"
    listed = "".join(LITELLM_MODEL.format(model=model, url=url, key=KEY) for model in models)
    config.write_text(LITELLM.format(models=listed, client_key=CLIENT_KEY), encoding="utf-8")
    port = free()
    command = [str(Path(python).parent / "litellm"), "--config", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    door = Door(f"http://127.0.0.1:{port}/v1", CLIENT_KEY)
    with started("litellm", command, door, {**environment(folder), **QUIET}, cores) as gateway:
        yield gateway


@contextlib.contextmanager
def started(
    name: str, command: Sequence[str], door: Door, environ: Mapping[str, str], cores: Cores
) -> Iterator[Gateway]:
    """A gateway, once it listens, until the block ends.

    Raises:
        Broken: it does not start.
    """
    with open(Path(environ["PYTHONPYCACHEPREFIX"]) / f"{name}.log", "w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            text=True,
            env=dict(environ),
            preexec_fn=cores.pin(),  # noqa: PLW1509 - this process has one thread
        )
        try:
            wait(name, process, door, log)
            yield Gateway(name, door, process)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()


def wait(name: str, process: subprocess.Popen[str], door: Door, log: IO[str]) -> None:
    """Wait until a gateway listens. Raises ``Broken`` where it ends before, or takes too long."""
    port, until = int(door.url.split(":")[2].split("/")[0]), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Broken(name, last_line(log))
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise Broken(name, f"did not listen within {PATIENCE} s")


def free() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
    return port


def pin(core: int | None) -> None:
    """Have this process run beside the mock server, and leave the other processor to the gateways."""
    if core is not None:
        os.sched_setaffinity(0, {core})
