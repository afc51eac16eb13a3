"""Files that a configuration names, looked for when it is loaded: not opened, for loading is to be cheap."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from jackfield.config.settings import Settings

if TYPE_CHECKING:
    from jackfield.errors import Fault

HINT = "a relative path begins at the directory of the file that it is written in"


def file_faults(settings: Settings) -> list[Fault]:
    """A fault for each ``ca_file`` that cannot be read. Whether it holds a certificate is found when it is used."""
    faults = []
    for backend in settings.backends.values():
        path = backend.transport.ca_file
        why = None if path is None else _why_not(path)
        if why is not None:
            expected = f"expected a PEM file that can be read: {why}"
            faults.append(backend.place.fault(("transport", "ca_file"), expected, HINT))
    return faults


def _why_not(path: str) -> str | None:
    """Why a file cannot be read, or None."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return error.strerror
    except ValueError:  # it has a NUL in it, say
        return "it is no path"
    if stat.S_ISDIR(mode):
        return "it is a directory"
    return None if os.access(path, os.R_OK) else "Permission denied"
