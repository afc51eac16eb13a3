"""Find the configuration file, and read it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.config.place import Places
from jackfield.errors import Fault

FILE = "jackfield.toml"
USER_FILE = "config.toml"
VARIABLE = "JACKFIELD_CONFIG"


@attrs.frozen(eq=False)
class Document:
    """A configuration as it was written, not checked yet.

    Attributes:
        data: its tree, plain dicts and lists; None where it could not be read.
        places: where each value was written.
        files: the files that were read.
        faults: what was wrong with reading it.
    """

    data: dict[str, Any] | None
    places: Places
    files: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def discover(environ: Mapping[str, str]) -> Document | None:
    """Read the configuration file that holds here, or None where there is none.

    The first of: what ``JACKFIELD_CONFIG`` names (whether it exists or not; empty counts as not set);
    ``jackfield.toml`` in the working directory or the nearest directory above it; ``config.toml`` in the user's
    configuration directory for ``jackfield`` (``~/.config/jackfield`` on Linux).
    """
    named = environ.get(VARIABLE)
    if named:
        return read(named, hint=f"named by {VARIABLE}")
    path = _upward()
    if path is not None and untrusted(path, getattr(os, "geteuid", int)()):
        hint = f"if you trust it, name it in {VARIABLE}"
        return _broken(path, "another user's file in a directory that anyone may write to is not read", hint=hint)
    path = path or _of_user()
    return None if path is None else read(path)


def _upward() -> str | None:
    try:
        directory = os.getcwd()
    except OSError:  # it was removed
        return None
    while True:
        path = os.path.join(directory, FILE)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def untrusted(path: str, user: int) -> bool:
    """Whether anyone on the machine may have put the file there: a configuration may run commands for its secrets.

    Args:
        path: the file.
        user: number of the user who is going to read it; that user and root are trusted.
    """
    try:
        file, directory = os.stat(path), os.stat(os.path.dirname(path))
    except OSError:  # reading it will tell
        return False
    return bool(directory.st_mode & stat.S_IWOTH) and file.st_uid not in {0, user}


def _of_user() -> str | None:
    import platformdirs  # dear, and needed only where no file was found

    path = os.path.join(platformdirs.user_config_dir("jackfield", appauthor=False), USER_FILE)
    return path if os.path.isfile(path) else None


def read(path: str, *, hint: str | None = None) -> Document:
    """Read a TOML file. That it is missing, unreadable, not UTF-8 or not TOML is a fault of the document.

    Args:
        path: of the file; ``~`` is the home directory.
        hint: for that fault.
    """
    path = os.path.expanduser(path)
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        return _broken(path, f"the file cannot be read: {error.strerror}", hint=hint)
    except ValueError:
        return _broken(path, "the file cannot be read: no file can have this name", hint=hint)
    try:
        text = raw.decode("utf-8-sig")  # editors on Windows write a mark that TOML does not know
    except UnicodeDecodeError as error:
        return _broken(path, "expected text in UTF-8", line=raw.count(b"\n", 0, error.start) + 1)
    return parse(text, path)


def parse(text: str, path: str) -> Document:
    """Read the text of a TOML file; ``path`` is its name in places and faults."""
    import tomllib

    from jackfield.config.lines import lines_of

    try:
        data = tomllib.loads(text)
    except RecursionError:
        return _broken(path, "not TOML: nested too deeply")
    except ValueError as error:  # not only TOMLDecodeError: also a number of more digits than Python reads
        line = re.search(r"\(at line (\d+)", str(error))
        return _broken(path, f"not TOML: {error}", line=int(line[1]) if line else None)
    return Document(data, Places(path, lines_of(text)), files=(path,))


def _broken(path: str, expected: str, *, line: int | None = None, hint: str | None = None) -> Document:
    return Document(None, Places(path), faults=(Fault("", expected, file=path, line=line, hint=hint),))
