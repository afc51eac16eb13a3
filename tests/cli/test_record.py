"""``jackfield record`` and ``jackfield replay``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.cli.child import run
from jackfield.cli.source import Source
from jackfield.testing.faults import FaultServer

CANARY = "sk-canary-record-9876543210"
PROGRAM = """\
import sys

import jackfield

config = {
    "default_model": "main/ok",
    "backends": {"main": {"provider": "openai", "base_url": sys.argv[1],
                          "middleware": [{"use": "bearer", "token": "env:RECORD_KEY"}]}},
    "middleware": [{"use": "retry"}],
}
with jackfield.Client(config) as client:
    for text in sys.argv[2:]:
        stream = client.create_chat_completion(messages=[{"role": "user", "content": text}], stream=True)
        print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
sys.exit(3 if "three" in sys.argv else 0)
"""
HIDING = """\
with jackfield.Client(config) as client:
    try:
        client.create_chat_completion(messages=[{"role": "user", "content": sys.argv[2]}], stream=True)
    except jackfield.JackfieldError:
        print("hidden")
"""
WAITING = """\
import signal
import sys
import threading
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
open("ready", "w").close()
time.sleep(60)
"""


@pytest.fixture
def url(world, monkeypatch) -> Iterator[str]:
    """A service, a program that has a configuration of its own, and a key."""
    monkeypatch.setenv("RECORD_KEY", CANARY)
    (world.directory / "program.py").write_text(PROGRAM)
    with FaultServer() as server:
        yield server.url


def recorded(world, url: str, *texts: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return world.process("record", "calls.yaml", *options, "--", sys.executable, "program.py", url, *texts)


def replayed(world, url: str, *texts: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return world.process("replay", "calls.yaml", *options, "--", sys.executable, "program.py", url, *texts)


def test_a_program_with_its_own_mapping_is_recorded_and_replayed(world, url, monkeypatch) -> None:
    """The same comes of it without the service and without the key, which is not in the file."""
    live = recorded(world, url, "one", "two")
    monkeypatch.delenv("RECORD_KEY")
    again = replayed(world, "http://127.0.0.1:9/v1", "one", "two")

    assert (live.returncode, live.stdout) == (0, "one\ntwo\n")
    assert live.stderr == "2 exchanges recorded in calls.yaml\n"
    assert (again.returncode, again.stdout, again.stderr) == (0, "one\ntwo\n", "2 of 2 exchanges used\n")
    text = (world.directory / "calls.yaml").read_text()
    assert "canary" not in text
    assert "data: {" in text


def test_the_exit_code_is_that_of_the_program(world, url) -> None:
    """Of both commands, whatever was recorded."""
    assert recorded(world, url, "three").returncode == 3
    assert replayed(world, url, "three").returncode == 3


def test_a_miss_is_told_and_is_a_failure(world, url) -> None:
    """Also where the program would have hidden it."""
    recorded(world, url, "one")
    hiding = PROGRAM.partition("with ")[0] + HIDING
    (world.directory / "program.py").write_text(hiding)
    done = replayed(world, url, "won")

    assert (done.returncode, done.stdout) == (1, "hidden\n")
    assert done.stderr.splitlines() == [
        "0 of 1 exchanges used",
        "not used: 1, POST /v1/chat/completions ok",
        "not recorded: the recording has no answer left to POST /v1/chat/completions; exchange 1 is the nearest:",
        '  messages[0].content: recorded "one", asked "won"',
    ]


def test_options_reach_the_middleware(world, url) -> None:
    """An exchange is used again, and what is ignored may differ."""
    recorded(world, url, "one")

    assert replayed(world, url, "one", "one").returncode == 1
    assert replayed(world, url, "one", "one", options=("--repeat", "--pace", "0.5")).stdout == "one\none\n"
    assert replayed(world, url, "two", options=("--ignore", "messages[*].content")).stdout == "one\n"


def test_what_is_masked_stays_out(world, url) -> None:
    """It is taken out by its pattern, and the exchange still fits what is asked."""
    done = recorded(world, url, "my number is 4711-0815", options=("--mask", r"\d{4}-\d{4}"))

    assert done.stdout == "my number is 4711-0815\n"
    assert "4711" not in (world.directory / "calls.yaml").read_text()
    assert replayed(world, url, "my number is 4711-0815").returncode == 0


def test_a_file_that_is_there_is_only_added_to_when_told(world, url) -> None:
    """Nothing is run where it would be."""
    recorded(world, url, "one")
    refused = recorded(world, url, "two")
    added = recorded(world, url, "two", options=("--append",))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--append" in refused.stderr
    assert added.stderr == "1 exchange recorded in calls.yaml\n"
    assert replayed(world, url, "one", "two").returncode == 0


def test_the_list_is_read_by_people_and_programs(world, url) -> None:
    """A line, or an object, for each exchange."""
    recorded(world, url, "one", "two")
    line = ["POST", "/v1/chat/completions", "main/ok", "200"]

    rows = [row.split("\t") for row in world.run("replay", "calls.yaml").stdout.splitlines()]
    assert [row[:5] for row in rows] == [["1", *line], ["2", *line]]
    assert rows[0][6] == "whole"
    found = json.loads(world.run("replay", "calls.yaml", "--json").stdout)
    assert [one["number"] for one in found] == [1, 2]
    assert found[0]["status"] == 200


def test_a_torn_end_is_told(world, url) -> None:
    """What is whole is listed."""
    recorded(world, url, "one", "two")
    file = world.directory / "calls.yaml"
    file.write_bytes(file.read_bytes()[:-10])
    listed = world.run("replay", "calls.yaml")

    assert len(listed.stdout.splitlines()) == 1
    assert listed.stderr == "the last exchange in calls.yaml is not whole, and left out\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["record", "x.yaml"], 2, "Missing argument"),
        (
            ["record", "x.yaml", "--mask", "((", "--", "./data"],
            2,
            "--mask: expected regular expressions that match some",
        ),
        (["replay", "empty.yaml", "--ignore", "messages[[", "--", "./data"], 2, "--ignore: expected paths into a body"),
        (["record", "none/x.yaml", "--", "./data"], 1, "none/x.yaml cannot be written: there is no such directory"),
        (["record", "x.yaml", "--", "no-such-program"], 127, "no-such-program cannot be started: No such file"),
        (["record", "x.yaml", "--", "./data"], 127, "./data cannot be started: Permission denied"),
        (["replay", "x.yaml"], 1, "cannot be read: No such file"),
        (["replay", "data"], 1, "expected a recording"),
        (["replay", "empty.yaml", "--json", "--", "true"], 2, "--json is for the list"),
    ],
)
def test_what_cannot_be_done_is_told(world, arguments, code, words) -> None:
    """One message, and the exit code of its kind."""
    (world.directory / "data").write_text("nothing")
    (world.directory / "empty.yaml").write_text("jackfield-recording: 1\n...\n")
    done = world.run(*arguments)

    assert done.exit_code == code
    assert words in done.stderr


def test_nothing_recorded_is_told(world) -> None:
    """With what may be the reason."""
    done = world.process("record", "x.yaml", "--", sys.executable, "-c", "")

    assert done.returncode == 0
    assert done.stderr.startswith("0 exchanges recorded; there is no x.yaml\na program that makes calls")


def test_a_recording_without_any_exchange_does_not_block_the_next_run(world, url) -> None:
    """What a run leaves that failed before its first call."""
    (world.directory / "calls.yaml").write_text("jackfield-recording: 1\n...\n")
    nothing = world.process("record", "calls.yaml", "--", sys.executable, "-c", "")

    assert nothing.stderr.startswith("0 exchanges recorded in calls.yaml\n")
    assert recorded(world, url, "one").stderr == "1 exchange recorded in calls.yaml\n"


def test_a_recording_with_a_piece_of_an_exchange_is_not_added_to_unasked(world, url) -> None:
    """It was more than nothing."""
    (world.directory / "calls.yaml").write_text("jackfield-recording: 1\n...\n---\nrequest:\n")

    assert "--append" in recorded(world, url, "one").stderr


def test_the_plugin_is_named_where_it_is_missing(world, monkeypatch) -> None:
    """With the remedy."""
    monkeypatch.setitem(sys.modules, "jackfield_replay", None)

    assert "pip install jackfield-replay" in world.run("replay", "x.yaml").stderr


def test_one_within_the_other_is_refused(world, monkeypatch) -> None:
    """The program would be given one middleware in place of the other."""
    monkeypatch.setenv("JACKFIELD_OUTERMOST", '{use = "x"}')
    done = world.run("record", "x.yaml", "--", "true")

    assert done.exit_code == 1
    assert "JACKFIELD_OUTERMOST is set already, by which the program is to be reached: unset it" in done.stderr


def test_the_configuration_that_is_told_reaches_the_program(world, capfd) -> None:
    """The file by its whole path, and the profile."""
    world.configure('[backends.echo]\nprovider = "echo"\n', "other.toml")
    show = "import os; print(os.environ['JACKFIELD_CONFIG'], os.environ['JACKFIELD_PROFILE'])"
    done = world.process("--config", "other.toml", "--profile", "p", "record", "x", "--", sys.executable, "-c", show)

    assert done.stdout == f"{world.directory / 'other.toml'} p\n"
    world.run("--config", "other.toml", "--profile", "p", "record", "x", "--", sys.executable, "-c", show)
    assert capfd.readouterr().out == done.stdout


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_signals_are_passed_on(world) -> None:
    """The program ends as it likes, and so does the command; a program that a signal ended has the code of shells."""
    (world.directory / "waiting.py").write_text(WAITING)
    command = [sys.executable, "-m", "jackfield", "record", "x.yaml", "--", sys.executable, "waiting.py"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        ready = Path("ready")
        while not ready.exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    killed = world.process("record", "x.yaml", "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert (process.returncode, killed.returncode) == (7, 137)


def test_both_commands_work_in_this_process(world, url, capfd) -> None:
    """They write on stderr what they have to tell, and end with the exit code of the program."""
    program = ("--", sys.executable, "program.py", url)
    codes = [
        world.run("record", "calls.yaml", "--append", "--mask", "nothing", *program, "one").exit_code,
        world.run("record", "calls.yaml", "--append", *program, "three").exit_code,
        world.run("replay", "calls.yaml", *program, "one", "three").exit_code,
        world.run("replay", "calls.yaml", "--repeat", *program, "four").exit_code,
        world.run("record", "none.yaml", "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)").exit_code,
    ]

    assert codes == [0, 3, 3, 1, 137]
    assert capfd.readouterr().out == "one\nthree\none\nthree\n"
    refused = world.run("record", "calls.yaml", *program, "one")
    assert (refused.exit_code, capfd.readouterr().out) == (1, "")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("terminal", [False, True])
def test_what_a_terminal_sends_is_not_sent_twice(world, monkeypatch, terminal) -> None:
    """A program at the terminal has got Ctrl-C by itself; one that is not gets it from the command."""
    (world.directory / "waiting.py").write_text(WAITING.replace("SIGTERM", "SIGINT").replace("sleep(60)", "sleep(0.5)"))
    monkeypatch.setattr(sys, "stdin", AtTerminal() if terminal else None)
    thread = threading.Thread(target=interrupt_when_ready)
    thread.start()
    code = run([sys.executable, "waiting.py"], {"use": "x"}, Source())
    thread.join()

    assert code == (0 if terminal else 7)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class AtTerminal:
    """Input from a terminal."""

    def isatty(self) -> bool:
        return True


def interrupt_when_ready() -> None:
    while not Path("ready").exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def test_an_exchange_outside_of_a_call_is_listed(world) -> None:
    """Without a backend, and without an answer."""
    world.configure(
        "jackfield-recording: 1\n...\n---\nrequest:\n  method: GET\n  url: https://a.example\nend: failed\n"
        "failure:\n  error: APIError\n  message: x\n...\n",
        "calls.yaml",
    )

    assert world.run("replay", "calls.yaml").stdout == "1\tGET\t/\t\t\t\tAPIError\n"
