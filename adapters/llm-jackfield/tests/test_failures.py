"""Failures: told plainly, without secrets, and never as a success."""

from __future__ import annotations

import signal
import time

import pytest
from command import KEY, configuration


@pytest.mark.parametrize("way", [[], ["--no-stream"], ["--async"]], ids=str)
@pytest.mark.parametrize("fault", ["status?code=401", "status?code=500", "echo-key", "html"])
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


def test_an_interrupt_closes_the_connection(asking, service):
    """Ctrl-C ends the call at the service too."""
    asking.configure(configuration(service.url, "pings"))
    process = asking.start("-m", "fast", "Hello")
    until = time.monotonic() + 30
    while not service.ledger.requests and time.monotonic() < until:
        time.sleep(0.05)
    (received,) = service.ledger.requests
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)

    assert received.left.wait(30)
    assert process.returncode != 0
    assert "Exception ignored" not in told


def test_a_broken_configuration_leaves_llm_its_other_models(llm_command):
    """It is told once, on stderr, and no command fails for it."""
    llm_command.configure("[backends.one]\nprovider = 'nope'\n")
    done = llm_command("models")

    assert "jackfield/" not in done.stdout
    assert "OpenAI" in done.stdout
    assert done.stderr.count("llm-jackfield: no models, since") == 1
    assert "nope" in done.stderr


def test_an_unknown_model_is_told_once(asking):
    """Llm asks for the models three times; the configuration is read once and no backend is asked."""
    done = asking("-m", "nope", "Hello", code=1)

    assert "nope" in done.stderr


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
