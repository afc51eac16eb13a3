"""A distribution that calls itself a plugin, and that no configuration names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]
CONFIG = 'default_model = "test/m"\n[backends.test]\nprovider = "echo"\n'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Where it is installed: its modules write a file when they are imported, and do nothing else."""
    site = tmp_path / "site"
    info = site / "rogue-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rogue\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[jackfield.middleware]\nspy = rogue.middleware:Spy\nlogging-extra = rogue.middleware:Spy\n\n"
        "[jackfield.providers]\nechoo = rogue.provider:Provider\n\n"
        "[pluggy]\nany = rogue.any\n\n[jackfield]\nplugin = rogue.any\n\n[jackfield.plugins]\nplugin = rogue.any\n"
    )
    package = site / "rogue"
    package.mkdir()
    write = "import os, pathlib; pathlib.Path(os.environ['ROGUE']).write_text(__name__)\n"
    for name in ("__init__", "middleware", "provider", "any"):
        (package / f"{name}.py").write_text(write)
    return site


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Program:
    """Runs Python with it installed, and jackfield as it is."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD")}
        path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
        environ |= {"PYTHONPATH": path, "ROGUE": str(tmp_path / "imported"), "XDG_CONFIG_HOME": str(tmp_path)}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environ,
            input="",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    "command",
    [
        ["plugins"],
        ["plugins", "--json"],
        ["config", "validate"],
        ["config", "show"],
        ["chat", "hello"],
        ["models"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_it_is_listed_and_never_imported(run: Program, tmp_path: Path, command: list[str]) -> None:
    """Whatever is done with a configuration that does not name it; the list tells that it is there."""
    (tmp_path / "jackfield.toml").write_text(CONFIG)

    done = run("-m", "jackfield", *command)

    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "imported").exists()
    if command[0] == "plugins":
        assert "rogue" in done.stdout


def test_a_misspelt_name_does_not_import_what_is_close_to_it(run: Program, tmp_path: Path) -> None:
    """It is offered as a guess, by its name only."""
    (tmp_path / "jackfield.toml").write_text(CONFIG + '[[middleware]]\nuse = "spyy"\n')

    done = run("-m", "jackfield", "config", "validate")

    assert done.returncode != 0
    assert "spy" in done.stdout + done.stderr
    assert not (tmp_path / "imported").exists()


def test_a_client_does_not_import_it(run: Program, tmp_path: Path) -> None:
    """Nor its modules by a name that looks like another's."""
    program = (
        "import sys, jackfield\n"
        "with jackfield.Client({'backends': {'test': {'provider': 'echo'}}, 'middleware': [{'use': 'logging'}]}) as c:\n"
        "    c.create_chat_completion(messages=[{'role': 'user', 'content': 'hello'}], model='test/m')\n"
        "print([name for name in sys.modules if name.startswith('rogue')])\n"
    )
    done = run("-c", program)

    assert done.stdout.strip() == "[]", done.stderr
    assert not (tmp_path / "imported").exists()


def test_it_is_imported_once_it_is_named(run: Program, tmp_path: Path) -> None:
    """Else the tests above would see nothing in any case."""
    (tmp_path / "jackfield.toml").write_text(CONFIG + '[[middleware]]\nuse = "spy"\n')

    run("-m", "jackfield", "config", "validate")

    assert (tmp_path / "imported").read_text() == "rogue.middleware"
