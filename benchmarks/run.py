"""Compare jackfield with hand-written code and its peers, side by side in one run; README.md tells how to read it.

``python benchmarks/run.py --kinds call,chunk --clients urllib3,jackfield --rounds 30 --quick``
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from catalogue import KINDS
from clients import BASELINE, CLIENTS
from processes import Broken, Cores, Place, Server
from report import document, missed, table
from rounds import Run

SECONDS, QUICK_SECONDS = 0.25, 0.06
"""Processor time of one batch, about."""


def main() -> int:
    """Run what the command line asks for; 1 where ``--check`` finds a promise broken."""
    options = arguments()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # 1,000 streams are 1,000 sockets
    cores = Cores.choose()
    with Server(cores) as url, TemporaryDirectory() as bytecode:
        place = Place(url, cores, options.python, bytecode)
        about = facts(place, options.clients)
        run = Run(place, options.clients, options.rounds, QUICK_SECONDS if options.quick else SECONDS)
        for kind in KINDS:
            if kind.name in options.kinds:
                sys.stderr.write(f"{kind.name}: {kind.rounds(options.rounds)} rounds ...\n")
                run.measure(kind)
    sys.stdout.write(heading(about) + "\n".join(table(run.results)) + "\n")
    if options.json:
        options.json.write_text(json.dumps(document(run.results, about), indent=1) + "\n", encoding="utf-8")
    return int(options.check and missed(run.results))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = [kind.name for kind in KINDS]
    parser.add_argument("--kinds", type=_names(kinds), default=kinds, help="of " + ",".join(kinds))
    parser.add_argument("--clients", type=_names(list(CLIENTS)), default=list(CLIENTS), help="of " + ",".join(CLIENTS))
    parser.add_argument("--rounds", type=int, default=30, help="interleaved rounds of each kind (default: 30)")
    parser.add_argument("--quick", action="store_true", help="short batches: a first look, wider ranges")
    parser.add_argument("--json", type=Path, help="write rows and all samples to this file")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a promise is not kept")
    parser.add_argument(
        "--python",
        action="append",
        type=_python,
        default=[],
        metavar="CLIENTS=PATH",
        help="interpreter for some clients, as in litellm,litellm_async=venv/bin/python; may be repeated",
    )
    options = parser.parse_args()
    options.python = {client: path for pythons in options.python for client, path in pythons.items()}
    return options


def _names(known: list[str]) -> Any:
    def names(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := [name for name in chosen if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return chosen

    return names


def _python(text: str) -> dict[str, str]:
    names, _, path = text.partition("=")
    chosen: list[str] = _names(list(CLIENTS))(names)
    if not os.access(path, os.X_OK):
        raise argparse.ArgumentTypeError(f"{path!r} cannot be executed")
    return dict.fromkeys(chosen, str(Path(path).absolute()))


def facts(place: Place, clients: list[str]) -> dict[str, Any]:
    """What was compared, and on what."""
    versions = {}
    for client in dict.fromkeys([BASELINE, *clients]):
        library = CLIENTS[client].library
        try:
            versions[library] = place.fresh(client, "version", library)["version"]
        except Broken as error:
            versions[library] = f"not installed ({error})"
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "pinned": place.cores.client is not None,
        "versions": versions,
    }


def heading(about: dict[str, Any]) -> str:
    """What was compared, in two lines."""
    versions = ", ".join(f"{library} {version}" for library, version in about["versions"].items())
    pinned = "server and client pinned to one each" if about["pinned"] else "nothing pinned"
    return f"Python {about['python']}, {about['system']}, {about['processors']} processors, {pinned}\n{versions}\n"


if __name__ == "__main__":
    raise SystemExit(main())
