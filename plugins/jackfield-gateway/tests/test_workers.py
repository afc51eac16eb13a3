"""Workers: processes that share a port, and what becomes of those that die."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.errors import JackfieldError
from jackfield_gateway.server import bind
from jackfield_gateway.workers import Workers

WORKER = """
import os, signal, socket, sys, time
listener, log, how = socket.socket(fileno=int(sys.argv[1])), sys.argv[2], sys.argv[3]
with open(log, "a") as file:
    file.write(f"{os.getpid()}\\n")
while how == "slow" and not os.path.exists(f"{log}.go"):
    time.sleep(0.02)
if how == "noisy":
    print("a plugin says hello", flush=True)
signal.signal(signal.SIGHUP, lambda *_: open(f"{log}.told", "a").close())
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP, signal.SIGINT})
if how == "never" or how == "first" and len(open(log).readlines()) > 1:
    sys.exit(3)
signal.signal(signal.SIGTERM, signal.SIG_IGN if how == "stubborn" else lambda *_: sys.exit(0))
print("ready", flush=True)
time.sleep(600)
"""


class Bench:
    """Workers of a few lines, which write down that they began.

    Attributes:
        workers: the parent.
        program: what they are, a link to Python.
    """

    def __init__(self, path: Path, how: str, count: int, patience: float, pause: float) -> None:
        self._log = path / "log"
        self.program = path / "python"
        self.program.symlink_to(sys.executable)
        self.listener = bind("127.0.0.1", 0, 30)
        descriptor = str(self.listener.fileno())
        command = [str(self.program), "-c", WORKER, descriptor, str(self._log), how]
        self.workers = Workers(command, count, self.listener, patience=patience, pause=pause)
        self.opened: list[bool] = []
        self.task = asyncio.create_task(self.workers.run(lambda: self.opened.append(True)))

    @property
    def begun(self) -> list[int]:
        """Process ids of all that began."""
        return [int(line) for line in self._log.read_text().split()] if self._log.exists() else []

    def go(self) -> None:
        """Let slow ones be ready."""
        self._log.with_name("log.go").touch()

    @property
    def told(self) -> bool:
        """Whether one got SIGHUP."""
        return self._log.with_name("log.told").exists()

    async def until(self, count: int) -> None:
        """Wait until so many have begun."""
        await holds(lambda: len(self.begun) >= count)


async def holds(condition: Callable[[], bool]) -> None:
    """Wait until that holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
def bench(tmp_path) -> Callable[..., Bench]:
    """Makes such a parent, within a running loop."""

    def make(how: str = "well", count: int = 2, patience: float = 60, pause: float = 0.05) -> Bench:
        return Bench(tmp_path, how, count, patience, pause)

    return make


def alive(pid: int) -> bool:
    """Whether there is such a process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_one_that_dies_is_started_again_and_all_end_together(bench):
    """The parent's socket is closed then, and it says that all went well."""

    async def main() -> None:
        parent = bench()
        await parent.until(2)
        os.kill(parent.begun[0], signal.SIGKILL)
        await parent.until(3)
        assert parent.opened == [True]
        while len(parent.workers._ready) < 2:
            await asyncio.sleep(0.02)
        parent.workers.end()
        assert await asyncio.wait_for(parent.task, 30) is True
        assert parent.listener.fileno() == -1
        assert [pid for pid in parent.begun if alive(pid)] == []

    asyncio.run(main())


def test_one_that_dies_at_once_is_not_started_in_a_tight_loop(bench):
    """The pauses double: within two seconds there is no time for more than a few."""

    async def main() -> int:
        parent = bench("first", pause=0.2)
        await parent.until(3)
        await asyncio.sleep(2)
        begun = len(parent.begun)
        parent.workers.end()
        await asyncio.wait_for(parent.task, 30)
        return begun

    assert asyncio.run(main()) <= 7


def test_one_that_cannot_be_started_is_tried_again(bench, caplog):
    """A machine that has no room for a process has it later: the worker comes back."""

    async def main() -> None:
        parent = bench(count=1)
        await holds(lambda: parent.opened == [True])
        parent.program.rename(parent.program.with_name("away"))
        os.kill(parent.begun[0], signal.SIGKILL)
        await holds(lambda: caplog.text.count("could not be started") >= 2)
        parent.program.with_name("away").rename(parent.program)
        await parent.until(2)
        parent.workers.end()
        assert await asyncio.wait_for(parent.task, 30) is True

    asyncio.run(main())


def test_what_is_printed_before_it_is_ready_is_no_failure(bench):
    """Whatever a plugin or a library says while it is loaded."""

    async def main() -> None:
        parent = bench("noisy")
        await holds(lambda: parent.opened == [True])
        parent.workers.end()
        await asyncio.wait_for(parent.task, 30)

    asyncio.run(main())


def test_one_that_is_being_started_reads_a_new_configuration(bench):
    """It may have read the former one already: it is told as soon as it listens to signals."""

    async def main() -> None:
        parent = bench("slow", count=1)
        await parent.until(1)
        parent.workers.reload()
        parent.go()
        await holds(lambda: parent.told)
        parent.workers.end()
        assert await asyncio.wait_for(parent.task, 30) is True

    asyncio.run(main())


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_what_a_terminal_sends_to_all_does_not_end_one_that_is_being_started(bench, number):
    """It waits until the worker has a mind about it."""

    async def main() -> None:
        parent = bench("slow", count=1)
        await parent.until(1)
        os.kill(parent.begun[0], number)
        parent.go()
        await holds(lambda: parent.opened == [True] or parent.task.done())
        assert parent.opened == [True]
        parent.workers.end()
        assert await asyncio.wait_for(parent.task, 30) is True
        assert (len(parent.begun), parent.told) == (1, number == signal.SIGHUP)

    asyncio.run(main())


def test_the_end_does_not_wait_for_one_that_is_being_started(bench):
    """Nobody was served by then: the parent does not say where it listens, and all is well."""

    async def main() -> None:
        parent = bench("slow")
        await parent.until(1)
        parent.workers.end()
        assert await asyncio.wait_for(parent.task, 30) is True
        assert (parent.opened, [pid for pid in parent.begun if alive(pid)]) == ([], [])

    asyncio.run(main())


def test_that_none_can_be_started_is_told(bench):
    """Once; nothing is tried again."""

    async def main() -> None:
        parent = bench("never")
        with pytest.raises(JackfieldError, match="cannot be started"):
            await asyncio.wait_for(parent.task, 60)
        assert (len(parent.begun), parent.opened) == (1, [])
        assert parent.listener.fileno() == -1

    asyncio.run(main())


def test_that_there_is_no_room_for_the_first_is_told(bench):
    """As an error of ours, with the reason in the log."""

    async def main() -> None:
        parent = bench()
        parent.program.unlink()
        with pytest.raises(JackfieldError, match="cannot be started"):
            await asyncio.wait_for(parent.task, 60)

    asyncio.run(main())


@pytest.mark.parametrize("twice", [False, True])
def test_one_that_does_not_end_is_killed(bench, twice):
    """When patience is over, or at the second word; the parent says that it did not go well."""

    async def main() -> None:
        parent = bench("stubborn", patience=60 if twice else 0.5)
        await parent.until(2)
        while len(parent.workers._ready) < 2:
            await asyncio.sleep(0.02)
        began = time.monotonic()
        parent.workers.end()
        if twice:
            await asyncio.sleep(0.1)
            assert not parent.task.done()
            parent.workers.end()
        assert await asyncio.wait_for(parent.task, 30) is False
        assert twice or time.monotonic() - began >= 0.5
        assert [pid for pid in parent.begun if alive(pid)] == []

    asyncio.run(main())


def test_those_that_ended_just_before_they_were_told_ended_well(bench, monkeypatch):
    """Their end is noticed late, as on a busy machine: who sends a signal does not take the exit code away."""
    reap = os.waitpid

    def late(pid: int, options: int) -> tuple[int, int]:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        time.sleep(0.5)
        return reap(pid, options)

    async def main() -> None:
        parent = bench()
        await parent.until(2)
        while len(parent.workers._ready) < 2:
            await asyncio.sleep(0.02)
        for pid in parent.begun:
            os.kill(pid, signal.SIGTERM)
        for pid in parent.begun:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop is to be late
        parent.workers.end()
        assert await asyncio.wait_for(parent.task, 60) is True

    monkeypatch.setattr(os, "waitpid", late)
    asyncio.run(main())


CONFIG = """
default_model = "echo/a"

[backends.echo]
provider = "echo"

[gateway]
store = "sqlite:{store}"
port = 0
workers = 2
"""


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    listed = subprocess.run(["ps", "-o", "pid=,ppid=", "-A"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    names = {int(own): Path(f"/proc/{own}/cmdline") for own, parent in rows if int(parent) == pid}
    return sorted(own for own, name in names.items() if name.exists() and b"jackfield" in name.read_bytes())


@pytest.fixture
def served(tmp_path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """``jackfield serve`` with two workers, its address, and its configuration."""
    config = tmp_path / "jackfield.toml"
    config.write_text(CONFIG.format(store=tmp_path / "g.db"))
    command = [sys.executable, "-m", "jackfield", "--config", str(config), "serve"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        url = process.stderr.readline().strip()
        until = time.monotonic() + 60
        while len(children(process.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        yield process, url, config
    finally:
        if process.poll() is None:
            for pid in (*children(process.pid), process.pid):
                os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=30)


def refused(url: str, patience: float = 60) -> bool:
    """Whether within that time nobody listens there any more."""
    host, _, port = url.removeprefix("http://").partition(":")
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.05)
    return False


pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux tells of processes")


def test_workers_share_a_port_and_survive_each_other(served, asker):
    """One that is killed is replaced; at SIGTERM all end, with exit code 0, and the port is free."""
    process, url, _ = served
    ask, before = asker(url), children(process.pid)
    assert [ask.chat("echo/a").status for _ in range(20)] == [200] * 20
    os.kill(before[0], signal.SIGKILL)
    until = time.monotonic() + 60
    while (len(children(process.pid)) < 2 or before[0] in children(process.pid)) and time.monotonic() < until:
        time.sleep(0.05)
    after = children(process.pid)
    assert (len(after), before[0] in after) == (2, False)
    assert [ask.chat("echo/a").status for _ in range(20)] == [200] * 20
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert refused(url)
    assert [pid for pid in after if alive(pid)] == []


def test_a_hangup_reaches_all_workers(served, asker):
    """Each reads the configuration again, one that is just being started too."""
    process, url, config = served
    ask = asker(url)
    assert ask.chat("other/a").status == 404
    config.write_text(config.read_text().replace("[backends.echo]", "[backends.other]").replace("echo/a", "other/a"))
    process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 60
    while time.monotonic() < until and {ask.chat("other/a").status for _ in range(20)} != {200}:
        time.sleep(0.5)
    assert {ask.chat("other/a").status for _ in range(40)} == {200}


def test_workers_end_with_their_parent(served):
    """Though it was killed and could tell them nothing."""
    process, url, _ = served
    pids = children(process.pid)
    process.kill()
    assert refused(url)
    until = time.monotonic() + 60
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert [pid for pid in pids if alive(pid)] == []


def test_a_signal_for_the_whole_group_ends_them_well(served):
    """A service manager tells each process, and the parent tells the workers once more."""
    process, _, _ = served
    for pid in (*children(process.pid), process.pid):
        os.kill(pid, signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
