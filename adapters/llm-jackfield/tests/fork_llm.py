"""Runs the real ``llm`` command again and again, each time in a process of its own.

What takes most of a command's time is the import of ``llm``, its plugins and what they need. This program has done it,
and forks for each command: the child is a process as any other, that ends by its own exit code.

It reads a JSON object a line: ``arguments``, ``directory``, ``environ``, and the files ``stdin``, ``stdout``, ``stderr``;
it writes the exit code.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from importlib import import_module
from typing import Any

import llm.cli

PATIENCE = 60
"""Seconds that a command may take."""
NEEDED = (
    "aiohttp",
    "jackfield.aclient",
    "jackfield.cli.output",
    "jackfield.client",
    "jackfield.models.request",
    "jackfield.models.response",
    "jackfield_auth.token",
    "jackfield_openai.provider",
    "llm_jackfield.commands",
    "llm_jackfield.listing",
    "llm_jackfield.model",
    "sqlite_utils",
)
"""Modules that commands import."""


def serve() -> dict[str, Any]:
    """Fork for each command; comes back in the child only, or ends the program."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            order: dict[str, Any] = json.loads(line)
            return order
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    sys.exit(0)


def become(order: dict[str, Any]) -> None:
    """Take on directory, environment and files of a command."""
    signal.alarm(PATIENCE)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environ"])
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        file = os.open(order[name], os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the interpreter closes it
    sys.argv = ["llm", *order["arguments"]]


if __name__ == "__main__":
    for module in NEEDED:
        import_module(module)
    gc.freeze()  # the children need not look through what they share
    become(serve())
    llm.cli.cli()
