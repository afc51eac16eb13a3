"""Mutation run: how much of what can be broken in the code that must not fail is noticed by its tests.

``python .ci/mutation.py [--limit PERCENT] [GROUP ...]``. Each group of modules is changed in hundreds of small ways by
mutmut, and the group's tests run against each change. What no test noticed is shown in
``build/mutation/GROUP/survivors.txt``. The exit code is 1 where a group has less than the limit, 85 %, killed.

The environment needs jackfield with the plugins, and the dependency groups ``test`` and ``mutation``.
"""

# ruff: noqa: INP001, T201 - a script that prints, no package

from __future__ import annotations

import argparse
import collections
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import libcst as cst

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutation"
LIMIT = 85.0
MEMORY = 4 << 30
"""Bytes of address space: a loop without end that fills a list must not take the whole machine's."""
KILLED = {"killed", "check was interrupted by user"}
"""The second is a KeyboardInterrupt that left the tests, which it does not do in unchanged code."""
RETRY = "plugins/jackfield-retry"


class Group(NamedTuple):
    """Modules, and the tests that must notice what is changed in them.

    Attributes:
        modules: files below ``src``.
        tests: patterns of files of tests, each with ``::`` and a test where only that one is meant.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "retry": Group(
        ("jackfield_retry/policy.py", "jackfield_retry/budget.py", "jackfield_retry/retry.py"),
        (f"{RETRY}/tests",),
    ),
    "deadline": Group(
        ("jackfield/drivers/live.py", "jackfield/drivers/watchdog.py", "jackfield/call.py"),
        (
            "tests/drivers/test_live.py",
            "tests/drivers/test_watchdog.py",
            "tests/drivers/test_deadline.py::test_the_limits_hold",
            "tests/drivers/test_deadline.py::test_connecting_ends_with_the_deadline",
            "tests/test_call.py",
        ),
    ),
    "redaction": Group(
        ("jackfield/secret.py", "jackfield/redaction.py", "jackfield/needle.py", "jackfield/view.py"),
        ("tests/test_secret.py", "tests/test_redaction*.py"),
    ),
    "engine": Group(
        tuple(f"jackfield/{name}.py" for name in ("engine", "ending", "stack", "ledger", "frame")),
        ("tests/test_engine*.py", "tests/test_ending.py", "tests/test_ledger.py", "tests/test_frame.py"),
    ),
}
CONFTEST = """

import json as _json
from pathlib import Path as _Path

from hypothesis import settings as _settings

# Examples are drawn the same way for every mutant, and few of them.
_settings.register_profile("mutation", derandomize=True, max_examples=20, deadline=None, database=None)
_settings.load_profile("mutation")


def pytest_collection_modifyitems(items):
    # The quickest tests come first, so that what they notice is not waited for in a slow one.
    stats = _Path("mutmut-stats.json")
    times = _json.loads(stats.read_text())["duration_by_test"] if stats.exists() else {}
    items.sort(key=lambda item: times.get(item.nodeid, 0.0))
"""


class Score(NamedTuple):
    """What came of a group's mutants."""

    group: str
    mutants: int
    killed: int
    survived: int
    timeout: int

    @property
    def percent(self) -> float:
        """How many were noticed; one that made the tests hang was."""
        return 100.0 * (self.killed + self.timeout) / self.mutants


def main() -> int:
    """Run the groups named on the command line, or all; 1 where one has less than the limit killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"{', '.join(GROUPS)}; all unless told")
    parser.add_argument("--limit", type=float, default=LIMIT, help="percent that must be killed in each")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.groups) - set(GROUPS))
    if unknown:
        parser.error(f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    scores = [run(name) for name in arguments.groups or GROUPS]
    print(f"\n{'group':<12}{'mutants':>8}{'killed':>8}{'survived':>10}{'timeout':>9}{'percent':>9}")
    for score in scores:
        print(
            f"{score.group:<12}{score.mutants:>8}{score.killed:>8}{score.survived:>10}{score.timeout:>9}"
            f"{score.percent:>8.1f}%"
        )
    return int(any(score.percent < arguments.limit for score in scores))


def run(name: str) -> Score:
    """Break a group's modules in every way, one after the other."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    work = WORK / name
    prepare(work, GROUPS[name])
    mutmut(work, "run", "--max-children", "1")
    states = {
        mutant.strip(): state.strip()
        for mutant, _, state in (
            line.rpartition(": ") for line in mutmut(work, "results", "--all", "true").splitlines()
        )
    }
    if not states or "not checked" in states.values():
        raise SystemExit(f"mutmut did not get through the mutants of {name} in {work}")
    alive = sorted(mutant for mutant, state in states.items() if state not in KILLED | {"timeout"})
    hung = sorted(mutant for mutant, state in states.items() if state == "timeout")
    (work / "survivors.txt").write_text(
        "\n".join(mutmut(work, "show", mutant) for mutant in [*alive, *hung]), encoding="utf-8"
    )
    counts = collections.Counter(states.values())
    return Score(name, len(states), sum(counts[state] for state in KILLED), len(alive), len(hung))


def prepare(work: Path, group: Group) -> None:
    """Lay out a tree that mutmut can work in: one ``src``, the tests, and its settings."""
    shutil.rmtree(work, ignore_errors=True)
    skipped = shutil.ignore_patterns("__pycache__")
    for origin, target in {
        "src": "src",
        f"{RETRY}/src": "src",
        f"{RETRY}/tests": f"{RETRY}/tests",
        "tests": "tests",
    }.items():
        shutil.copytree(ROOT / origin, work / target, dirs_exist_ok=True, ignore=skipped)
    shutil.copy(ROOT / RETRY / "README.md", work / RETRY)
    for name in ("README.md", "pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, work)
    with (work / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(CONFTEST)
    modules = [work / "src" / name for name in group.modules]
    for path in modules:
        path.write_text(undecorated(path.read_text(encoding="utf-8")), encoding="utf-8")
    tests = [
        str(path.relative_to(work)) + test.removeprefix(pattern)
        for test in group.tests
        for pattern in [test.partition("::")[0]]
        for path in sorted(work.glob(pattern))
    ]
    settings: dict[str, Any] = {
        "source_paths": ["src"],
        "only_mutate": [str(path.relative_to(work)) for path in modules],
        "also_copy": ["conftest.py", "README.md", "tests", "plugins"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": tests,
        "timeout_multiplier": 4.0,
        "timeout_constant": 3.0,
        "use_git_change_detection": False,
        # What an earlier run of the tests left in memory, such as a cache, must not hide a change.
        "process_isolation": "forkserver",
        "use_setproctitle": False,
    }
    with (work / "pyproject.toml").open("a", encoding="utf-8") as file:
        # What JSON writes for texts, lists and numbers is TOML too.
        lines = (f"{key} = {json.dumps(value)}" for key, value in settings.items())
        file.write("\n".join(["\n[tool.mutmut]", *lines, ""]))


def undecorated(source: str) -> str:
    """The same module, decorators of methods applied by assignments below them: mutmut changes no decorated one."""
    return cst.parse_module(source).visit(_Undecorate()).code


class _Undecorate(cst.CSTTransformer):
    """``@d def f`` in a class becomes ``def f`` and ``f = d(f)``."""

    def __init__(self) -> None:
        self.depth = 0

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:  # noqa: ARG002, N802 - libcst's own names
        return False

    def leave_FunctionDef(  # noqa: N802 - libcst's own name
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        """Take the decorators off; those that mutmut knows, or that name the function itself, stay."""
        name = original_node.name.value
        decorators = [cst.Module([]).code_for_node(each.decorator) for each in original_node.decorators]
        kept = {"staticmethod", "classmethod"}
        if not decorators or any(each in kept or each.startswith(f"{name}.") for each in decorators):
            return updated_node
        applied = name
        for decorator in reversed(decorators):
            applied = f"{decorator}({applied})"
        return cst.FlattenSentinel(
            [
                updated_node.with_changes(decorators=[]),
                cst.parse_statement(f"{name} = {applied}"),
            ]
        )


def mutmut(work: Path, *arguments: str) -> str:
    """What mutmut prints.

    Raises:
        SystemExit: it failed.
    """
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    done = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise SystemExit(f"mutmut {' '.join(arguments)} failed in {work}:\n{done.stdout[-5000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
