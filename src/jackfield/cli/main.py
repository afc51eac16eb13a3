"""The entry point ``jackfield``."""

from __future__ import annotations

import os
import sys
from importlib import import_module

NEEDED = ("click", "rich")
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells have it."""


def main() -> None:
    """Run the command line with the arguments of this process, and exit.

    Raises:
        SystemExit: always, with the exit code: 0, 1 (failure), 2 (wrong use) or 130 (interrupted).
    """
    try:
        for name in NEEDED:
            _need(name)
        from jackfield.cli.root import root

        root.main(prog_name="jackfield")
    except KeyboardInterrupt:  # before or after a command; the group sees to the time between
        raise SystemExit(INTERRUPTED) from None
    except OSError as error:  # of the help, which is printed before the group comes to be
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - what is left is not tried again
        sys.stderr.write(f"Error: the output cannot be written: {error.strerror}\n")
        raise SystemExit(1) from None


def _need(name: str) -> None:
    try:
        import_module(name)
    except ImportError:
        sys.stderr.write(f"jackfield: the command line needs {name}: pip install 'jackfield[cli]'\n")
        raise SystemExit(1) from None
