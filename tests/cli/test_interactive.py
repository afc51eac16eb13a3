"""The session on a terminal: in this process with lines given, and as a process on a pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from fakeserver import readable

PROMPT = "> "


def shown(screen: str) -> list[str]:
    """What stood between the prompts."""
    return [part.strip("\n") for part in screen.split(PROMPT)[1:]]


def test_each_turn_has_all_that_was_said_before(world) -> None:
    """Question and answer of a turn stand before the question of the next; the end of input leaves."""
    lines = ["one\n", "\n", "two\n"]
    code, screen = world.on_terminal("chat", "-m", "zoo/said", "--system", "S", lines=lines)

    first = "system: S | user: one"
    assert code == 0
    assert shown(screen) == [first, "", f"{first} | assistant: {first} | user: two", ""]


def test_reset_forgets_and_exit_leaves(world) -> None:
    """After /reset only the system message is left; nothing after /exit is asked."""
    lines = ["one\n", "/reset\n", "two\n", " /exit \n", "three\n"]
    code, screen = world.on_terminal("chat", "-m", "zoo/said", "--system", "S", lines=lines)

    assert code == 0
    assert shown(screen) == ["system: S | user: one", "", "system: S | user: two", ""]


def test_an_unknown_command_is_not_asked(world, capsys) -> None:
    """A slip in a command does not reach the model; a text that begins with a path does."""
    _, screen = world.on_terminal("chat", lines=["/quit\n", "/etc/hosts is what?\n"])

    assert shown(screen) == ["", "/etc/hosts is what?", ""]
    assert "unknown command; /reset forgets" in capsys.readouterr().err


def test_ctrl_c_at_the_prompt_stays(world) -> None:
    """An interrupted line is dropped."""
    code, screen = world.on_terminal("chat", lines=[KeyboardInterrupt, "on\n"])

    assert code == 0
    assert shown(screen) == ["", "on", ""]


def test_a_failed_turn_is_forgotten(world, capsys) -> None:
    """The failure is told, and the next question stands alone."""
    world.configure('default_model = "zoo/flaky"\n[backends.zoo]\nprovider = "parrot"\n')
    code, screen = world.on_terminal("chat", lines=["fail\n", "next\n"])

    assert code == 0
    assert shown(screen) == ["", "user: next", ""]
    assert "Error: as you wish [zoo/flaky]" in capsys.readouterr().err


def test_of_a_turn_that_was_cut_what_was_shown_is_kept(world) -> None:
    """The model is told of the part of its answer that the user has seen."""
    _, screen = world.on_terminal("chat", "-m", "zoo/flaky", lines=["interrupt\n", "next\n"])

    assert shown(screen) == ["part", "user: interrupt | assistant: part | user: next", ""]


def test_an_answer_that_is_none_is_not_kept(world) -> None:
    """A response without an answer adds no message of the assistant."""
    code, _ = world.on_terminal("chat", "-m", "zoo/nothing", lines=["one\n", "two\n"])

    assert code == 0


def test_control_characters_of_an_answer_are_shown_not_obeyed(world) -> None:
    """An escape sequence of a model does nothing to the terminal."""
    _, screen = world.on_terminal("chat", "-m", "zoo/ansi", lines=["x\n"])

    assert shown(screen)[0] == "red \\x1b[31m \\x9b0m\\x7f\ttab\nnew"


def test_json_needs_a_prompt(world, capsys) -> None:
    """With --json there is no session."""
    assert world.on_terminal("chat", "--json") == (2, "")
    assert "a prompt is needed" in capsys.readouterr().err


def test_a_session_needs_a_terminal_at_both_ends(world, monkeypatch, capsys, terminal) -> None:
    """With an output that is no terminal, a prompt is needed."""
    from jackfield.cli.root import root

    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(SystemExit) as left:
        root.main(["chat"])

    assert left.value.code == 2
    assert "a prompt is needed" in capsys.readouterr().err


def test_a_prompt_on_a_terminal_is_answered_once(world) -> None:
    """With a prompt nothing is read from the terminal."""
    assert world.on_terminal("chat", "hi", lines=["never\n"]) == (0, "hi\n")


def test_a_session_works_without_readline(world, monkeypatch) -> None:
    """A Python without readline has no history, and that is all."""
    monkeypatch.setitem(sys.modules, "readline", None)
    code, screen = world.on_terminal("chat", lines=["hi\n"])

    assert (code, shown(screen)) == (0, ["hi", ""])
    assert not _history(world).exists()


def test_the_history_is_nobody_elses_to_read(world) -> None:
    """The file is made in the user's state directory, with rights for the user only."""
    world.on_terminal("chat", lines=["hi\n"])

    assert _history(world).stat().st_mode & 0o777 == 0o600


def test_a_history_that_cannot_be_kept_is_told(world, capsys) -> None:
    """A state directory that is a file ends no session with a traceback."""
    _history(world).parent.parent.write_text("no directory")
    code, _ = world.on_terminal("chat", lines=["hi\n"])

    assert code == 0
    assert "the history cannot be kept: " in capsys.readouterr().err


def _history(world) -> Path:
    return world.directory / "home" / "jackfield" / "history"


class Process:
    """The command line as the foreground process of a pseudo-terminal of its own.

    Args:
        arguments: of the command line.
    """

    # The child takes the terminal as its controlling one, so that Ctrl-C is a signal to it.
    START = (
        "import fcntl, runpy, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "sys.argv[0] = 'jackfield'; runpy.run_module('jackfield', run_name='__main__')"
    )

    def __init__(self, *arguments: str) -> None:
        self._keys, slave = os.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.START, *arguments],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env={**os.environ, "TERM": "dumb"},
        )  # fmt: skip
        os.close(slave)
        self.screen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._keys)

    def press(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def wait_for(self, text: str) -> str:
        """Read until the text is shown; what was shown up to its end is taken away and returned."""
        until = time.monotonic() + 60
        while text not in self.screen:
            assert time.monotonic() < until, self.screen
            block = self._read()
            assert block, self.screen
            self.screen += block
        before, _, self.screen = self.screen.partition(text)
        return before + text

    def code(self) -> int:
        """The exit code, once the process has closed its terminal."""
        while block := self._read():
            self.screen += block
        return self._process.wait(60)

    def _read(self) -> str:
        assert readable(60, self._keys), f"nothing more is shown after {self.screen!r}"
        with suppress(OSError):  # EIO: nobody holds the other end any more
            return os.read(self._keys, 4096).decode().replace("\r\n", "\n")
        return ""


def test_a_session_on_a_real_terminal(world) -> None:
    """Ctrl-C interrupts an answer and stays, the history is there in the next session, Ctrl-D leaves."""
    with Process("chat", "-m", "zoo/hangs") as session:
        session.wait_for("Ctrl-D leaves")
        session.wait_for(PROMPT)
        session.press("first words\n")
        session.wait_for("first words\n")
        session.wait_for("first words")
        session.press("\x03")
        session.wait_for("(interrupted)")
        session.wait_for(PROMPT)
        session.press("\x04")
        assert session.code() == 0
    with Process("chat") as session:
        session.wait_for(PROMPT)
        session.press("\x10\n")  # Ctrl-P: the line before
        session.wait_for("first words\n")
        session.wait_for("first words\n")
        session.wait_for(PROMPT)
        session.press("/exit\n")
        assert session.code() == 0


def test_ctrl_c_ends_a_single_question_with_130(world) -> None:
    """Interrupted, the command ends with the code that shells expect, and without a traceback."""
    with Process("chat", "-m", "zoo/hangs", "first words") as process:
        process.wait_for("first words")
        process.press("\x03")
        assert process.code() == 130
        assert "Traceback" not in process.screen
