"""Files that a configuration names are there when it is loaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jackfield.config.load import load

HINT = "a relative path begins at the directory of the file that it is written in"


def faults(path: str, directory: Path) -> list[str]:
    """The faults of a configuration whose backend trusts the authorities in a file."""
    file = directory / "a.toml"
    file.write_text(f'[backends.b]\nprovider = "p"\n[backends.b.transport]\nca_file = "{path}"\n')
    return [str(fault) for fault in load(str(file), environ={}).faults]


@pytest.mark.parametrize(
    ("path", "why"),
    [("no.pem", "No such file or directory"), (".", "it is a directory"), (r"a\u0000b", "it is no path")],
)
def test_an_authority_that_cannot_be_read_is_a_fault_with_its_place(tmp_path: Path, path: str, why: str) -> None:
    """It would be found out at the first call."""
    assert faults(path, tmp_path) == [
        f"{tmp_path / 'a.toml'}:4: backends.b.transport.ca_file: expected a PEM file that can be read: {why} ({HINT})"
    ]


def test_an_authority_without_the_right_to_read_it_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the program must have it."""
    (tmp_path / "ca.pem").write_text("")
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert "Permission denied" in faults("ca.pem", tmp_path)[0]


def test_a_file_that_is_there_is_not_opened(tmp_path: Path) -> None:
    """Loading stays cheap: what is in it is found when a connection is made. A pipe would not answer at all."""
    os.mkfifo(tmp_path / "ca.pem")

    assert faults("ca.pem", tmp_path) == []
