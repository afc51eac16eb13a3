"""No secret leaves by any exit: keys of every shape, repeated by servers and plugins in every form."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from exits import Sinks, argv, seen, values
from jackfield.redaction import remember
from jackfield.testing.leaks import leaks
from keys import KEYS, parts

SINKS = (
    "traceback",
    "error's str",
    "error's repr",
    "error's args",
    "error's vars",
    "error's notes",
    "error's locals",
    "error's pickle",
    "linked errors' str",
    "linked errors' args",
    "linked errors' vars",
    "host's traceback",
    "attempts",
    "attempts as dicts",
    "pickled attempts",
    "faults",
    "reprs",
    "jackfield's log",
    "other logs",
    "warning",
    "stderr",
)
_kept: dict[str, Sinks] = {}


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> str:
    """A key of each shape."""
    return KEYS[request.param]


@pytest.fixture
def sinks(key: str) -> Sinks:
    """What was seen of it; once for all tests, since it takes a while."""
    if key not in _kept:
        with tempfile.TemporaryDirectory() as directory, pytest.warns(UserWarning, match="careless"):
            _kept[key] = seen(key, Path(directory))
    return _kept[key]


def leaking(texts: Iterable[str], key: str) -> list[str]:
    """The texts in which a part of a key is."""
    return [text for text in {*texts} for part in parts(key) if leaks(text, part)]


@pytest.mark.parametrize("sink", SINKS)
def test_no_exit_shows_a_key(sink: str, key: str, sinks: Sinks) -> None:
    """Nor any eight characters of it."""
    assert any(sinks[sink]) or sink == "stderr"
    assert leaking(sinks[sink], key) == []


def test_every_exit_is_in_the_table(sinks: Sinks) -> None:
    """What was seen and is not looked at would be missed."""
    assert set(sinks) - {"linked errors' repr", "linked errors' notes", "linked errors' pickle", "stdout"} <= set(SINKS)


def test_no_process_is_started_with_a_key(key: str, tmp_path: Path) -> None:
    """A command that reads a secret is not told it."""
    if key.strip().isascii() and key.strip().isprintable():
        assert leaking(argv(key, tmp_path), key) == []


def test_no_value_shows_a_key(key: str) -> None:
    """Neither a transport, a backend nor a request."""
    remember(key)

    assert leaking(values(key), key) == []
