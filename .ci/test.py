"""Run the tests under coverage: ``python .ci/test.py [ARGUMENTS OF PYTEST]``.

What is marked ``long`` proves the same on every Python, so it is left out unless this is the oldest one that is there.
"""

# ruff: noqa: INP001 - a script, no package

from __future__ import annotations

import shutil
import subprocess
import sys

SUPPORTED = ("3.11", "3.12", "3.13")


def main(arguments: list[str]) -> int:
    """The exit code of pytest."""
    oldest = next((version for version in SUPPORTED if shutil.which(f"python{version}")), "")
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    chosen = arguments or (["-m", "not long"] if oldest not in {"", here} else [])
    command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", *chosen]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
