"""The page of promises names a test for each, and each of them is there and is run."""

from __future__ import annotations

import ast
import re

import pytest

from walkthrough import ROOT

PAGE = ROOT / "docs" / "explanation" / "promises.md"
NAME = re.compile(r"`((?:tests|plugins|src)/[\w/.-]+\.py)::(test_\w+)`")
NAMED = sorted(set(NAME.findall(PAGE.read_text(encoding="utf-8"))))


def rows() -> list[list[str]]:
    """The cells of every row of the tables."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "when"]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_proof_exists(file: str, test: str) -> None:
    """The file has a test of that name, which is neither skipped nor expected to fail."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (found,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == test]

    assert not [mark for mark in map(ast.unparse, found.decorator_list) if re.search(r"\.(skip|xfail)\b", mark)]


def test_every_promise_has_a_proof() -> None:
    """No row is a mere intention."""
    assert len(rows()) >= 25
    for when, promise, proof in rows():
        assert promise, when
        assert NAME.findall(proof), when
        assert not NAME.sub("", proof).strip(" ,"), when
