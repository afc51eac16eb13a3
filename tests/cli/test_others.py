"""Commands of other distributions: found by their entry points, imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SOURCE = """
import click

@click.command(short_help="Say the hour.")
@click.option("--loud", is_flag=True)
@click.pass_context
def hour(context, loud):
    click.echo(f"one{'!' if loud else ''} by {context.obj.config}")

NO_COMMAND = 1
"""
POINTS = """[jackfield.commands]
hour = acme_clock:hour
chat = acme_clock:hour
odd = acme_clock:NO_COMMAND
lost = acme_nowhere:hour
"""


@pytest.fixture
def clock(world: Any, tmp_path: Path) -> Any:
    """A world in which a distribution brings commands."""
    (tmp_path / "site" / "acme_clock.py").write_text(SOURCE)
    world.install("acme-clock", "3.1", POINTS)
    return world


def test_a_command_of_another_distribution_is_one_of_jackfields(clock: Any, tmp_path: Path) -> None:
    """With its options, and the configuration that was chosen; it is listed with the others."""
    file = tmp_path / "other.toml"
    file.write_text("")
    done = clock.run("--config", str(file), "hour", "--loud")
    assert (done.exit_code, done.stdout) == (0, f"one! by {file}\n")
    listed = clock.run("--help").stdout
    assert "  hour        Say the hour.\n" in listed
    assert "  doctor" in listed


def test_it_takes_the_place_of_none_of_jackfields_own(clock: Any) -> None:
    """``chat`` is still itself."""
    assert "Say the hour" not in clock.run("chat", "--help").stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("odd", "odd of acme-clock 3.1 is no click command"),
        ("lost", "lost of acme-clock 3.1 cannot be imported: ModuleNotFoundError: No module named 'acme_nowhere'"),
        ("twice", "twice is claimed by "),
    ],
)
def test_one_that_cannot_be_used_says_why_and_harms_no_other(clock: Any, name: str, told: str) -> None:
    """When it is called, whatever stands behind it, and in the list of all."""
    clock.install("b", "1", "[jackfield.commands]\ntwice = acme_clock:hour\n")
    clock.install("c", "1", "[jackfield.commands]\ntwice = acme_clock:hour\n")
    done = clock.run(name, "--any", "thing")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {told}")
    assert clock.run("hour").exit_code == 0
    assert f"  {name} " in clock.run("--help").stdout


def test_one_that_is_published_with_jackfield_names_its_package(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another name is no command at all."""
    monkeypatch.setitem(__import__("jackfield.cli.others", fromlist=["OWN"]).OWN, "polish", "jackfield-polish")
    done = world.run("polish", "-x")
    assert (done.exit_code, done.stderr) == (1, "Error: polish needs a package: pip install jackfield-polish\n")
    done = world.run("shine")
    assert done.exit_code == 2
    assert "No such command 'shine'" in done.stderr
