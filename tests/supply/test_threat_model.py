"""The threat model names its proofs, and each of them is there."""

from __future__ import annotations

import ast
import re

import pytest

from walkthrough import ROOT

PAGE = ROOT / "docs" / "explanation" / "threat-model.md"
NAMED = sorted(set(re.findall(r"`((?:tests|plugins)/[\w/.-]+\.py::\w+)`", PAGE.read_text(encoding="utf-8"))))


def rows() -> list[list[str]]:
    """The cells of every row of the tables of threats."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if row[0] not in {"threat", "---"}]


@pytest.mark.parametrize("name", NAMED)
def test_a_proof_exists(name: str) -> None:
    """The file has a test of that name, which is run: it is neither skipped nor expected to fail."""
    file, _, test = name.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (found,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == test]

    assert not [mark for mark in map(ast.unparse, found.decorator_list) if re.search(r"\.(skip|xfail)\b", mark)]


def test_every_threat_has_a_control_and_a_proof() -> None:
    """No row is a mere intention."""
    assert len(rows()) > 20
    for threat, control, proof in rows():
        assert threat
        assert control
        assert re.fullmatch(r"`[^`]+::test_\w+`(, `[^`]+::test_\w+`)*", proof), threat
    assert len(NAMED) >= len(rows())
