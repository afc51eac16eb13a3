"""Failures: told plainly, without secrets, and never as a success."""

from __future__ import annotations

import signal
import time

import pytest
from command import KEY, configuration


@pytest.mark.parametrize("way", [[], ["--no-stream"], ["--async"]], ids=str)
@pytest.mark.parametrize("fault", ["status?code=401", "echo-key", "html"])
def test_a_failure_is_told_and_not_logged(asking, service, fault, way):
    """One line, exit code 1, nothing in the log, and not the key, even where the service repeats it."""
    bearer = '[[backends.one.middleware]]\nuse = "bearer"\ntoken = "env:ONE_KEY"\n'
    asking.configure(configuration(service.url, fault) + bearer)
    done = asking("-m", "fast", "Hello", *way, code=1)

    assert service.ledger.keys == {f"Bearer {KEY}": 1}
    assert done.stderr.startswith("Error: ")
    assert "[one/" in done.stderr
    assert KEY not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert asking.logged() == []


@pytest.mark.parametrize("way", [[], ["--async"]], ids=str)
@pytest.mark.parametrize("fault", ["cut", "error", "eof?at=400", "reset?at=400"])
def test_a_cut_stream_is_an_error(asking, service, fault, way):
    """An answer that ends before its end is no success, whatever was printed of it."""
    asking.configure(configuration(service.url, fault))
    done = asking("-m", "fast", "Hello", *way, code=1)

    assert "Error: " in done.stderr
    assert asking.logged() == []


@pytest.mark.parametrize("way", [[], ["--async"], ["--no-stream"]], ids=str)
def test_an_interrupt_closes_the_connection(asking, service, way):
    """Ctrl-C ends the call at the service too, and leaves no traceback."""
    asking.configure(configuration(service.url, "stall?at=0" if way == ["--no-stream"] else "break?how=stall&events=4"))
    process = asking.start("-m", "fast", "Hello there", *way)
    until = time.monotonic() + 30
    while not service.ledger.requests and time.monotonic() < until:
        time.sleep(0.05)
    (received,) = service.ledger.requests
    assert process.stdout is not None
    if way != ["--no-stream"]:
        assert process.stdout.read(1) == "H"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)

    assert received.left.wait(30)
    assert process.returncode != 0
    assert told.strip() in {"", "Aborted!"}
    assert asking.logged() == []


@pytest.mark.parametrize("fault", ["status?code=401", "cut?events=3"])
def test_a_failure_in_a_chat_is_a_line(asking, service, fault):
    """``llm chat`` ends with it: llm catches nothing there. What was said before is logged, and goes on by ``-c``."""
    asking("-m", "fast", "Hello")
    asking.configure(configuration(service.url, fault))
    done = asking("chat", "-c", said="Again\nquit\n", code=1)

    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert len(asking.logged()) == 1


@pytest.mark.parametrize("command", [["-m", "fast", "Hello"], ["chat", "-m", "fast"]], ids=str)
def test_a_key_is_refused(asking, bodies, command):
    """``--key`` would not be sent, and whoever gave it would not know."""
    done = asking(*command, "--key", KEY, said="Hello\nquit\n", code=1)

    assert done.stderr == "Error: keys of jackfield's models are in its configuration: --key is not for them\n"
    assert bodies() == []


def test_a_broken_configuration_leaves_llm_its_other_models(llm_command, service):
    """It is told once, in a line on stderr; other plugins' models answer, and no command fails for it."""
    llm_command.configure("[backends.one]\nprovider = 'nope'\nbase_url = 3\n")
    other = f"- model_id: theirs\n  model_name: ok\n  api_base: {service.url}\n"
    (llm_command.directory / "user" / "extra-openai-models.yaml").write_text(other, encoding="utf-8")
    for command in (
        ["models"],
        ["-m", "theirs", "Hello there", "--no-stream", "--key", "x"],
        ["-c", "Go on", "--key", "x"],
    ):
        done = llm_command(*command)
        assert done.stderr.startswith("llm-jackfield: no models, since ")
        assert done.stderr.count("\n") == 1
        assert "nope" in done.stderr
        assert "jackfield/" not in done.stdout
        assert "theirs" in done.stdout or command != ["models"]
    for command in (["logs"], ["tools"], ["keys"], ["plugins"], ["--help"]):
        assert llm_command(*command).stderr == ""


def test_a_refresh_of_a_broken_configuration_is_a_failure(llm_command):
    """Told in a line."""
    llm_command.configure("[backends.one]\nprovider = 'nope'\nbase_url = 3\n")
    done = llm_command("jackfield", "refresh", code=1)

    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_a_list_that_cannot_be_kept_is_a_failure(asking):
    """Told in a line."""
    (asking.directory / "user" / "jackfield-models.json").mkdir()
    done = asking("jackfield", "refresh", code=1)

    assert done.stderr.startswith("Error: the models cannot be kept: ")
    assert done.stderr.count("\n") == 1
    assert len(list((asking.directory / "user").glob("jackfield-models*"))) == 1


def test_a_broken_configuration_is_told_once(llm_command):
    """Llm asks for the models three times when it does not know one."""
    llm_command.configure("[backends.one]\nprovider = 'nope'\n")
    told = llm_command("-m", "fast", "Hello", code=1).stderr.splitlines()

    assert [line.split(":")[0] for line in told] == ["llm-jackfield", "Error"]
    assert "fast" in told[1]


def test_listing_asks_no_backend(asking, service):
    """The names come from the configuration alone."""
    assert "Jackfield: jackfield/fast (aliases: fast, jackfield)" in asking("models").stdout
    assert service.ledger.connections.total() == 0


def test_a_name_that_is_taken_is_not_taken_over(asking, service):
    """A bare name is an alias only where no other model has it; the prefixed one always works."""
    asking.configure(configuration(service.url, "ok").replace("fast =", '"4o" =').replace('"fast"', '"4o"'))
    lines = asking("models").stdout.splitlines()

    assert "Jackfield: jackfield/4o (aliases: jackfield)" in lines
    assert asking("-m", "jackfield/4o", "Hello there").stdout.strip() == "Hello there"


def test_refresh_tells_who_does_not_answer(asking, service):
    """What was known of a backend stays; it is a failure where none answers."""
    asking("jackfield", "refresh")
    asking.configure(configuration("http://127.0.0.1:9/v1", "ok"))
    done = asking("jackfield", "refresh", code=1)

    assert done.stderr.startswith("one: ")
    assert "jackfield/one/ok" in asking("models").stdout


def test_a_damaged_file_of_models_is_no_failure(asking):
    """It is taken for empty."""
    (asking.directory / "user" / "jackfield-models.json").write_text('{"one": ["two/x", 3, "one/a\\u001b[2J"]}')

    assert "\x1b" not in asking("models").stdout
    (asking.directory / "user" / "jackfield-models.json").write_text("{")
    assert "jackfield/fast" in asking("models").stdout
