"""The package of wire types: names by hand, modules late."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import jackfield.models
from jackfield.models import _NAMES


@pytest.mark.parametrize("module", sorted(_NAMES))
def test_the_package_offers_what_its_modules_offer(module: str) -> None:
    """The package's list of names and each module's ``__all__`` agree."""
    home = importlib.import_module(f"jackfield.models.{module}")

    assert sorted(_NAMES[module].split()) == sorted(home.__all__)
    assert all(getattr(jackfield.models, name) is getattr(home, name) for name in home.__all__)


def test_dir_and_all_agree() -> None:
    """Completion in an interactive session shows the public names."""
    assert dir(jackfield.models) == sorted(jackfield.models.__all__)


def test_a_wrong_name_is_an_attribute_error() -> None:
    """A name that does not exist is reported as such."""
    name = "ChatCompletionNothing"
    with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
        getattr(jackfield.models, name)


def test_a_text_call_imports_few_modules() -> None:
    """A plain call imports neither the chunks nor the classes of tools, parts, formats and options."""
    script = """
import sys
from jackfield import wire
wire.encode(wire.build_request({"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 1}))
wire.decode_response(b'{"choices": [{"message": {"content": "hello"}}], "usage": {"prompt_tokens": 1}}')
print(*sorted(name for name in sys.modules if name.startswith("jackfield.models.")))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imported = {name.rpartition(".")[2] for name in done.stdout.split()}

    assert imported == {"base", "enums", "messages", "request", "response"}
