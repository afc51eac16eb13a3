"""Secrets are read late, once, and shown nowhere."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from jackfield import redaction
from jackfield import secret as module
from jackfield.errors import ConfigError
from jackfield.flow import Run
from jackfield.secret import EXPECTED, Secret
from rig import wait_until


def revealed(secret: Secret, *, fresh: bool = False) -> tuple[str, int]:
    """The value, and how many times it was read by ``Run``."""
    flow, runs = secret.reveal(fresh=fresh), 0
    try:
        effect = next(flow)
        while True:
            assert isinstance(effect, Run)
            runs += 1
            effect = flow.send(effect.function(*effect.args))
    except StopIteration as end:
        return end.value, runs


def python(code: str) -> str:
    """A ``command:`` reference that runs Python code."""
    return f"command:'{sys.executable}' -c '{code}'"


def test_env_is_read_without_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable does not block, so it costs no effect."""
    monkeypatch.setenv("JF_KEY", " abcdef\n")

    assert revealed(Secret("env:JF_KEY")) == ("abcdef", 0)


def test_file_is_read_by_run_once(tmp_path: Path) -> None:
    """A file is read by ``Run``, without line end and byte order mark; the value is kept until it is wanted fresh."""
    path = tmp_path / "key"
    path.write_bytes(b"\xef\xbb\xbffirst\r\n")
    secret = Secret(f"file:{path}")

    assert revealed(secret) == ("first", 1)
    path.write_text("second")
    assert revealed(secret) == ("first", 0)
    assert revealed(secret, fresh=True) == ("second", 1)
    assert revealed(secret) == ("second", 0)


def test_file_knows_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "key").write_text("from-home")

    assert Secret("file:~/key").read() == "from-home"


@pytest.fixture
def standard_input() -> Iterator[None]:
    """Something can be read from the host's standard input."""
    before, (reader, writer) = os.dup(0), os.pipe()
    os.write(writer, b"of the host")
    os.close(writer)
    os.dup2(reader, 0)
    yield
    os.dup2(before, 0)
    os.close(reader)
    os.close(before)


def test_command_is_run_without_shell_and_without_input(standard_input: None) -> None:
    """A command's output is the secret; it cannot take the host's standard input."""
    reads_input = python('import sys; print(len(sys.stdin.read()), chr(36) + "HOME", sep="-")')

    assert revealed(Secret(reads_input)) == ("0-$HOME", 1)


class FakeKeyring:
    """Stands for the ``keyring`` module."""

    def __init__(self, entries: dict[tuple[str, str], str]) -> None:
        self.entries = entries

    def get_password(self, service: str, user: str) -> str | None:
        if service == "locked":
            raise RuntimeError("the vault says: hunter22")
        return self.entries.get((service, user))


def test_keyring_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last slash separates service and user."""
    monkeypatch.setitem(sys.modules, "keyring", FakeKeyring({("https://a/b", "me"): "from-ring"}))

    assert revealed(Secret("keyring:https://a/b/me")) == ("from-ring", 1)


@pytest.mark.parametrize(
    "reference",
    ["", "env:", "env: ", "plain-key-123", "value", "value:x", "keyring:alone", "keyring:/user", "vault:x/y"],
)
def test_what_is_no_reference_is_refused_without_repeating_it(reference: str) -> None:
    """A key that was written where a reference belongs does not reach the message."""
    with pytest.raises(ValueError) as caught:
        Secret(reference)

    assert str(caught.value) == f"expected {EXPECTED}"


def failure(secret: Secret) -> ConfigError:
    """The error of reading it; no exception hides behind it, which could hold what was read."""
    with pytest.raises(ConfigError) as caught:
        secret.read()
    context = caught.value.__context__
    assert context is None or isinstance(context, KeyError | ImportError)
    return caught.value


def test_each_source_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the reference's target and the kind of failure, and nothing that was read."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"hunter22\xff")
    monkeypatch.delenv("JF_NONE", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", FakeKeyring({}))
    cases = {
        "env:JF_NONE": "environment variable JF_NONE is not set",
        "env:JF_\ud800": "environment variable JF_\ud800 is not set",
        f"file:{tmp_path}/none": f"secret file {tmp_path}/none cannot be read: FileNotFoundError",
        f"file:{binary}": f"secret file {binary} cannot be read: UnicodeDecodeError",
        "file:a\0b": "secret file a\0b cannot be read: ValueError",
        "keyring:here/me": "the keyring has no entry here/me",
        "keyring:locked/me": "the keyring cannot be read: RuntimeError",
        "command:no-such-program-here --token hunter22": (
            "secret command 'no-such-program-here' failed: FileNotFoundError"
        ),
        "command:'unbalanced": 'secret command "\'unbalanced" failed: ValueError',
        "command:'unbalanced hunter22 --quiet": 'secret command "\'unbalanced" failed: ValueError',
        python('import sys; print("hunter22"); sys.exit(3)'): (
            f"secret command {sys.executable!r} ended with exit code 3"
        ),
    }
    for reference, expected in cases.items():
        message = failure(Secret(reference)).message
        assert "hunter22" not in message
        assert message == expected


def test_missing_keyring_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the message says how to get it."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    assert "pip install 'jackfield[keyring]'" in failure(Secret("keyring:a/b")).message


def test_slow_command_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that does not end is killed, and what it had written is not in the error."""
    monkeypatch.setattr(module, "COMMAND_TIMEOUT", 0.3)
    error = failure(Secret(python('import time; print("hunter22", flush=True); time.sleep(60)')))

    assert error.message.endswith("failed: TimeoutExpired")
    assert "hunter22" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("two\nlines", "has a character at position 4"),
        ("tab\there", "has a character at position 4"),
        ("naïve-key", "has a character at position 3"),
        ("nul\0", "has a character at position 4"),
    ],
)
def test_value_that_would_break_a_header_is_refused_unseen(value: str, expected: str) -> None:
    """No header can be split by a secret, and the message tells the position only."""
    with pytest.raises(ConfigError, match=f"^secret value {expected}") as caught:
        Secret.of(value)

    assert not value.strip() or value.strip() not in str(caught.value)


def test_a_refused_value_of_a_command_is_told_without_the_commands_arguments() -> None:
    """They may be secrets themselves; what is refused is told all the same."""
    reference = python("print()") + " --vault hunter22"
    error = failure(Secret(reference))

    assert "is empty" in error.message
    assert sys.executable in error.message
    assert "hunter22" not in error.message


@pytest.mark.parametrize("value", ["!key~", "two words", "~" * 20])
def test_all_that_can_be_printed_may_be_in_a_value(value: str) -> None:
    """From the blank to the tilde; what a header may hold is no error."""
    assert Secret.of(value).read() == value


def test_nothing_shows_the_value() -> None:
    """Neither repr, str, format, attrs' repr and asdict, copies nor a traceback show it."""

    @attrs.define
    class Holder:
        token: Secret

    secret = Secret.of("hunter22-long")
    holder = Holder(secret)
    shown = f"{secret} {secret!r} {holder} {attrs.asdict(holder)} {copy.copy(secret)!r} {copy.deepcopy(holder)}"

    assert "hunter22" not in shown
    assert copy.deepcopy(holder).token is secret
    assert revealed(secret, fresh=True) == ("hunter22-long", 0)
    assert secret.read() == "hunter22-long"


def test_reference_survives_pickling_and_value_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle holds the reference; a secret given by value cannot be pickled at all."""
    monkeypatch.setenv("JF_KEY", "hunter22")
    secret = Secret("env:JF_KEY")
    secret.read()
    dumped = pickle.dumps(secret)

    assert b"hunter22" not in dumped
    assert pickle.loads(dumped) == secret
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret.of("hunter22"))


def test_equality_is_by_reference() -> None:
    """Two of one reference are equal; two given by value are not, for comparing them would tell."""
    assert Secret("env:A") == Secret("env:A")
    assert hash(Secret("env:A")) == hash(Secret("env:A"))
    assert Secret("env:A") != Secret("env:B")
    assert Secret("env:A") != "env:A"
    assert Secret.of("same") != Secret.of("same")


def test_what_is_in_use_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is asked for between others that come and go stays known."""
    monkeypatch.setattr(redaction, "MAX_KNOWN", 3)
    key = Secret.of("key-in-use")
    for number in range(10):
        redaction.remember(f"rotated-{number}")
        revealed(key)

    assert redaction.scrub("key-in-use") == redaction.MASK


class Slow:
    """A source that waits until it is let go, and counts its reads."""

    def __init__(self, outcome: str | None) -> None:
        self.outcome, self.reads = outcome, 0
        self.entered, self.go = threading.Event(), threading.Event()

    def __call__(self, name: str) -> str:
        self.reads += 1
        self.entered.set()
        assert self.go.wait(10)
        if self.outcome is None:
            raise ConfigError(f"{name} is gone")
        return self.outcome


@pytest.mark.parametrize("outcome", ["slow-value", None])
def test_many_readers_share_one_slow_read(monkeypatch: pytest.MonkeyPatch, outcome: str | None) -> None:
    """Who comes while it is read waits for that read, and gets its value or its failure."""
    source = Slow(outcome)
    monkeypatch.setitem(module._SOURCES, "command", source)
    secret = Secret("command:vault")
    results: list[str] = []

    def reader() -> None:
        try:
            results.append(secret.read())
        except ConfigError as error:
            results.append(error.message)

    threads = [threading.Thread(target=reader) for _ in range(8)]
    threads[0].start()
    assert source.entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    waiting_for(threads[1:])
    source.go.set()
    for thread in threads:
        thread.join(10)

    assert results == [outcome or "vault is gone"] * 8
    assert source.reads == 1
    source.outcome = "later"
    assert secret.read() == "later"


def waiting_for(threads: list[threading.Thread]) -> None:
    """Return once each thread stands in ``Secret.read``."""

    def standing() -> Iterator[bool]:
        frames = sys._current_frames()
        for thread in threads:
            frame = frames.get(thread.ident or 0)
            # In ``read`` after the count was taken: ``with`` blocks on the lock. A mutation run wraps the function.
            yield frame is not None and frame.f_code.co_filename == module.__file__ and "reads" in frame.f_locals

    wait_until(lambda: all(standing()))


@pytest.mark.skipif(os.name != "posix", reason="signals to itself")
def test_interrupted_read_is_a_failure_for_those_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C goes to the host; the next read starts anew."""

    def interrupted(_: str) -> str:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the signal comes first")

    monkeypatch.setitem(module._SOURCES, "command", interrupted)
    secret = Secret("command:vault --token canary")
    with pytest.raises(KeyboardInterrupt):
        secret.read()
    told = secret._failure or ""
    assert "command:vault was not read" in told, "the arguments of a command may be secrets themselves"
    assert "canary" not in told
    monkeypatch.setitem(module._SOURCES, "command", lambda _: "now-there")

    assert secret.read() == "now-there"
