"""The tables of parameters: complete in the code, and in the documentation what they are in the code."""

from __future__ import annotations

import importlib.util
from importlib.metadata import entry_points
from types import ModuleType

import pytest

from jackfield.models import CreateChatCompletionRequest
from jackfield.parameters import Parameter
from walkthrough import ROOT

SCRIPT = ROOT / "docs" / "parameters.py"


def generator() -> ModuleType:
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("parameters_page", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tables() -> list[str]:
    """The providers of this repository that have a table."""
    return list(generator().providers())


def test_the_page_is_what_the_code_says() -> None:
    """``python docs/parameters.py --write`` makes it so again."""
    made = generator()

    assert made.PAGE.read_text(encoding="utf-8") == made.page()
    assert made.README.read_text(encoding="utf-8") == made.readme()


@pytest.mark.parametrize("name", tables())
def test_a_table_names_every_field_of_a_request(name: str) -> None:
    """So that none is passed over without anyone having thought of it; and whatever is not ``yes`` says why."""
    (point,) = entry_points(group="jackfield.providers", name=name)
    table = point.load().parameters

    assert set(table) == set(CreateChatCompletionRequest.__wire_fields__)
    assert all(isinstance(parameter, Parameter) for parameter in table.values())
    assert [field for field, parameter in table.items() if parameter.taken != "yes" and not parameter.note] == []


def test_there_are_providers_to_check() -> None:
    """A page without columns would be right, and worth nothing."""
    assert {"openai", "azure"} <= set(tables())
