"""The rule that no test is left out for want of a package, where ``JACKFIELD_NO_SKIPS`` is set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from walkthrough import ROOT

MODULE = "import pytest\nnowhere = pytest.importorskip('a_package_that_is_not_there')\n"
FUNCTION = "import pytest\ndef test_it():\n    pytest.importorskip('a_package_that_is_not_there')\n"
PLATFORM = "import pytest\ndef test_it():\n    pytest.skip('this machine has no IPv6')\n"


def outcome(directory: Path, source: str, *, strict: bool) -> int:
    """The exit code of pytest for one file of tests, under the rule of this repository."""
    (directory / "conftest.py").write_text((ROOT / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    (directory / "test_it.py").write_text(f"{source}\n\ndef test_other():\n    pass\n", encoding="utf-8")
    environ = {**os.environ, "JACKFIELD_NO_SKIPS": "1" if strict else ""}
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(directory), str(directory)]
    return subprocess.run(command, cwd=directory, env=environ, capture_output=True, check=False).returncode


@pytest.mark.parametrize("source", [MODULE, FUNCTION])
def test_want_of_a_package_fails_where_no_skips_are_allowed(source: str, tmp_path: Path) -> None:
    """A module or a test that a missing package leaves out is a failure."""
    assert outcome(tmp_path, source, strict=True) != 0


@pytest.mark.parametrize(("source", "code"), [(MODULE, 5), (FUNCTION, 0)])
def test_want_of_a_package_skips_elsewhere(source: str, code: int, tmp_path: Path) -> None:
    """Who runs the tests by hand, without a package, is not stopped; 5 says that there were no tests."""
    assert outcome(tmp_path, source, strict=False) == code


def test_other_reasons_to_skip_are_let_through(tmp_path: Path) -> None:
    """What a machine cannot do is no failure."""
    assert outcome(tmp_path, PLATFORM, strict=True) == 0
