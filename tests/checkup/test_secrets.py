"""Each reference to a secret is looked at, and no value is shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from findings import KEY, MODELS, config, found, inside, of, remedy, statuses
from jackfield import Secret
from server import Serve, answer


def test_a_variable_that_is_not_set(serve: Serve) -> None:
    """Nothing is sent without the key, and the way to the service is looked at all the same."""
    server = serve([answer(MODELS)])
    rows = found(config(server.url, key="env:NOT_SET_ANYWHERE"), live=True)

    assert of(rows, "b")["secret bearer.token"] == ("failed", "environment variable NOT_SET_ANYWHERE is not set")
    assert remedy(rows, "secret bearer.token").startswith("set the variable")
    assert statuses(rows)["tcp"] == "ok"
    assert of(rows, "b")["http"] == ("skipped", "a secret of it does not resolve")
    assert of(rows, "b")["call"] == ("skipped", "a secret of it does not resolve")
    assert server.requests == []


def test_files_of_secrets(tmp_path: Path) -> None:
    """One that only its owner may read is well, one that all may read is warned of, one that is not there has failed."""
    good, loose = tmp_path / "good", tmp_path / "loose"
    for file, mode in ((good, 0o600), (loose, 0o644)):
        file.write_text(KEY)
        file.chmod(mode)
    rows = found(inside(keys={"a": f"file:{good}", "b": f"file:{loose}", "c": f"file:{tmp_path / 'none'}"}))

    assert of(rows, "b") | {"service": None} == {
        "secret inside.keys.a": ("ok", f"file:{good} resolves"),
        "secret inside.keys.b": ("warning", f"file:{loose} can be read by every user of this machine"),
        "secret inside.keys.c": ("failed", f"secret file {tmp_path / 'none'} cannot be read: FileNotFoundError"),
        "service": None,
    }
    assert remedy(rows, "secret inside.keys.b") == f"chmod 600 {loose}"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read any, so what the system says is played here."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    rows = found(inside(one="file:/a"))

    assert of(rows, "b")["secret inside.one"] == ("failed", "secret file /a cannot be read: PermissionError")
    assert "let the user of the program read it" in remedy(rows, "secret inside.one")


def test_commands_of_secrets(tmp_path: Path) -> None:
    """They are run, as for any call, but not offline; only the program's name is shown, and one that hangs is given up."""
    mark = tmp_path / "mark"
    rows = found(inside(more=[f"command:echo {KEY}", f"command:false {KEY}", f"command:echo {KEY[:9]}\u00e4"]))
    offline = found(inside(one=f"command:touch {mark} {KEY}"), offline=True)
    hangs = found(inside(one="command:sleep 2"), timeout=0.1)

    assert of(rows, "b")["secret inside.more.0"] == ("ok", "command:echo resolves")
    assert of(rows, "b")["secret inside.more.1"] == ("failed", "secret command 'false' ended with exit code 1")
    assert of(rows, "b")["secret inside.more.2"][1].startswith("secret command:echo has a character at position 10")
    assert of(offline, "b")["secret inside.one"] == ("skipped", "command:touch is not run offline")
    assert not mark.exists()
    assert of(hangs, "b")["secret inside.one"] == ("failed", "command:sleep took longer than 0.1 s")


def test_a_secret_that_the_program_holds() -> None:
    """It has no reference that could fail."""
    rows = found(inside(one=Secret.of(KEY)))

    assert of(rows, "b")["secret inside.one"] == ("ok", "the program holds it")


def test_a_key_in_the_place_of_a_reference() -> None:
    """It is refused where it stands, and not shown."""
    rows = found(inside(one=KEY))
    faults = [row for row in rows if row.what == "fault"]

    assert [row.detail.split(":")[0] for row in faults] == ["backends.b.one"]
    assert of(rows, "b")["service"] == ("skipped", "its configuration is at fault")


def test_layers_of_one_kind_are_told_apart(serve: Serve) -> None:
    """By their places in the configuration; a layer that stands alone needs none."""
    layers = [
        {"use": "header", "name": "x-one", "value": "env:CANARY"},
        {"use": "bearer", "token": "env:CANARY"},
        {"use": "header", "name": "x-two", "value": "env:NOT_SET_ANYWHERE"},
    ]
    rows = of(found(config("https://nobody.invalid", middleware=layers), offline=True), "b")

    assert [what for what in rows if what.startswith("secret")] == [
        "secret header.value of middleware[0]",
        "secret bearer.token",
        "secret header.value of middleware[2]",
    ]
    assert rows["secret header.value of middleware[2]"][0] == "failed"


def test_a_keyring_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is to install it: the entry may be there."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    rows = found(inside(one="keyring:service/user"))

    assert of(rows, "b")["secret inside.one"][0] == "failed"
    assert remedy(rows, "secret inside.one") == "pip install 'jackfield[keyring]'"
