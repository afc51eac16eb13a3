"""``jackfield serve`` as a process: where it listens, and how it ends while calls run."""

from __future__ import annotations

import http.client
import json
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

CONFIG = """
[backends.b]
provider = "openai"
base_url = "{backend}/v1"

[gateway]
store = "sqlite:{store}"
port = 0
keys = "{keys}"

[gateway.limits]
drain = {drain}
"""
BODY = {"stream": True, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def command(service, tmp_path) -> Callable[..., list[str]]:
    """The command line that serves the service: ``command(*arguments, drain=1, keys="auto")``."""

    def make(*arguments: str, drain: float = 1, keys: str = "auto") -> list[str]:
        config = tmp_path / "jackfield.toml"
        config.write_text(CONFIG.format(backend=service.url, store=tmp_path / "g.db", drain=drain, keys=keys))
        return [sys.executable, "-m", "jackfield", "--config", str(config), "serve", *arguments]

    return make


Started = tuple["subprocess.Popen[str]", str]


@pytest.fixture
def start(command) -> Iterator[Callable[..., Started]]:
    """Starts it, and waits for its address."""
    with ExitStack() as stack:

        def run(*arguments: str, drain: float = 1, keys: str = "auto", code: str | None = None) -> Started:
            words = command(*arguments, drain=drain, keys=keys)
            if code is not None:
                words[1:3] = ["-c", code]
            process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
            stack.callback(lambda: process.communicate(timeout=30))
            stack.callback(process.kill)
            assert process.stderr is not None
            line = process.stderr.readline().strip()
            assert line.startswith("http://"), line + process.stderr.read()
            return process, line

        yield run


class Stream:
    """A stream that runs.

    Args:
        url: of the gateway.
        model: how it fails.
    """

    def __init__(self, url: str, model: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        body = json.dumps({**BODY, "model": model})
        self._connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        self._answer = self._connection.getresponse()
        self.head = self._answer.readline()

    def rest(self) -> bytes:
        """What comes until its end."""
        try:
            return self._answer.read()
        except (http.client.IncompleteRead, ConnectionResetError) as error:
            return getattr(error, "partial", b"") + b"<cut>"
        finally:
            self._connection.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_does_not_end_in_time_is_told_and_the_process_ends_well(start, workers):
    """The drain has an end: an error in the stream, and exit code 0, however many workers there are."""
    process, url = start("--workers", workers)
    stream = Stream(url, "b/pings")
    process.send_signal(signal.SIGTERM)
    told = stream.rest()
    assert b'"code":"shutting_down"' in told
    assert b"[DONE]" not in told
    assert b"<cut>" not in told
    assert process.wait(60) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_signal_ends_it_at_once(start, workers):
    """Whatever runs: within a second, with exit code 1."""
    process, url = start("--workers", workers, drain=600)
    stream = Stream(url, "b/pings")
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 1
    assert time.monotonic() - began < 60
    assert b"<cut>" in stream.rest()


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    """What a command came to that does not serve."""
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_told_in_one_line(command, workers):
    """Without a traceback, Python's or another's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run(command("--port", str(port), "--workers", workers))
    assert refused.returncode == 1
    assert refused.stderr == f"Error: gateway.port: 127.0.0.1:{port} cannot be listened on: Address already in use\n"
    assert refused.stdout == ""


def has_ipv6() -> bool:
    """Whether this machine has it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


IPV6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize("host", ["0.0.0.0", pytest.param("::", marks=IPV6)])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_other_machines_are_not_served_without_keys(command, host, workers):
    """What to do is told."""
    refused = run(command("--host", host, "--workers", workers))
    assert refused.returncode == 1
    assert "make a key first: jackfield keys create" in refused.stderr
    assert "http://" not in refused.stderr


@pytest.mark.parametrize("host", ["localhost", pytest.param("::1", marks=IPV6)])
def test_loopback_has_other_names(start, host):
    """And needs no key; the address that is printed can be used."""
    process, url = start("--host", host)
    netloc = urlsplit(url).netloc
    connection = http.client.HTTPConnection(netloc, timeout=20)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; from jackfield.cli.main import main; main()"


def test_it_needs_no_uvloop(start):
    """Which is only taken where it is installed."""
    process, url = start(code=WITHOUT_UVLOOP)
    stream = Stream(url, "b/ok")
    assert b"[DONE]" in stream.rest()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


WITH_FEW_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from jackfield.cli.main import main
main()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux tells of processes")
def test_it_takes_as_many_connections_as_the_system_allows(start):
    """The soft limit of open files is raised to the hard one."""
    process, _ = start(code=WITH_FEW_FILES)
    (line,) = [
        line
        for line in Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        if line.startswith("Max open files")
    ]
    soft, hard = line.split()[3:5]
    assert soft == hard
    assert hard == str(resource.getrlimit(resource.RLIMIT_NOFILE)[1]).replace("-1", "unlimited")


def test_a_worker_cannot_serve_what_its_parent_could_not(command, tmp_path):
    """A store that cannot be opened is told once by the first worker, and ends the command."""
    words: list[Any] = command("--workers", "2")
    config = tmp_path / "jackfield.toml"
    (tmp_path / "file").write_text("")
    config.write_text(config.read_text().replace("g.db", "file/g.db"))
    refused = run(words)
    assert refused.returncode == 1
    assert refused.stderr.count("cannot be opened") == 1
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", pytest.param("::", marks=IPV6)])
def test_other_machines_are_never_served_without_keys(command, host):
    """Not even where somebody made one: with ``never`` it would not be asked for."""
    words = command("--host", host, keys="never")
    assert run([*words[:-3], "keys", "create", "--label", "a"]).returncode == 0
    refused = run(words)
    assert refused.returncode == 1
    assert "never is only for loopback" in refused.stderr


@pytest.mark.parametrize("host", ["0", pytest.param("::ffff:0.0.0.0", marks=IPV6)])
def test_a_name_counts_by_where_it_leads(command, host):
    """Not by how it looks."""
    refused = run(command("--host", host))
    assert refused.returncode == 1
    assert "make a key first" in refused.stderr


@pytest.mark.parametrize("mode", ["auto", "always"])
def test_other_machines_are_served_with_keys(command, start, mode, asker):
    """Which are then asked of loopback too."""
    token = run([*command()[:-1], "keys", "create", "--label", "a"]).stdout.strip()
    process, url = start("--host", "0.0.0.0", keys=mode)
    ask = asker(url.replace("0.0.0.0", "127.0.0.1"))
    assert ask("/v1/models").status == 401
    assert ask("/v1/models", headers={"authorization": f"Bearer {token}"}).status == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_several_workers_have_one_store(tmp_path):
    """In memory each would have its own: a completion that one keeps, the other would not find."""
    config = tmp_path / "jackfield.toml"
    config.write_text('[backends.e]\nprovider = "echo"\n[gateway]\nport = 0\nstore = "sqlite::memory:"\n')
    command = [sys.executable, "-m", "jackfield", "--config", str(config), "serve", "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "gateway.store: several workers need one for all" in done.stderr
