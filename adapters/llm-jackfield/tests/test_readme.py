"""The README: what it shows is run, in order, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from llm_jackfield.options import Options

from markdown import Example, examples

README = Path(__file__).parent.parent / "README.md"


def shell(example: Example, directory: Path, environ: dict[str, str]) -> str:
    """What a block prints. Each of its lines has to succeed."""
    command = example.text if example.language == "sh" else f"python - <<'END'\n{example.text}END\n"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=directory,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{example}: {done.stderr}"
    return done.stdout


@pytest.mark.timeout(400)
@pytest.mark.skipif(os.name == "nt", reason="the examples are for a POSIX shell")
def test_the_examples_work(real, llama):
    """Every block that is not marked otherwise, and what it is said to print is printed."""
    environ = real.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OPENAI_API_KEY": "x",
    }
    (real.directory / "notes.txt").write_text("Notes.", encoding="utf-8")
    (real.directory / "rules.txt").write_text("Rules.", encoding="utf-8")
    printed, ran = "", 0
    for example in examples(README):
        if example.not_run is not None:
            continue
        if example.file is not None:
            text = example.text.replace("https://api.openai.com/v1", llama.base_url)
            (real.directory / example.file).write_text(text.replace("gpt-5.4-mini", llama.model), encoding="utf-8")
        elif example.output:
            assert printed.replace(llama.model, "gpt-5.4-mini") == example.text, str(example)
        else:
            printed, ran = shell(example, real.directory, environ), ran + 1

    assert ran >= 9


def test_the_options_are_all_there():
    """In the table, each with its values."""
    told = re.findall(r"^\| (`.*?) \|", README.read_text(encoding="utf-8"), re.MULTILINE)

    assert {name for names in told for name in re.findall(r"`(\w+)`", names)} == set(Options.model_fields)
