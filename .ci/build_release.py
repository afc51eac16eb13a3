"""Build what is to be published, twice: ``python build_release.py DIRECTORY``, from the root of a checkout.

Wheels and source distributions are built of the last commit, in two directories of different names, and must have the
same bytes. Their hashes stand in ``SHA256SUMS`` beside them. Whoever has the same commit and the same hatchling gets
the same hashes.
"""

# ruff: noqa: INP001, T201 - a script that tells how it went, no package

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


def export(target: Path) -> None:
    """Put the files of the last commit into a directory."""
    archive = subprocess.run(["git", "archive", "HEAD"], capture_output=True, check=True).stdout  # noqa: S607 - whichever git there is
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target, filter="data")


def build(source: Path, output: Path) -> dict[str, str]:
    """Build every distribution; the SHA-256 of each file by its name."""
    below = [path for kind in ("plugins", "adapters") for path in sorted(source.glob(f"{kind}/*/pyproject.toml"))]
    for project in [source / "pyproject.toml", *below]:
        command = [sys.executable, "-m", "hatchling", "build", "-d", str(output), "-t", "sdist", "-t", "wheel"]
        subprocess.run(command, cwd=project.parent, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(output.iterdir())}


def main() -> int:
    """Build into the directory named on the command line, which must not hold anything yet; 1 where the two differ."""
    target = Path(sys.argv[1])
    if target.exists() and any(target.iterdir()):
        print(f"{target} is not empty", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as work:
        places = [Path(work) / name for name in ("one", "another-directory")]
        for place in places:
            export(place / "source")
        first, second = (build(place / "source", place / "out") for place in places)
        if first != second:
            print(f"not the same: {sorted(name for name in first if first[name] != second.get(name))}", file=sys.stderr)
            return 1
        shutil.copytree(places[0] / "out", target, dirs_exist_ok=True)
    sums = "".join(f"{digest}  {name}\n" for name, digest in first.items())
    (target / "SHA256SUMS").write_text(sums, encoding="utf-8")
    print(sums, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
