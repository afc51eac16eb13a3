"""Tape: the file of a recording. Each exchange is added whole; what a crash left of one is cut off before the next."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from jackfield_replay.errors import RecordingError
from jackfield_replay.exchange import Exchange
from jackfield_replay.text import END, HEAD, VERSION, load, read, split

NEW_FILE = 0o600
"""The mode of a file that is made: what was asked and answered is the owner's business."""


def _at_home(path: str) -> str:
    return os.path.expanduser(path)


@attrs.frozen(eq=False)
class Tape:
    """A file that exchanges are added to, by any number of threads and processes at once. All of it blocks.

    Attributes:
        path: of the file; ``~`` is the home directory.
    """

    path: str = attrs.field(converter=_at_home)

    def prepare(self) -> None:
        """Make the file where there is none.

        Raises:
            RecordingError: it cannot be made, or it is something else than a recording.
        """
        with self._opened() as file:
            data = _content(file)
            if not data.strip():
                os.ftruncate(file, 0)
                _append(file, HEAD)
                return
        try:
            check_head(split(data)[0])
        except ValueError as error:
            raise RecordingError(f"{self.path} is not written to: {error}") from None

    def add(self, document: bytes) -> None:
        """Add a document at the end.

        Raises:
            RecordingError: it cannot be written; nothing of it is left in the file then.
        """
        with self._opened() as file:
            size = os.fstat(file).st_size
            os.lseek(file, max(size - len(END), 0), os.SEEK_SET)
            if size and os.read(file, len(END)) != END:
                found = _content(file).rfind(END)
                size = 0 if found < 0 else found + len(END)
                os.ftruncate(file, size)
            try:
                _append(file, document if size else HEAD + document)
            except OSError:
                os.ftruncate(file, size)
                raise

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The file, to which no one else adds meanwhile."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            file = os.open(self.path, flags, NEW_FILE)
            try:
                _lock(file)
                yield file
            finally:
                os.close(file)  # which unlocks it too
        except OSError as error:
            raise RecordingError(f"the recording {self.path} cannot be written: {error.strerror}") from None


def load_tape(path: str) -> tuple[list[Exchange], bool]:
    """The exchanges of a recording, in order, and whether its last one is not whole, and so left out.

    Raises:
        RecordingError: the file cannot be read, or lists all that is wrong in it.
    """
    path = os.path.expanduser(path)
    try:
        with open(path, "rb") as file:
            documents, rest = split(file.read())
    except OSError as error:
        raise RecordingError(f"the recording {path} cannot be read: {error.strerror}") from None
    faults: list[str] = []
    exchanges: list[Exchange] = []
    try:
        check_head(documents)
    except ValueError as error:
        raise RecordingError(f"{path}: {error}") from None
    for number, document in enumerate(documents[1:], start=1):
        try:
            exchanges.append(read(document))
        except ValueError as error:
            faults.append(f"{path}: exchange {number}: {error}")
    if faults:
        raise RecordingError("\n".join(faults))
    return exchanges, bool(rest.strip())


def check_head(documents: list[bytes]) -> None:
    """Refuse a file that is no recording, or one of a version that is not known.

    Raises:
        ValueError: tells which.
    """
    try:
        head = load(documents[0]) if documents else None
    except ValueError:
        head = None
    if not isinstance(head, dict) or VERSION not in head:
        raise ValueError(f"expected a recording, which begins with {VERSION}")
    if head != {VERSION: 1}:
        raise ValueError(f"{VERSION}: expected 1, the only version that is known here")


def _content(file: int) -> bytes:
    os.lseek(file, 0, os.SEEK_SET)
    blocks = []
    while block := os.read(file, 2**20):
        blocks.append(block)
    return b"".join(blocks)


def _append(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _lock(file: int) -> None:
    """Wait until no one else has the file locked; the system unlocks it for a process that ends."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_LOCK, 2**30)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
