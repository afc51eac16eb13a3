"""The pages of the fault server and of the contract list every fault, door and check, as the code has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jackfield.testing import InProcessContract, ProviderContract, ServerContract
from jackfield.testing.faults import DOORS, FAULTS, Fault
from jackfield.testing.faults.doors import CLOSED

CONTRACTS = {
    "Provider of a service": ProviderContract,
    "Provider in the process": InProcessContract,
    "Server": ServerContract,
}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"


def outcome(expected: tuple[type[BaseException], ...]) -> str:
    """What must come of a fault, as the page writes it."""
    return " or ".join(f"`{error.__name__}`" for error in expected) or "the answer"


def row(fault: Fault) -> str:
    """The row of a fault."""
    given = "&".join(f"{name}={value}" for name, value in fault.defaults.items())
    name = f"{fault.name}?{given}" if given else fault.name
    return f"| `{name}` | {fault.summary} | {outcome(fault.whole)} | {outcome(fault.stream)} |"


def test_page_lists_every_fault() -> None:
    """Name, arguments with their defaults, what the server does, and what a provider has to make of it."""
    rows = re.findall(r"^\| `.*\|$", PAGE.read_text(encoding="utf-8").split("## Doors")[0], re.MULTILINE)

    assert rows == [row(fault) for fault in FAULTS.values()]


def test_page_lists_every_door() -> None:
    """Names in the order of the code, and what each does."""
    text = PAGE.read_text(encoding="utf-8").split("## Doors")[1]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", text, re.MULTILINE))

    assert list(rows) == list(DOORS)
    assert {door: rows[door] for door in CLOSED} == CLOSED


@pytest.mark.parametrize("heading", CONTRACTS)
def test_page_lists_every_check(heading: str) -> None:
    """In the order of the class."""
    text = (PAGE.parent / "contract.md").read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]

    assert re.findall(r"^\| `(test_\w+)` \|", text, re.MULTILINE) == [
        name for name in vars(CONTRACTS[heading]) if name.startswith("test_")
    ]
