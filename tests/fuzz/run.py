"""Fuzz the targets with atheris: ``python tests/fuzz/run.py [TARGET ...] [--seconds N]``.

Each target runs in a process of its own, for its part of the time; one line tells how often, and what was found. The
input of a crash is written to a file, and the command is told that repeats it (for which atheris is not needed).
"""

# ruff: noqa: T201 - what it prints is its purpose

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fuzz.seeds import seeds, written  # noqa: E402 - the path to it is known from here on

SECONDS = 30
"""Of each target, unless told."""
LONGEST = 1024
"""Bytes of an input."""
SLOWEST = 10
"""Seconds that one input may take."""
MEMORY = 2048
"""MiB that a target may take."""


def main() -> int:
    """Fuzz, or repeat one input; 1 where something was found."""
    parser = argparse.ArgumentParser(description="Fuzz the targets.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all unless told: {', '.join(names())}")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each target (default: %(default)s)")
    parser.add_argument("--crashes", type=Path, default=Path(tempfile.gettempdir()), help="where to write inputs")
    parser.add_argument("--repeat", type=Path, help="a file with one input for one target")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    targets = options.targets or names()
    unknown = sorted(set(targets) - set(names()))
    if unknown:
        parser.error(f"no target: {', '.join(unknown)}")
    if options.repeat is not None:
        for target in targets[:1]:
            check(target)(options.repeat.read_bytes())
        return 0
    if options.worker is not None:
        work(targets[0], options.worker, options.seconds)
    try:
        importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed here; it has wheels for CPython 3.11 to 3.13 on Linux")
        return 0
    options.crashes.mkdir(parents=True, exist_ok=True)
    return int(sum(fuzz(target, options.seconds, options.crashes) for target in targets) > 0)


def names() -> list[str]:
    """The names of all targets."""
    return sorted(module.name for module in pkgutil.iter_modules([str(HERE / "targets")]))


def check(target: str) -> Callable[[bytes], None]:
    """What a target does with one input; no secret is known from the input before, so that each can be repeated."""
    module, redaction = (
        importlib.import_module(f"fuzz.targets.{target}"),
        importlib.import_module("jackfield.redaction"),
    )

    def once(data: bytes) -> None:
        redaction._known = redaction._Known()  # there is no public way to forget
        module.check(data)

    return once


def fuzz(target: str, seconds: int, crashes: Path) -> int:
    """Run a target in a process of its own; how many crashes it had: it ends with the first."""
    with tempfile.TemporaryDirectory(prefix="jackfield-fuzz-") as scratch:
        command = [sys.executable, __file__, target, "--seconds", str(seconds), "--worker", scratch]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        runs = int((re.findall(r"^stat::number_of_executed_units: +(\d+)", done.stderr, re.MULTILINE) or ["0"])[-1])
        found = sorted(path for path in Path(scratch).iterdir() if path.name.startswith(("crash-", "timeout-", "oom-")))
        print(f"{target:10} {runs:10} runs {runs / seconds:10.0f} a second {len(found):3} crashes", flush=True)
        for path in found:
            kept = crashes / f"{target}-{path.name}"
            kept.write_bytes(path.read_bytes())
            reason = [
                line for line in (done.stdout + done.stderr).splitlines() if re.match(r"\w+(Error|Exit)\b|ERROR", line)
            ]
            print(f"  {(reason or ['no reason was told'])[0]}")
            print(f"  as a seed: {written(path.read_bytes())}")
            print(f"  to repeat: {shlex.join([sys.executable, __file__, target, '--repeat', str(kept)])}", flush=True)
    if done.returncode and not found:
        print(done.stdout + done.stderr, flush=True)
    return len(found) or int(done.returncode != 0)


def work(target: str, scratch: Path, seconds: int) -> None:
    """Fuzz one target, to the end of this process."""
    import atheris

    corpus = scratch / "corpus"
    corpus.mkdir()
    with atheris.instrument_imports(include=["jackfield", "fuzz.targets"]):
        function = check(target)
        for number, seed in enumerate(seeds(target)):
            (corpus / str(number)).write_bytes(seed)
            function(seed)  # what is imported late is instrumented too
    arguments = [
        f"-artifact_prefix={scratch}/",
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MEMORY}",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup([__file__, *arguments], function)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
