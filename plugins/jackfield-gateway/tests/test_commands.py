"""``jackfield serve`` and ``jackfield keys``, as processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONFIG = """
default_model = "echo/a"

[backends.echo]
provider = "echo"

[gateway]
store = "sqlite:{store}"
port = 0
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose store is a file of the test's own."""
    path = tmp_path / "jackfield.toml"
    path.write_text(CONFIG.format(store=tmp_path / "g.db"))
    return path


def command(config: Path, *arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "jackfield", "--config", str(config), *arguments]


def run(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command came to."""
    return subprocess.run(command(config, *arguments), capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def served(config: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A gateway as a process, and its address."""
    process = subprocess.Popen(command(config, "serve", *arguments), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        url = re.search(r"http://\S+", line)
        assert url, line + process.stderr.read()
        yield process, url[0]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def test_a_key_is_made_demanded_and_revoked(config, asker):
    """The token is printed once, alone on stdout; the list does not have it."""
    with served(config) as (_, url):
        ask = asker(url)
        assert ask.chat("echo/a").status == 200
        made = run(config, "keys", "create", "--label", "laptop", "--model", "echo/*", "--expires", "30d")
        token = made.stdout.strip()
        assert (made.returncode, len(token)) == (0, 46)
        key = {"authorization": f"Bearer {token}"}
        time.sleep(1.1)
        told = ask("/v1/models")
        assert (told.status, told.error["code"]) == (401, "invalid_api_key")
        assert ask("/v1/models", headers=key).status == 200
        assert ask("/inspector/calls", headers=key).status == 403
        listed = run(config, "keys", "list", "--json")
        (one,) = json.loads(listed.stdout)["keys"]
        assert (one["label"], one["state"]) == ("laptop", "valid")
        assert token not in listed.stdout + run(config, "keys", "list").stdout
        assert run(config, "keys", "revoke", one["id"]).returncode == 0
        time.sleep(1.1)
        assert ask("/v1/models", headers=key).status == 401
    again = run(config, "keys", "revoke", one["id"])
    assert (again.returncode, "no key" in again.stderr) == (1, True)
    assert json.loads(run(config, "keys", "list", "--json").stdout)["keys"][0]["state"] == "revoked"
    assert token.encode() not in (config.parent / "g.db").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_when_it_is_told_to(config, asker, number):
    """With exit code 0, and nothing but its address written."""
    with served(config) as (process, url):
        ask = asker(url)
        assert ask("/healthz").status == 200
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_another_machine_needs_a_key(config, asker):
    """Without any it is not served; with one it is."""
    refused = run(config, "serve", "--host", "0.0.0.0")
    assert refused.returncode == 1
    assert "jackfield keys create" in refused.stderr
    assert run(config, "keys", "create", "--label", "a").returncode == 0
    with served(config, "--host", "0.0.0.0") as (_, url):
        assert asker(url.replace("0.0.0.0", "127.0.0.1"))("/v1/models").status == 401


def test_never_a_key_is_only_for_this_machine(config):
    """Whatever keys there are."""
    config.write_text(config.read_text() + 'keys = "never"\n')
    refused = run(config, "serve", "--host", "0.0.0.0")
    assert refused.returncode == 1
    assert "loopback" in refused.stderr


def test_a_configuration_that_is_wrong_is_told(config):
    """With its line, and no traceback."""
    config.write_text(config.read_text() + "prot = 1\n")
    refused = run(config, "serve")
    assert refused.returncode == 1
    assert re.search(r"jackfield\.toml:\d+: gateway\.prot: .*did you mean", refused.stderr)
    assert "Traceback" not in refused.stderr


def test_a_hangup_reads_the_configuration_again(config, asker):
    """Without a restart; a broken one leaves the former in force."""
    with served(config) as (process, url):
        ask = asker(url)
        assert ask.chat("other/a").status == 404
        config.write_text(
            config.read_text().replace("[backends.echo]", "[backends.other]").replace("echo/a", "other/a")
        )
        os.kill(process.pid, signal.SIGHUP)
        until = time.monotonic() + 20
        while ask.chat("other/a").status != 200 and time.monotonic() < until:
            time.sleep(0.1)
        assert ask.chat("other/a").status == 200
        config.write_text("nonsense = 1\n")
        os.kill(process.pid, signal.SIGHUP)
        assert process.stderr is not None
        while "was not taken" not in process.stderr.readline():
            pass
        assert ask.chat("other/a").status == 200
