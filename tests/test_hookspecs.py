"""The contract itself: every hook is documented with its exact signature, and tested by its name."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from jackfield.hookspecs import MiddlewareSpec, PluginSpec, ProviderSpec, spec_signature

ROOT = Path(__file__).parents[1]
SPECS = [
    pytest.param(spec, name, id=name)
    for spec in (ProviderSpec, MiddlewareSpec, PluginSpec)
    for name in vars(spec)
    if not name.startswith("_")
]


def signature(name):
    """``name(arguments)``, without types."""
    return f"{name}({', '.join(spec_signature(name).parameters)})"


@pytest.mark.parametrize(("spec", "name"), SPECS)
def test_every_hook_is_in_the_reference_with_its_exact_signature(spec, name):
    """A reader of the reference can copy the signature from it."""
    assert signature(name) in (ROOT / "docs/reference/hooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("spec", "name"), SPECS)
def test_every_hook_has_a_test_of_its_own(spec, name):
    """Some test says in its name what the hook does."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert any(re.search(rf"def test_hook_{name}_\w+", text) for text in texts)


@pytest.mark.parametrize(("spec", "name"), SPECS)
def test_every_hook_says_what_its_arguments_are(spec, name):
    """The docstring of a hook is its manual."""
    documentation = inspect.getdoc(vars(spec)[name])
    for argument in spec_signature(name).parameters:
        if f":param {argument}:" not in documentation:
            assert argument == "call"
            assert name == "end_of_stream"


@pytest.mark.parametrize(("spec", "name"), SPECS)
def test_a_specification_is_never_called_itself(spec, name):
    """Only implementations are called."""
    arguments = [None] * len(inspect.signature(vars(spec)[name]).parameters)
    with pytest.raises(AssertionError, match="a specification is never called"):
        vars(spec)[name](*arguments)


def test_a_name_that_is_no_hook_has_no_signature():
    """Asking for an unknown hook is an error, not a guess."""
    with pytest.raises(LookupError):
        spec_signature("wrap_everything")
