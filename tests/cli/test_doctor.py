"""``jackfield doctor``."""

from __future__ import annotations

import json

import pytest

from jackfield.cli import doctor

WELL = 'default_model = "zoo/parrot"\n[backends.zoo]\nprovider = "parrot"\n'
ILL = f'{WELL}tokn = "canary"\n'


def test_all_is_well(world) -> None:
    """A line for each look, its cells parted by tabs; exit code 0."""
    world.configure(WELL)
    result = world.run("doctor")
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert lines[0] == f"ok\tconfiguration\tfile\t{world.directory / 'jackfield.toml'}"
    assert lines[1] == "ok\tplugins\tprovider parrot\tjackfield-zoo 1.2"
    assert lines[-1] == "skipped\tzoo\tservice\tit answers inside this process"
    assert result.stderr == "2 ok, 0 warning, 0 failed, 2 skipped\n"


def test_what_failed_is_told_with_its_remedy(world) -> None:
    """Exit code 1; no value of a setting is shown."""
    world.configure(ILL)
    result = world.run("doctor")
    (fault,) = [line for line in result.stdout.splitlines() if line.startswith("failed")]

    assert result.exit_code == 1
    assert fault == (
        f"failed\tconfiguration\tfault\t{world.directory / 'jackfield.toml'}:4: backends.zoo.tokn: unknown setting"
        '\tdid you mean "token"?'
    )
    assert "canary" not in result.output


def test_json_is_one_document(world) -> None:
    """How many failed, and all rows."""
    world.configure(ILL)
    result = world.run("doctor", "--json")
    data = json.loads(result.stdout)

    assert (result.exit_code, result.stderr, data["failed"]) == (1, "", 1)
    assert data["rows"][0] == {
        "about": "configuration",
        "what": "file",
        "status": "ok",
        "detail": str(world.directory / "jackfield.toml"),
        "remedy": None,
    }


def test_with_live_a_call_is_made(world) -> None:
    """Of the model that leads to the backend, or of the one that is given."""
    world.configure(WELL)

    assert world.run("doctor", "--live").stdout.splitlines()[-1] == "ok\tzoo\tcall\tparrot answers"
    assert world.run("doctor", "--live", "-m", "zoo/line").stdout.splitlines()[-1] == "ok\tzoo\tcall\tline answers"
    assert world.run("doctor", "--live", "-m", "zoo/busy").exit_code == 1


def test_what_middleware_logs_is_not_mixed_in(world) -> None:
    """A failure is told once, by the command itself."""
    pytest.importorskip("jackfield_logging")
    world.configure(f'{WELL}[[backends.zoo.middleware]]\nuse = "logging"\n')
    done = world.process("doctor", "--live", "-m", "zoo/busy")

    assert done.returncode == 1
    assert "failed\tzoo\tcall\tslow down" in done.stdout
    assert done.stderr == "3 ok, 0 warning, 1 failed, 2 skipped\n"


def test_one_backend_can_be_named(world) -> None:
    """The others are not looked at."""
    world.configure(f'{WELL}[backends.other]\nprovider = "parrot"\n')
    result = world.run("doctor", "--offline", "--backend", "other", "--timeout", "3")

    assert result.exit_code == 0
    assert "other\tservice" in result.stdout
    assert "zoo\tservice" not in result.stdout


def test_live_and_offline_are_a_contradiction(world) -> None:
    """A wrong use."""
    result = world.run("doctor", "--live", "--offline")

    assert result.exit_code == 2
    assert "--live needs the network" in result.stderr


def test_without_any_configuration_the_remedy_is_to_write_one(world) -> None:
    """What a new user sees first."""
    (world.directory / "jackfield.toml").unlink()
    world.monkeypatch.setattr("jackfield.registry.Registry.has", lambda *_: False)
    result = world.run("doctor")

    assert result.exit_code == 1
    assert "jackfield config init writes a first one" in result.stdout


def screen_of(world) -> str:
    """What a terminal shows."""
    world.monkeypatch.setenv("NO_COLOR", "1")
    world.monkeypatch.setenv("COLUMNS", "200")
    code, screen = world.on_terminal("doctor")
    assert code == 1
    return screen


def test_on_a_terminal_each_line_has_a_mark(world) -> None:
    """The remedy stands below it; what looks like markup or moves the cursor is shown as it is."""
    world.configure(ILL.replace('provider = "parrot"', 'provider = "par[red]\\u001brot"'))
    lines = screen_of(world).splitlines()

    assert lines[0].startswith("✓ configuration: file: ")
    assert "✗ plugins: provider par[red]\\x1brot: is not installed" in lines
    assert lines[lines.index("✗ plugins: provider par[red]\\x1brot: is not installed") + 1].startswith(
        "    did you mean"
    )
    assert any(line.startswith("\N{EN DASH} plugins: not enabled") for line in lines)


def test_a_terminal_that_has_no_such_letters_gets_others(world) -> None:
    """ASCII, where the encoding of the output cannot show the marks."""
    world.configure(ILL)
    world.monkeypatch.setattr(doctor, "_can_show", lambda _: False)
    lines = screen_of(world).splitlines()

    assert lines[0].startswith("+ configuration: file: ")
    assert any(line.startswith("x configuration: fault: ") for line in lines)


class Output:
    """An output with an encoding."""

    def __init__(self, encoding: str | None) -> None:
        self.encoding = encoding


@pytest.mark.parametrize(("encoding", "can"), [("utf-8", True), ("ascii", False), ("nonsense", False), (None, True)])
def test_the_encoding_of_the_output_decides(encoding: str | None, can: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not known shows ASCII."""
    monkeypatch.setattr("sys.stdout", Output(encoding))

    assert doctor._can_show("✓") is can


def test_colours_are_for_terminals_that_want_them(world) -> None:
    """Green, red; and none with NO_COLOR."""
    world.configure(ILL)
    world.monkeypatch.setenv("FORCE_COLOR", "1")
    world.monkeypatch.setenv("TERM", "xterm")
    _, coloured = world.on_terminal("doctor")

    assert "\x1b[32m✓" in coloured
    assert "\x1b[31m✗" in coloured
    assert "\x1b" not in screen_of(world)
