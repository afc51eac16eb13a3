"""``jackfield serve`` as a process, with keys demanded, in front of one server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

BACKEND_KEY = "sk-test-of-clients-8Qw3"
"""What the server demands, and no client may see."""
PATIENCE = 60
"""Seconds in which it has to serve; it takes one where nothing else runs."""
CONFIG = """\
[models]
tiny = "llama/tiny"

[backends.llama]
provider = "openai"
base_url = "{base_url}/v1"
middleware = [{{ use = "bearer", token = "env:LLAMA_KEY" }}]

[[middleware]]
use = "retry"  # the server closes connections after streams, and a request may meet that

[gateway]
keys = "always"
models = ["tiny"]
store = "sqlite:gateway.db"
"""


@attrs.frozen
class Served:
    """A gateway that runs.

    Attributes:
        base_url: what clients are given: ``http://127.0.0.1:PORT/v1``.
        key: one that it takes.
    """

    base_url: str
    key: str


@contextmanager
def served(directory: Path, backend: str) -> Iterator[Served]:
    """Run it.

    Args:
        directory: where its configuration and its store are, empty before.
        backend: URL of the server, without ``/v1``; it demands ``BACKEND_KEY``.
    """
    config = directory / "jackfield.toml"
    config.write_text(CONFIG.format(base_url=backend), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD")}
    environ["LLAMA_KEY"] = BACKEND_KEY

    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "jackfield", "--config", str(config), *arguments]

    made = subprocess.run(
        command("keys", "create", "--label", "clients"),
        cwd=directory, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    log = directory / "log"
    with open(log, "w", encoding="utf-8") as told:
        process = subprocess.Popen(command("serve", "--port", "0"), cwd=directory, env=environ, stderr=told)
    try:
        yield Served(f"{_url(process, log)}/v1", made.stdout.strip())
    finally:
        process.terminate()
        code, text = process.wait(60), log.read_text(encoding="utf-8")
    assert (code, "Traceback" in text) == (0, False), text


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that it tells when it serves."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        if url := re.search(r"(http://\S+)\n", log.read_text(encoding="utf-8")):
            return url[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))
