"""Pages that name a test for each of their claims: the tables, and whether the tests are there and are run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from walkthrough import ROOT

NAME = re.compile(r"`((?:tests|plugins|adapters|src)/[\w/.-]+\.py)::(test_\w+)`")


def named(page: Path) -> list[tuple[str, str]]:
    """Every test that a page names: its file, and its name."""
    return sorted(set(NAME.findall(page.read_text(encoding="utf-8"))))


def rows(page: Path) -> list[list[str]]:
    """The cells of every row of a page's tables, without their heads."""
    tables = re.findall(r"((?:^\|.*\n)+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def check_run(file: str, test: str) -> None:
    """Fail unless the file has a test of that name, which is neither skipped nor expected to fail."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (found,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == test]

    marks = [*map(ast.unparse, found.decorator_list), *(ast.unparse(node) for node in tree.body if _marks_all(node))]

    assert not [mark for mark in marks if re.search(r"\.(skip|xfail)\b", mark)]


def _marks_all(node: ast.stmt) -> bool:
    """Whether it sets the marks of all tests of its file."""
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["pytestmark"]


def check_rows(page: Path, least: int) -> None:
    """Fail unless a page has so many rows, each with a claim and nothing but tests as its proof."""
    assert len(rows(page)) >= least
    for subject, claim, proof in rows(page):
        assert subject
        assert claim, subject
        assert NAME.findall(proof), subject
        assert not NAME.sub("", proof).strip(" ,"), subject
