"""Build the wheels of all distributions: ``python build_wheels.py DIRECTORY``, from the root of the checkout."""

# ruff: noqa: INP001 - a script, no package

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Build into the directory named on the command line, which is emptied before; the exit code is pip's."""
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    plugins = sorted(str(path.parent) for path in Path("plugins").glob("*/pyproject.toml"))
    sources = [".", *(f"./{plugin}" for plugin in plugins)]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", sys.argv[1], *sources]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


if __name__ == "__main__":
    sys.exit(main())
