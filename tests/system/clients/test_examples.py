"""The examples for hosts of other makes, each as it stands, against ``jackfield serve``."""

from __future__ import annotations

import re

import pytest

from system.clients.environments import HERE
from system.tiny_model import REPLY

EXAMPLES = HERE.parents[2] / "examples"
TOLD = {
    "openai_chat.py": ("openai3", rf"{re.escape(REPLY)}\n\d+ tokens\n"),
    "openai_chat.mjs": ("node", rf"{re.escape(REPLY)}\n\d+ tokens\n"),
    "ai_sdk_chat.mjs": ("node", rf"{re.escape(REPLY)}\n1 calls, \d+ tokens\n"),
    "pydantic_ai_chat.py": ("openai3", r"City\(name='.*', country='.*'\)\n"),
    "llama_index_chat.py": ("openai2", rf"{re.escape(REPLY)}\n"),
}
"""Of each, the environment that has what it needs, and what it prints."""


@pytest.mark.system
@pytest.mark.long
@pytest.mark.parametrize("name", TOLD)
def test_example_works(name, run):
    """It prints what the model says."""
    environment, printed = TOLD[name]
    done = run(environment, EXAMPLES / name, "tiny")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(printed, done.stdout)


def test_every_example_is_run_and_told_of():
    """In the directory and in its README there is no other."""
    files = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".mjs"}}
    assert files == set(TOLD) == set(re.findall(r"`(\w+\.\w+)`", (EXAMPLES / "README.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", TOLD)
def test_example_is_short(name):
    """It has less than 20 lines."""
    assert (EXAMPLES / name).read_text(encoding="utf-8").count("\n") < 20
