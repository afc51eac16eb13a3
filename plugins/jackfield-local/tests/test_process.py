"""The engine lets its process fork and end, and leaves nothing lying about."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jackfield_local import LocalProvider

pytest.importorskip("xllamacpp")

PROGRAM = """
import contextlib, os, sys, threading, time
sys.path[:0] = {path!r}
from conftest import Drive
from jackfield.errors import JackfieldError
from jackfield_local import LocalProvider

provider = LocalProvider(model_path={model!r}, context=8192)
"""
FORK = """
print(Drive(provider).chat(max_tokens=1).choices[0].message.content, flush=True)
child = os.fork()
if child == 0:
    print(Drive(provider).chat(max_tokens=2).choices[0].message.content, flush=True)
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
print(Drive(provider).chat(max_tokens=3).choices[0].message.content, flush=True)
"""
BUSY = """
def ask():
    with contextlib.suppress(JackfieldError):  # the process ends before it
        Drive(provider).chat(ignore_eos=True, max_tokens=100_000)
threading.Thread(target=ask, daemon=True).start()
while not provider._engine._server:
    time.sleep(0.01)
time.sleep(0.2)
"""
FORK_WHILE_BUSY = (
    BUSY
    + """
child = os.fork()
if child == 0:
    print(Drive(provider).chat(max_tokens=2).choices[0].message.content, flush=True)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
assert provider._engine._running
"""
)
END_WHILE_BUSY = BUSY + "sys.exit(5)"


def run(program: str, model: Path) -> subprocess.CompletedProcess[str]:
    path = [str(Path(__file__).parent), *(entry for entry in sys.path if entry)]
    source = PROGRAM.format(path=path, model=str(model)) + program
    # Newer versions of Python warn of any fork in a process with threads.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", source]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_loads_the_model_anew(tiny: Path) -> None:
    """Parent and child both answer afterwards, and the child can end like any program."""
    done = run(FORK, tiny)

    assert done.stdout.splitlines() == ["Hello", "Hello from", "7", "Hello from a"]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_while_the_engine_answers_harms_neither(tiny: Path) -> None:
    """The parent goes on answering; the child loads a model of its own."""
    done = run(FORK_WHILE_BUSY, tiny)

    assert done.stdout.splitlines() == ["Hello from", "7"]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_process_can_end_in_the_middle_of_an_answer(tiny: Path) -> None:
    """With its own exit code, and without a word from the engine."""
    done = run(END_WHILE_BUSY, tiny)

    assert (done.returncode, done.stdout, done.stderr) == (5, "", "")


def test_nothing_is_left_in_the_temporary_directory(
    make: Callable[..., LocalProvider], drive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's socket is gone as soon as the model is loaded; a path too long for one is not used."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    drive(make()).chat(max_tokens=1)
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    drive(make()).chat(max_tokens=1)

    assert [path.name for path in tmp_path.iterdir()] == [deep.name]
    assert list(deep.iterdir()) == []
