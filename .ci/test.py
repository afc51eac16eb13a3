"""Run the tests: ``python .ci/test.py [ARGUMENTS OF PYTEST]``.

Coverage is measured, and what is marked ``long`` is run, on the oldest supported Python that is there: both come to the
same on every one, and take long. There the tests of the core and those of the plugins run side by side, each in one
process; what is ``long`` runs without coverage, which needs none of it. On the others two processes share the tests.
"""

# ruff: noqa: INP001, T201 - a script that prints, no package

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from typing import IO

SUPPORTED = ("3.11", "3.12", "3.13")
PYTEST = ["-m", "pytest"]
COVERAGE = ["-m", "coverage", "run", "-m", "pytest"]
OTHERS = ["plugins", "benchmarks/tests"]
CORE = [[*COVERAGE, "-m", "not long", "tests"], [*PYTEST, "-m", "long", "tests"]]
REST = [[*COVERAGE, "-m", "not long", *OTHERS], [*PYTEST, "-m", "long", *OTHERS]]
SHARED = [*PYTEST, "-n", "2", "--dist", "worksteal", "-m", "not long"]


def main(arguments: list[str]) -> int:
    """0 where all tests passed."""
    oldest = next((version for version in SUPPORTED if shutil.which(f"python{version}")), "")
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if arguments:
        return run([[*COVERAGE, *arguments]], "")
    if oldest not in {"", here}:
        return run([SHARED], "")
    with tempfile.TemporaryFile() as told:
        rest = subprocess.Popen([sys.executable, __file__, "--rest"], stdout=told, stderr=told)  # noqa: S603 - our own arguments
        core = run(CORE, ".core")
        rest.wait()
        show(told)
    return max(core, abs(rest.returncode))


def run(commands: list[list[str]], suffix: str) -> int:
    """Run Python with each of these arguments, one after the other; 0 where all of them ended well.

    Args:
        commands: arguments.
        suffix: of the file of coverage, so that two that run at once do not share one.
    """
    environ = dict(os.environ)
    environ["COVERAGE_FILE"] = environ.get("COVERAGE_FILE", ".coverage") + suffix
    # The processes that share tests have to find them in one order, sets of parameters included.
    environ.setdefault("PYTHONHASHSEED", str(random.randrange(2**32)))  # noqa: S311 - no secret
    codes = []
    for number, command in enumerate(commands):
        own = {**environ, "COVERAGE_FILE": f"{environ['COVERAGE_FILE']}{number or ''}"}
        print("python", *command, f"# PYTHONHASHSEED={own['PYTHONHASHSEED']}", flush=True)
        codes.append(subprocess.run([sys.executable, *command], env=own, check=False).returncode)  # noqa: S603 - our own arguments
    return max(map(abs, codes))


def show(told: IO[bytes]) -> None:
    """Print what a process wrote that ran beside this one."""
    told.seek(0)
    sys.stdout.flush()
    shutil.copyfileobj(told, sys.stdout.buffer)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(REST, ".rest") if sys.argv[1:] == ["--rest"] else main(sys.argv[1:]))
