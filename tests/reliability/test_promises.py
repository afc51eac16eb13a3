"""The page of promises names a test for each, and each of them is there and is run."""

from __future__ import annotations

import pytest

from proofs import check_rows, check_run, named
from walkthrough import ROOT

PAGE = ROOT / "docs" / "explanation" / "promises.md"


@pytest.mark.parametrize(("file", "test"), named(PAGE))
def test_proof_exists(file: str, test: str) -> None:
    """The file has a test of that name, which is run."""
    check_run(file, test)


def test_every_promise_has_a_proof() -> None:
    """No row is a mere intention."""
    check_rows(PAGE, 25)
