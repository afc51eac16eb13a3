"""Configuration: which file holds, and what is wrong in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jackfield.checkup.row import Row
from jackfield.config.load import Loaded
from jackfield.errors import Fault

ABOUT = "configuration"
FIRST = "jackfield config init writes a first one"


def configuration_rows(loaded: Loaded, faults: Iterable[Fault]) -> Iterator[Row]:
    """What was loaded, and a row for each fault, with its place.

    Args:
        loaded: the configuration.
        faults: of its plugins' settings.
    """
    files, profile = loaded.settings.files, loaded.settings.profile
    under = "" if profile is None else f", profile {profile}"
    if files:
        yield Row(ABOUT, "file", "ok", ", ".join(files) + under)
    elif not any(fault.file and not fault.path for fault in loaded.faults):  # else a file is there, and not readable
        text = f"no file is found: the built-in default holds, or what the program gave{under}"
        if loaded.settings.backends:
            yield Row(ABOUT, "file", "ok", text)
        else:
            yield Row(ABOUT, "file", "warning", text, FIRST)
    for fault in (*loaded.faults, *faults):
        bare = fault.but(hint=None)
        yield Row(ABOUT, "fault", "failed", str(bare), fault.hint)
