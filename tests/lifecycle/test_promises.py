"""The page that tells what a host may rely on names a test for each promise, and each test of the life cycle is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proofs import check_run

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "explanation" / "concurrency.md"
NAME = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def promises() -> list[str]:
    """The items of the page, up to what is not promised."""
    text = PAGE.read_text(encoding="utf-8").split("## What is not promised")[0]
    return re.findall(r"^- (.*?)(?=^- |^## |\Z)", text, re.MULTILINE | re.DOTALL)


def names_in(file: Path) -> set[str]:
    """The names of the tests in a file."""
    return set(re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE))


def short(promise: str) -> str:
    """Its first words."""
    return " ".join(promise.split()[:6])


@pytest.mark.parametrize("promise", promises(), ids=short)
def test_every_promise_has_its_tests(promise: str) -> None:
    """At least one is named, after the words of the promise, and all that are named exist."""
    named = NAME.findall(promise)

    assert named
    assert promise.index("Tests:") > 0
    for file, name in named:
        check_run(f"tests/{file}", name)


def test_every_test_of_the_life_cycle_is_named() -> None:
    """Nothing that is tested here is kept from the reader."""
    own = {
        name for file in Path(__file__).parent.glob("test_*.py") if file != Path(__file__) for name in names_in(file)
    }

    assert own - {name for promise in promises() for _, name in NAME.findall(promise)} == set()
