"""Run the tests: ``python .ci/test.py [ARGUMENTS OF PYTEST]``.

Coverage is measured, and what is marked ``long`` is run, on the oldest supported Python that is there: both come to the
same on every one, and take long. What is ``long`` runs without coverage, which needs none of it.
"""

# ruff: noqa: INP001 - a script, no package

from __future__ import annotations

import shutil
import subprocess
import sys

SUPPORTED = ("3.11", "3.12", "3.13")
PYTEST = ["-m", "pytest"]
COVERAGE = ["-m", "coverage", "run", "-m", "pytest"]


def main(arguments: list[str]) -> int:
    """0 where all tests passed."""
    oldest = next((version for version in SUPPORTED if shutil.which(f"python{version}")), "")
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if arguments:
        commands = [[*COVERAGE, *arguments]]
    elif oldest in {"", here}:
        commands = [[*COVERAGE, "-m", "not long"], [*PYTEST, "-m", "long"]]
    else:
        commands = [[*PYTEST, "-m", "not long"]]
    codes = [subprocess.run([sys.executable, *command], check=False).returncode for command in commands]  # noqa: S603 - our own arguments
    return max(map(abs, codes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
