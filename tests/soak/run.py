"""The soak: very many calls to a service that fails, an outage, broken connections; prints what came of them.

``python tests/soak/run.py`` makes 100,000 calls, half of them sync and half async, and takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))  # a script finds only what is beside it

from soak.ambiguity import Ambiguity
from soak.endurance import FAULTS, Endurance
from soak.figure import Figure, table
from soak.hosts import FEW, HOSTS, settings
from soak.outage import Outage
from soak.service import Service, serving

FEWEST = 200
"""Calls of an outage: fewer do not use up the budget."""


def outage(mode: str, service: Service, calls: int) -> list[Figure]:
    """The figures of an outage of the service."""
    service.ledger(clear=True)
    host = HOSTS[mode](settings(service.url))
    try:
        return Outage(host, lambda: service.ledger()["models"], calls).run()
    finally:
        host.close()


def broken(mode: str, service: Service, calls: int) -> list[Figure]:
    """The figures of connections that break."""
    host = HOSTS[mode](settings(service.url), abreast=FEW)
    try:
        return Ambiguity(host, service, calls).run()
    finally:
        host.close()


def endurance(mode: str, service: Service, chosen: argparse.Namespace) -> list[Figure]:
    """The figures of calls of which a fifth of the attempts fail."""
    run = Endurance(mode, service, chosen.calls, chosen.seed, chosen.faults)
    figures = run.run()
    sys.stderr.write(f"{mode}: attempts that failed, by error: {dict(run.total.failures)}\n")
    return figures


PARTS: dict[str, Callable[[str, Service, argparse.Namespace], list[Figure]]] = {
    "endurance": endurance,
    "outage": lambda mode, service, chosen: outage(mode, service, chosen.tenth),
    "breaks": lambda mode, service, chosen: broken(mode, service, chosen.tenth),
}
"""What the soak is made of."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak and print its tables in Markdown; 1 where a figure does not hold."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="in all; an outage and breaks have a tenth each")
    parser.add_argument("--mode", choices=[*HOSTS, "both"], default="both", help="both have half of the calls each")
    parser.add_argument("--seed", type=int, default=20, help="of everything that is drawn")
    parser.add_argument("--faults", type=float, default=FAULTS, help=f"percent of the attempts, at most {FAULTS:g}")
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all", help="of the soak")
    chosen = parser.parse_args(arguments)
    modes = list(HOSTS) if chosen.mode == "both" else [chosen.mode]
    parts = list(PARTS) if chosen.part == "all" else [chosen.part]
    chosen.tenth = max(chosen.calls // 10, FEWEST)
    chosen.calls //= len(modes)
    wrong = []
    with serving(chosen.seed) as service:
        for part in parts:
            columns = [(mode, PARTS[part](mode, service, chosen)) for mode in modes]
            sys.stdout.write(f"{table(columns)}\n\n")
            wrong += [f"{mode}: {figure}\n" for mode, figures in columns for figure in figures if not figure.holds]
    sys.stderr.writelines(f"broken: {line}" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
