"""The threat model names its proofs, and each of them is there."""

from __future__ import annotations

import pytest

from proofs import check_rows, check_run, named
from walkthrough import ROOT

PAGE = ROOT / "docs" / "explanation" / "threat-model.md"


@pytest.mark.parametrize(("file", "test"), named(PAGE))
def test_a_proof_exists(file: str, test: str) -> None:
    """The file has a test of that name, which is run."""
    check_run(file, test)


def test_every_threat_has_a_control_and_a_proof() -> None:
    """No row is a mere intention."""
    check_rows(PAGE, 21)
