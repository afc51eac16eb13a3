"""The entry point, the group and the exit codes."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from jackfield.cli import main as entry
from jackfield.cli.root import root

MISSING = """\
import sys
sys.modules[{name!r}] = None
sys.argv = ["jackfield", "plugins"]
from jackfield.cli.main import main
main()
"""


def test_the_module_is_the_command(world) -> None:
    """``python -m jackfield`` answers."""
    done = world.process("chat", "hello")

    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


def test_the_module_runs_in_this_process(world, monkeypatch, capsys) -> None:
    """It ends with the exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["jackfield", "config", "path"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("jackfield", run_name="__main__")

    assert left.value.code == 0
    assert capsys.readouterr().out == f"{world.directory / 'jackfield.toml'}\n"


def test_importing_the_module_does_nothing() -> None:
    """Only as a program it runs."""
    assert "main" in runpy.run_module("jackfield.__main__", run_name="imported")


@pytest.mark.parametrize("name", ["click", "rich"])
def test_the_extra_is_named_where_it_is_missing(name: str) -> None:
    """One line with the remedy, and exit code 1."""
    done = subprocess.run(
        [sys.executable, "-c", MISSING.format(name=name)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"jackfield: the command line needs {name}: pip install 'jackfield[cli]'\n"


def test_the_extra_is_named_in_this_process(monkeypatch, capsys) -> None:
    """The same, for a library that is not there."""
    monkeypatch.setattr(entry, "NEEDED", ("no_such_library",))
    with pytest.raises(SystemExit) as left:
        entry.main()

    assert left.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_help_that_cannot_be_written_is_a_failure(world) -> None:
    """A full disk is one message here too."""
    with Path("/dev/full").open("w") as full:
        done = world.process("--help", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "Error: the output cannot be written: No space left on device\n"


def test_help_that_cannot_be_written_is_a_failure_in_this_process(monkeypatch, capsys) -> None:
    """The same, whatever the operating system says."""

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(root, "main", full)
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # it is replaced, so that nothing is tried again at the end
    with pytest.raises(SystemExit) as left:
        entry.main()
    sys.stdout.close()
    assert left.value.code == 1
    assert "No space left" in capsys.readouterr().err


@pytest.mark.parametrize(("holder", "name"), [(entry, "import_module"), (root, "main")])
def test_an_interruption_outside_a_command_ends_with_130(monkeypatch, holder, name) -> None:
    """Ctrl-C while libraries are looked for, or the command line is being imported, shows no traceback."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(holder, name, interrupted)
    with pytest.raises(SystemExit) as left:
        entry.main()

    assert left.value.code == 130


def test_an_interruption_of_a_command_ends_with_130(world) -> None:
    """Ctrl-C during an answer: what was shown stays, its line is ended."""
    result = world.run("chat", "-m", "zoo/flaky", "interrupt")

    assert (result.exit_code, result.stdout, result.stderr) == (130, "part\n", "")


def test_the_version_of_everything(world) -> None:
    """The core first, then the distributions of its plugins and commands; none is imported."""
    world.install("sick", "0.1", "[jackfield.providers]\nsick = nowhere:Sick\n")
    world.install("served", "0.2", "[jackfield.commands]\nserved = nowhere:served\n")
    lines = world.run("--version").stdout.splitlines()

    assert lines[0].startswith(f"jackfield {version('jackfield')} (Python 3.")
    assert {"jackfield-zoo 1.2", "sick 0.1", "served 0.2"} < set(lines)
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [[], ["chat"], ["models"], ["plugins"], ["config"], ["completion"]])
def test_every_command_has_help(world, command: list[str], flag: str) -> None:
    """Help is a result: on stdout, exit code 0."""
    result = world.run(*command, flag)

    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: jackfield")


def test_an_unknown_command_is_a_wrong_use(world) -> None:
    """Exit code 2, and nothing on stdout."""
    result = world.run("caht")

    assert (result.exit_code, result.stdout) == (2, "")


def test_no_style_where_no_colour_is_wanted(world) -> None:
    """With NO_COLOR a table is plain text, also on a terminal that has colours."""
    world.monkeypatch.setenv("TERM", "xterm-256color")
    _, coloured = world.on_terminal("models")
    world.monkeypatch.setenv("NO_COLOR", "1")
    _, plain = world.on_terminal("models")

    assert "\x1b[1m" in coloured
    assert "\x1b" not in plain


def test_without_a_standard_output_nothing_is_begun(world, monkeypatch, capsys) -> None:
    """A closed stdout is told at once: what is opened next would take its place."""
    from jackfield.cli.root import root

    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as left:
        root.main(["plugins"])
    monkeypatch.undo()

    assert left.value.code == 1
    assert "no standard output" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(world, shell: str) -> None:
    """It names the command and its variable."""
    result = world.run("completion", shell)

    assert result.exit_code == 0
    assert "_JACKFIELD_COMPLETE" in result.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["co"], {"completion", "config"}),
        (["chat", "-m", ""], {"fast", "zoo/"}),
        (["chat", "-m", "z"], {"zoo/"}),
        (["chat", "--config", "other.toml", "-m", ""], {"other/"}),
        (["chat", "-o", "temp"], {"temperature="}),
        (["chat", "-o", "mod"], {"modalities=", "moderation="}),
        (["--version", "mod"], {"models"}),
    ],
)
def test_words_are_completed(world, words: list[str], expected: set[str]) -> None:
    """Commands, parameters, aliases and backends; a model's own option is no parameter."""
    world.configure('[backends.other]\nprovider = "parrot"\n', "other.toml")
    variables = {
        "_JACKFIELD_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["jackfield", *words]),
        "COMP_CWORD": str(len(words)),
    }
    for name, value in variables.items():
        world.monkeypatch.setenv(name, value)
    done = world.process(env=dict(os.environ))

    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


@pytest.mark.parametrize(("incomplete", "expected"), [("zo", ["zoo/"]), ("", ["fast", "zoo/"])])
def test_models_are_completed_in_this_process(world, incomplete: str, expected: list[str]) -> None:
    """The names come from the configuration."""
    import click

    from jackfield.cli.params import ModelName
    from jackfield.cli.root import root

    context = click.Context(root)
    found = ModelName().shell_complete(context, click.Option(["-m"]), incomplete)

    assert [item.value for item in found] == expected


def test_parameters_are_completed_in_this_process() -> None:
    """Each comes with its equals sign."""
    import click

    from jackfield.cli.params import Field
    from jackfield.cli.root import root

    found = Field().shell_complete(click.Context(root), click.Option(["-o"]), "top_")

    assert [item.value for item in found] == ["top_logprobs=", "top_p="]


def test_the_echo_provider_answers_from_its_own_entry_point(world) -> None:
    """The provider for documentation needs no plugin."""
    world.configure('default_model = "e/echo"\n[backends.e]\nprovider = "echo"\n')

    assert world.run("chat", "hello").stdout == "hello\n"
    assert world.run("models").stdout == "e/echo\t\tjackfield\n"
