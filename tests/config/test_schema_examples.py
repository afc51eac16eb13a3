"""What the documentation shows keeps to the schema of the file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jackfield.catalogue import catalogue
from jackfield.config.schema import schema
from jackfield.registry import Registry
from markdown import examples
from walkthrough import ROOT


def toml_of(page: Path) -> Iterator[dict[str, Any]]:
    """The whole configurations on a page; none of one that writes plugins of its own."""
    blocks = examples(page)
    if any("project.entry-points" in block.text for block in blocks):
        return
    for block in blocks:
        if block.language == "toml" and block.not_run is None:
            data = tomllib.loads(block.text)
            backends = data.get("backends", {}).values()
            if backends and all("provider" in backend for backend in backends):
                yield data


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("plugins/*/README.md"))]
PAGES = [page for page in PAGES if any(toml_of(page))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_the_documentation_keep_to_the_schema(page: Path) -> None:
    """What a reader copies is underlined nowhere."""
    found = catalogue(Registry())
    validator = Draft202012Validator(schema(found.providers, found.middleware, found.sections))

    assert [error.message for data in toml_of(page) for error in validator.iter_errors(data)] == []
