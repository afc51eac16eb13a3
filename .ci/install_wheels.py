"""Install every wheel of a directory together: ``python install_wheels.py DIRECTORY``.

The files are named one by one, so that no index is asked for a distribution of the same name.
"""

# ruff: noqa: INP001 - a script, no package

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Install into the running environment; the exit code is pip's, or 1 where there is no wheel."""
    wheels = sorted(str(path) for path in Path(sys.argv[1]).glob("*.whl"))
    if not wheels:
        return 1
    command = [sys.executable, "-m", "pip", "install", "--quiet", *wheels]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


if __name__ == "__main__":
    sys.exit(main())
