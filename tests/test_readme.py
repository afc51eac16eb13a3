"""The README: its commands are those that are run, and its examples work."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from chat_server import serving
from markdown import examples, section
from walkthrough import ROOT, Walkthrough, distributions

README = ROOT / "README.md"


def first_command(heading: str) -> str:
    """The first shell command below a heading."""
    match = re.search(r"^```sh\n(.*?)^```$", section(README, heading), re.MULTILINE | re.DOTALL)
    assert match is not None

    return match[1]


def test_readme_has_its_sections_in_order() -> None:
    """Who opens the README first reads what it is, then how to try it, then how to test it."""
    headings = re.findall(r"^## (.*)$", README.read_text(encoding="utf-8"), re.MULTILINE)

    assert headings[:4] == ["Try it", "Test it", "Use it in Python", "Configure it"]


def test_first_paragraph_is_five_lines_at_most() -> None:
    """What jackfield is, is said briefly."""
    title, paragraph, _ = README.read_text(encoding="utf-8").split("\n\n", 2)

    assert title == "# jackfield"
    assert len(paragraph.splitlines()) <= 5


@pytest.mark.parametrize("heading", ["Try it", "Test it"])
def test_section_has_one_command_of_one_line(heading: str) -> None:
    """One shell command is enough, and can be copied whole."""
    assert first_command(heading).count("\n") == 1
    assert section(README, heading).count("```") == 2


def test_try_it_installs_every_distribution_of_the_repository() -> None:
    """The command leaves out no plugin: all that stands below ``plugins`` is one."""
    assert " ./plugins/* " in first_command("Try it")
    assert set(distributions()) - {"jackfield"} == {path.name for path in (ROOT / "plugins").iterdir()}


def test_try_it_asks_the_embedded_model() -> None:
    """It ends with an answer that needs no key."""
    assert (
        first_command("Try it").rstrip().endswith('&& jackfield chat -m local/smollm2 "What is the capital of France?"')
    )


@pytest.mark.parametrize("heading", ["Try it", "Test it"])
def test_ci_runs_the_command_out_of_the_readme(heading: str) -> None:
    """``.ci/run`` takes the command from the README instead of repeating it."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    function = re.search(r"^readme\(\) \{.*?^\}$", script, re.MULTILINE | re.DOTALL)
    assert function is not None
    found = subprocess.run(
        ["bash", "-c", f"{function[0]}\nreadme '{heading}'"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert f"$(readme '{heading}')" in script
    assert found.stdout == first_command(heading)


def test_package_table_lists_every_distribution() -> None:
    """Each distribution and each of its entry points is in the table of packages."""
    table = section(README, "Packages")
    for name, project in distributions().items():
        assert f"`{name}`" in table, name
        for group in project.get("entry-points", {}).values():
            assert all(f"`{point}`" in table for point in group), name


def test_relative_links_lead_somewhere() -> None:
    """Every link of the README within the repository has a target."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text(encoding="utf-8"))

    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_examples_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything below the two commands runs, from top to bottom, in an empty directory."""
    rest = tmp_path / "README.md"
    text = README.read_text(encoding="utf-8")
    rest.write_text(text[text.index("## Use it in Python") :], encoding="utf-8")
    (tmp_path / "work").mkdir()
    with serving() as base_url:
        run = Walkthrough(tmp_path / "work", base_url, monkeypatch).walk(rest)

    assert run == len(examples(rest)) >= 8
