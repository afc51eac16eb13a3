"""Environments of clients: made once, and anew where their pins change or one was left half made."""

from __future__ import annotations

from pathlib import Path

import pytest

from system.clients.environments import MissingError, made, program


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    """A file of pins."""
    path = tmp_path / "pins.txt"
    path.write_text("openai==3\n")
    return path


def test_an_environment_is_made_once(tmp_path, pins):
    """Whoever asks again gets the same directory; with other pins, or another Python, one of its own."""
    first = made("one", [pins], "3.11", tmp_path / "cache", Path.mkdir)
    assert made("one", [pins], "3.11", tmp_path / "cache", Path.rmdir) == first
    assert made("one", [pins], "3.12", tmp_path / "cache", Path.mkdir) != first
    pins.write_text("openai==4\n")
    assert made("one", [pins], "3.11", tmp_path / "cache", Path.mkdir) != first


def test_what_was_left_half_made_is_made_anew(tmp_path, pins):
    """In an empty place."""

    def break_off(directory: Path) -> None:
        directory.mkdir()
        (directory / "half").touch()
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        made("one", [pins], "3.11", tmp_path / "cache", break_off)
    assert list(made("one", [pins], "3.11", tmp_path / "cache", Path.mkdir).iterdir()) == []


def test_a_program_that_is_missing_is_told_as_other_things_that_are(monkeypatch):
    """In the words by which tests that are skipped for want of something fail where nothing may be skipped."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingError, match=r"^no-such-program is not installed$"):
        program("no-such-program")
