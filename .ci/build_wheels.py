"""Build the wheels of the core and of all plugins: ``python build_wheels.py DIRECTORY``, from the root of the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Build into the directory named on the command line; the exit code is pip's."""
    plugins = sorted(str(path.parent) for path in Path("plugins").glob("*/pyproject.toml"))
    sources = [".", *(f"./{plugin}" for plugin in plugins)]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", sys.argv[1], *sources]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


if __name__ == "__main__":
    sys.exit(main())
