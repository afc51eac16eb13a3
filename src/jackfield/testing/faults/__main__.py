"""``python -m jackfield.testing.faults``: a fault server in a process of its own."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing

from jackfield.testing.faults import DOORS, FAULTS, Fault, FaultServer, name_of
from jackfield.testing.faults.doors import need_trustme


def main(arguments: list[str] | None = None) -> int:
    """Serve until standard input ends, so that no server outlives what started it; or list what there is."""
    parser = argparse.ArgumentParser(prog="jackfield.testing.faults", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; a free port unless given")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    parser.add_argument(
        "--list", action="store_true", help="list the faults, the model names that ask for them, and end"
    )
    chosen = parser.parse_args(arguments)
    if chosen.list:
        sys.stdout.writelines(f"{_asked(fault)}: {fault.summary}\n" for fault in FAULTS.values())
        return 0
    try:
        need_trustme()
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with closing(FaultServer(seed=chosen.seed).start(chosen.port)) as server:
        sys.stdout.writelines(f"{door} {server.door(door)}\n" for door in DOORS)
        sys.stdout.write(f"ca_file {server.ca_file}\n")
        sys.stdout.flush()
        while sys.stdin.readline():
            pass
    return 0


def _asked(fault: Fault) -> str:
    """The model name that asks for a fault, with all its arguments."""
    return name_of(fault.name, **fault.defaults)


if __name__ == "__main__":
    sys.exit(main())
