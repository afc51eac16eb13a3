"""The README tells the truth about the settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs

from jackfield_anthropic import AnthropicProvider
from jackfield_anthropic.request.output import SHARES
from jackfield_anthropic.response import REASONS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def shown(default: Any) -> str:
    empty = default is None or isinstance(default, attrs.Factory)  # type: ignore[arg-type]  # a function in attrs' stubs
    return "none" if empty else str(default)


def test_the_readme_lists_the_settings():
    """The table is complete and in order, with the defaults."""
    rows = re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", README, re.MULTILINE)
    fields = [(field.name, shown(field.default)) for field in attrs.fields(AnthropicProvider)]

    assert rows[: len(fields)] == fields
    assert {name for name, _ in fields} == set(
        re.findall(r"^    +(\w+): ", AnthropicProvider.__doc__ or "", re.MULTILINE)
    )


def test_the_readme_lists_the_reasons_and_the_shares():
    """As they are in the code."""
    answers = README.partition("## What becomes of an answer")[2]
    for reason, finish in REASONS.items():
        (row,) = [line for line in answers.splitlines() if re.match(rf"\|.*`{reason}`.*\|.*\|$", line)]
        assert f"`{finish}`" in row
    said = " ".join(README.split())
    assert [f"{share * 100:.0f} %" in said for share in SHARES.values()] == [True] * len(SHARES)
