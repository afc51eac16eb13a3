"""What is written, and what happens where it cannot be."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.cli.output import TextOut, document, emit, harmless, json_text, say, table, told
from jackfield.errors import APIConnectionError, DeadlineExceededError, JackfieldError, RateLimitError
from jackfield.redaction import remember


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    """But for line feeds and tabs; and other text is left alone."""
    shown = harmless(text)

    assert not {letter for letter in shown if unicodedata.category(letter) == "Cc"} - {"\n", "\t"}
    assert "\n" not in harmless(text, one_line=True)
    assert [letter for letter in text if unicodedata.category(letter) != "Cc"] == [
        letter for letter in text if letter in harmless(letter) and unicodedata.category(letter) != "Cc"
    ]


def test_json_on_a_terminal_stays_json_without_control_characters(monkeypatch, terminal, capsys) -> None:
    """JSON escapes only a part of them; for a program it stands as it is."""
    json_text('"\x9b"')
    monkeypatch.setattr(sys, "stdout", terminal)
    document(["ä\x9b\x7f"])
    monkeypatch.undo()

    assert capsys.readouterr().out == '"\x9b"\n'
    assert terminal.getvalue() == '[\n  "ä\\u009b\\u007f"\n]\n'


def test_no_known_secret_is_written(monkeypatch, terminal, capsys) -> None:
    """Neither as text nor as JSON, whose numbers stay numbers, on a terminal or not, on stderr either."""
    remember("canary-4ac1")
    remember("4815162342")
    out = TextOut()
    out.write("it is canary-4ac1\n")
    table(["name"], [["canary-4ac1"]])
    json_text('{"canary-4ac1":["so canary-4ac1",4815162342,null]}')
    document({"key": "canary-4ac1"})
    say("not canary-4ac1")
    shown = capsys.readouterr()
    monkeypatch.setattr(sys, "stdout", terminal)
    TextOut().write("canary-4ac1")

    assert terminal.getvalue() == "***"
    assert shown.err == "not ***\n"
    assert shown.out.splitlines() == [
        "it is ***",
        "***",
        '{"***": ["so ***", 4815162342, null]}',
        "{",
        '  "key": "***"',
        "}",
    ]


def test_an_error_is_told_with_what_is_known() -> None:
    """A message without facts stands alone; an error without a message is told by its class."""
    located = DeadlineExceededError("late")
    located.backend = "b"

    assert told(JackfieldError("plain")) == "plain"
    assert told(JackfieldError("")) == "JackfieldError"
    assert told(located) == "late [b]"
    assert told(APIConnectionError("refused")) == "refused"
    assert told(RateLimitError("slow down", status_code=429)) == "slow down [HTTP 429]"
    assert told(RateLimitError("HTTP 429: slow down", status_code=429)) == "HTTP 429: slow down"


def test_names_are_shown_on_one_line(world) -> None:
    """A name with a line feed makes no second row."""
    world.configure('[models]\n"a\\nb" = "zoo/x"\n[backends.zoo]\nprovider = "parrot"\n')

    assert world.run("models").stdout.startswith("a\\nb\tzoo/x\n")


def test_a_reader_that_has_seen_enough_is_no_failure_to_talk_about(world) -> None:
    """The pipe's other end is gone: it ends quietly."""
    for arguments in (["plugins"], ["chat", "hello"], ["--version"], ["completion", "fish"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = world.process(*arguments, stdout=writer)
        os.close(writer)

        assert (done.returncode, done.stderr) == (1, "")


def test_an_output_that_cannot_be_written_is_told(world) -> None:
    """A full disk is one message and exit code 1, also when the interpreter ends."""
    with Path("/dev/full").open("w") as full:
        done = world.process("chat", "hello", stdout=full)

    assert (done.returncode, done.stderr) == (1, "Error: the output cannot be written: No space left on device\n")


def test_an_output_that_fails_is_not_tried_again(monkeypatch, outlet) -> None:
    """What could not be written is told, and the interpreter has nothing left to write at its end."""
    monkeypatch.setattr(sys, "stdout", outlet(os.open("/dev/full", os.O_WRONLY)))
    with pytest.raises(click.ClickException, match="the output cannot be written: No space left on device"):
        emit("text")
    emit("more")
    sys.stdout.close()


def test_a_reader_that_is_gone_is_left_to_click(monkeypatch, outlet) -> None:
    """A broken pipe is raised as it is: click ends quietly on it."""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(sys, "stdout", outlet(writer))
    with pytest.raises(BrokenPipeError):
        emit("text")


@pytest.fixture
def outlet() -> Iterator[Callable[[int], TextIO]]:
    """Makes streams that cannot write what they hold; they are closed in the end."""
    streams: list[TextIO] = []

    def make(number: int) -> TextIO:
        streams.append(os.fdopen(number, "w"))
        return streams[-1]

    yield make
    for stream in streams:
        with suppress(OSError):
            stream.close()


def test_a_letter_that_the_encoding_has_not_is_escaped(world) -> None:
    """An answer is shown to its end on a terminal of an old encoding."""
    done = world.process("chat", "→ ü", env={**os.environ, "PYTHONIOENCODING": "latin-1"}, encoding="latin-1")

    assert (done.returncode, done.stdout) == (0, "\\u2192 ü\n")


def test_a_failure_is_told_once_though_it_is_logged(world) -> None:
    """A log that nobody has set up is no second voice on the terminal."""
    world.configure('[backends.zoo]\nprovider = "parrot"\n[[middleware]]\nuse = "logging"\n')
    done = world.process("chat", "-m", "zoo/busy", "hello")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Error: slow down")
