"""The command line shows no secret, on no stream and in no format."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from exits import echoing
from fakeserver import completion, reply, serving
from jackfield.cli.root import root
from jackfield.redaction import remember, scrub
from jackfield.testing.leaks import leaks
from keys import KEYS, SENDABLE, echo, parts

COMMANDS = (
    ("chat", "hello"),
    ("chat", "--no-stream", "hello"),
    ("chat", "--json", "hello"),
    ("models",),
    ("models", "--json"),
    ("config", "show"),
    ("config", "show", "--json"),
    ("config", "validate", "--json"),
    ("plugins", "--json"),
)


def configured(directory: Path, url: str, token: str) -> Path:
    """A configuration file."""
    file = directory / "jackfield.toml"
    file.write_text(
        f'default_model = "main/m"\n[backends.main]\nprovider = "openai"\nbase_url = "{url}"\n'
        f'[[backends.main.middleware]]\nuse = "bearer"\ntoken = "{token}"\n',
        encoding="utf-8",
    )
    return file


@pytest.mark.parametrize("name", SENDABLE)
def test_no_command_shows_a_key(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the service fails with it or answers with it."""
    key = KEYS[name]
    monkeypatch.setenv("CANARY_KEY", key)
    shown = []
    with serving(echoing(key)) as server:
        file = configured(tmp_path, server.url, "env:CANARY_KEY")
        for script in (echoing(key), lambda exchange: exchange.send(reply(completion(echo(key))))):
            server.script = script
            for command in COMMANDS:
                done = CliRunner().invoke(root, ["--config", str(file), *command], prog_name="jackfield")
                assert done.exit_code in {0, 1}, command
                assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
                shown += [done.stdout, done.stderr]

    assert any("***" in text for text in shown)
    assert [text for text in shown for part in parts(key) if leaks(text, part)] == []


PLUGIN = """\
import attrs
import jackfield
from jackfield.secret import Secret

@attrs.define(eq=False)
class Crash:
    token: Secret
    @jackfield.hookimpl
    def wrap_chat_completion(self, request, call):
        token = self.token.read()
        yield jackfield.Sleep(0)
        raise ValueError(f"bad {token}")
"""


def test_a_crash_shows_no_key(tmp_path: Path) -> None:
    """A plugin's mistake ends the command with a traceback: where it was, and not what it held."""
    (tmp_path / "crash.py").write_text(PLUGIN, encoding="utf-8")
    info = tmp_path / "crash-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crash\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[jackfield.middleware]\ncrash = crash:Crash\n", encoding="utf-8")
    file = configured(tmp_path, "http://127.0.0.1:1/v1", "env:CANARY_KEY")
    with file.open("a", encoding="utf-8") as text:
        text.write('[[middleware]]\nuse = "crash"\ntoken = "env:CANARY_KEY"\n')
    key = KEYS["openai"]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "CANARY_KEY": key}
    command = [sys.executable, "-m", "jackfield", "--config", str(file), "chat", "hello"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert "ValueError: bad ***" in done.stderr
    assert "wrap_chat_completion" in done.stderr
    assert leaks(done.stdout + done.stderr, key) == []


@pytest.mark.parametrize("kind", [RuntimeError, OSError])
def test_a_crash_of_a_command_itself_shows_no_key(monkeypatch: pytest.MonkeyPatch, kind: type[Exception]) -> None:
    """One that no client has raised."""
    remember("canary-4ac1")

    def crash(**_: object) -> None:
        raise kind("bad canary-4ac1")

    monkeypatch.setattr(root.commands["plugins"], "callback", crash)
    done = CliRunner().invoke(root, ["plugins"], prog_name="jackfield")

    assert str(done.exception) == scrub("bad canary-4ac1") == "bad ***"
