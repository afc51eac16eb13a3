"""New file: written whole or not at all, and over another only where that is wanted."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from secrets import token_hex


def write_new(path: str, text: str, *, force: bool) -> None:
    """Write a text file in UTF-8. Whoever reads it meanwhile sees the old one or the new one, never a part.

    Args:
        path: of the file; where it is a link, of what it leads to.
        text: its content.
        force: replace a file that is there.

    Raises:
        FileExistsError: there is one, and it is not to be replaced.
        IsADirectoryError: it is the path of a directory.
        OSError: it cannot be written.
    """
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    beside = f"{target}.{token_hex(4)}.new"
    try:
        with open(beside, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if force:
            os.replace(beside, target)
        else:
            _put(beside, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)


def _put(source: str, target: str) -> None:
    """Give a file its name, unless there is one of that name. A link replaces nothing, even one made this moment."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.replace(source, target)
