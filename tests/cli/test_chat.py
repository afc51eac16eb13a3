"""``jackfield chat``: one question, one answer."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest


def test_the_answer_is_printed_and_its_line_ended(world) -> None:
    """The text goes to stdout, with a line feed; nothing goes to stderr."""
    result = world.run("chat", "hello there")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello there\n", "")


def test_a_line_that_is_ended_is_not_ended_again(world) -> None:
    """An answer with a line feed at its end gets no second one."""
    assert world.run("chat", "-m", "zoo/line", "x").stdout == "whole line\n"


@pytest.mark.parametrize(
    ("arguments", "piped", "expected"),
    [
        (["why?"], "", "why?\n"),
        (["why?"], "the file\n", "why?\n\nthe file\n"),
        ([], "only the file\r\n", "only the file\n"),
        ([], b"\xef\xbb\xbfmarked", "marked\n"),
    ],
)
def test_what_is_piped_in_is_appended_or_is_the_prompt(world, arguments: list[str], piped: Any, expected: str) -> None:
    """Prompt and input are put together, without the line feed at the input's end."""
    assert world.run("chat", *arguments, input=piped).stdout == expected


def test_an_empty_prompt_is_a_wrong_use(world) -> None:
    """Neither a prompt nor an input: exit code 2."""
    result = world.run("chat", input="\n")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "the prompt is empty" in result.stderr


def test_input_that_is_no_text_is_refused(world) -> None:
    """Bytes that are not UTF-8 are told, and nothing is asked."""
    result = world.run("chat", input=b"\xff\xfe")

    assert result.exit_code == 1
    assert "not text in UTF-8" in result.stderr


@pytest.mark.parametrize("closed", [True, False])
def test_a_missing_stdin_is_no_input(world, monkeypatch, capsys, closed) -> None:
    """A process that was started without an input answers its prompt."""
    from jackfield.cli.root import root

    stdin = None
    if closed:
        stdin = (world.directory / "jackfield.toml").open()
        stdin.close()
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(SystemExit) as left:
        root.main(["chat", "hello"])

    assert left.value.code == 0
    assert capsys.readouterr().out == "hello\n"


def test_the_request_is_as_the_options_say(world) -> None:
    """System message, model and parameters arrive; values are JSON where they are JSON, else text."""
    options = ["-o", "temperature=0.5", "-o", "stop=END", "-o", 'metadata={"a": "b"}', "-o", "user=NaN"]
    result = world.run("chat", "-m", "zoo/request", "--system", "be brief", *options, "hi")

    assert json.loads(result.stdout) == {
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "model": "request",
        "stream": True,
        "temperature": 0.5,
        "stop": "END",
        "metadata": {"a": "b"},
        "user": "NaN",
    }


@pytest.mark.parametrize("option", ["--no-stream", "--json", "-on=2"])
def test_no_stream_is_asked_for_where_the_answer_is_wanted_whole(world, option: str) -> None:
    """For --no-stream, --json and several answers the backend is not asked for a stream."""
    result = world.run("chat", "-m", "zoo/request", option, "hi")
    text = json.loads(result.stdout)
    request = json.loads(text["choices"][0]["message"]["content"]) if option == "--json" else text

    assert request["stream"] is False


def test_json_prints_the_whole_response(world) -> None:
    """One JSON document with everything that the backend answered."""
    result = world.run("chat", "--json", "hi")

    assert json.loads(result.stdout)["choices"][0]["message"]["content"] == "hi"
    assert json.loads(result.stdout)["id"] == "r1"
    assert result.stdout.count("\n") == 1


def test_several_answers_stand_on_lines_of_their_own(world) -> None:
    """Each of n answers begins on a new line."""
    assert world.run("chat", "-m", "zoo/two", "-o", "n=2", "x").stdout == "one\ntwo\n"


def test_of_several_answers_in_a_stream_the_first_is_shown(world) -> None:
    """Answers that nobody asked for are not mixed into the first."""
    assert world.run("chat", "-m", "zoo/two", "x").stdout == "one\n"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("-otemprature=1", "no parameter is named 'temprature'; did you mean \"temperature\"?"),
        ("-oqqqqqqq=1", "no parameter is named 'qqqqqqq'"),
        ("-otemperature", "'temperature' is not of the form name=value"),
        ("-omodel=x", "'model' is set by -m"),
        ("-ostream=true", "'stream' is set by --no-stream"),
        ("-otemperature=hot", "-o: temperature: expected float or null, got str"),
        ("--timeout=soon", "'soon' is not a number of seconds"),
        ("--timeout=0", "'0' is not above 0"),
        ("--timeout=nan", "'nan' is not above 0"),
        ("--timeout=inf", "'inf' is not above 0 and at most 100000000"),
    ],
)
def test_a_wrong_option_is_a_wrong_use(world, option: str, message: str) -> None:
    """Exit code 2 and one message that says what was expected; nothing on stdout."""
    result = world.run("chat", option, "hi")

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_timeout_holds_for_the_call(world) -> None:
    """A call that takes longer fails, and what had arrived stands on stdout."""
    result = world.run("chat", "-m", "zoo/hangs", "--timeout", "0.05", "first words")

    assert (result.exit_code, result.stdout) == (1, "first words\n")
    assert "the deadline of the call has passed" in result.stderr


def test_a_failed_call_is_told_in_one_line(world) -> None:
    """Exit code 1; the message is harmless, and has the backend, the status and the request's id."""
    result = world.run("chat", "-m", "zoo/busy", "hi")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: slow down \\x1b[2J [zoo/busy, HTTP 429, request req_7]\n"


def test_a_failure_after_several_attempts_tells_their_number(world) -> None:
    """The ledger of the call is told by its length."""
    world.install("jackfield-again", "1", "[jackfield.middleware]\nagain = parrot:Again\n")
    world.configure('[backends.zoo]\nprovider = "parrot"\n[[middleware]]\nuse = "again"\n')

    assert "request req_7, 2 attempts]" in world.run("chat", "-m", "zoo/busy", "hi").stderr


def test_a_broken_stream_is_a_failure_with_its_line_ended(world) -> None:
    """What had arrived is shown, and is not taken for an answer."""
    result = world.run("chat", "-m", "zoo/breaks", "first words")

    assert (result.exit_code, result.stdout) == (1, "first words\n")
    assert result.stderr == "Error: the connection was cut [zoo/breaks]\n"


@pytest.mark.parametrize(
    ("model", "code", "stdout", "stderr"),
    [
        ("refuse", 1, "", "The model refused: no \\x1b[31m\n"),
        ("tools", 0, "", "The model called tools; --json shows them.\n"),
        ("cut", 0, "so far\n", "The answer ended early: length\n"),
        ("nothing", 1, "", "The backend gave no answer.\n"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--no-stream"]])
def test_what_the_text_does_not_show_is_told_on_stderr(world, model, code, stdout, stderr, options) -> None:
    """Refusals, tool calls and early ends are told; no answer at all is a failure."""
    result = world.run("chat", "-m", f"zoo/{model}", *options, "x")

    assert (result.exit_code, result.stdout, result.stderr) == (code, stdout, stderr)


def test_an_unknown_model_is_told_with_a_guess(world) -> None:
    """A name that is not configured is no traceback."""
    result = world.run("chat", "-m", "zo/parrot", "x")

    assert result.exit_code == 1
    assert 'did you mean "zoo/parrot"?' in result.stderr


@pytest.mark.parametrize("place", [0, 1])
def test_config_and_profile_stand_before_or_after_the_command(world, place: int) -> None:
    """The options that choose a configuration are taken by the group and by the command."""
    world.configure('[backends.b]\nprovider = "parrot"\n[profiles.p]\ndefault_model = "b/line"\n', "other.toml")
    arguments = ["chat", "x"]
    arguments[place:place] = ["--config", "other.toml", "--profile", "p"]

    assert world.run(*arguments).stdout == "whole line\n"


def test_a_faulty_configuration_is_told_whole(world) -> None:
    """Exit code 1, with every fault."""
    world.configure('nonsense = 1\n[backends.b]\nprovider = "parott"\n')
    result = world.run("chat", "x")

    assert result.exit_code == 1
    assert "nonsense" in result.stderr
    assert 'did you mean "parrot"?' in result.stderr


@pytest.mark.parametrize("how", ["--json", "--no-stream", "-otemperature=1"])
def test_what_the_backend_is_not_asked_is_told(world, how: str) -> None:
    """On stderr, beside the answer: the response does not show it."""
    result = world.run("chat", "-m", "zoo/parrot", how, "-o", "seed=1", "hello")

    assert (result.exit_code, result.stderr) == (0, "left out: seed\n")
    assert "hello" in result.stdout
