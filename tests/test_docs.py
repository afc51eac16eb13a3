"""The documentation: its examples work, its tables agree with the code, its links lead somewhere."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import attrs
import click
import pytest

from chat_server import serving
from jackfield import errors, flow, hookspecs
from jackfield.cli.root import root
from jackfield.config.check import BACKEND_KEYS, KEYS
from jackfield.http import Timeouts, Transport
from markdown import examples, section
from walkthrough import ROOT, Walkthrough, distributions

DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
PLUGINS = sorted(ROOT.glob("plugins/*/README.md"))
HOUSE = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]


def page_name(page: Path) -> str:
    """Its path in the repository."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in PAGES + PLUGINS if examples(page)], ids=page_name)
def test_examples_work(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything on the page runs, from top to bottom, in an empty directory."""
    with serving() as base_url:
        run = Walkthrough(tmp_path, base_url, monkeypatch).walk(page)

    assert run + sum(example.not_run is not None for example in examples(page)) == len(examples(page))


@pytest.mark.parametrize("page", [*PAGES, *PLUGINS, *HOUSE], ids=page_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Every link within the repository has a target."""
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_is_in_a_table_of_contents() -> None:
    """A reader can get to every page from the index."""
    listed = set()
    for page in PAGES:
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            entries = [line.strip() for line in block.splitlines() if line.strip() and not line.startswith(":")]
            listed |= {(page.parent / f"{entry}.md").resolve() for entry in entries}

    assert {page.resolve() for page in PAGES} - {(DOCS / "index.md").resolve()} == listed


def hooks() -> list[str]:
    """The names of all hooks."""
    specs = (hookspecs.ProviderSpec, hookspecs.MiddlewareSpec, hookspecs.PluginSpec)
    return [name for spec in specs for name in vars(spec) if not name.startswith("_")]


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_is_documented_with_its_exact_signature(hook: str) -> None:
    """The reference of the hooks has each signature as it is in the code."""
    signature = str(hookspecs.spec_signature(hook)).replace("'", "")
    text = (DOCS / "reference" / "hooks.md").read_text(encoding="utf-8")

    assert f"\n{hook}{signature}\n" in text


def table(page: Path, heading: str) -> dict[str, list[str]]:
    """The first table below a heading: from its first column, without backquotes, to its other columns."""
    text = page.read_text(encoding="utf-8")
    match = re.search(rf"^#+ {re.escape(heading)}\n(?:(?!^#).*\n)*?((?:^\|.*\n)+)", text, re.MULTILINE)
    assert match is not None, heading

    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in match[1].splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in rows}


CONFIGURATION = DOCS / "reference" / "configuration.md"


@pytest.mark.parametrize(("heading", "settings"), [("timeout", Timeouts), ("transport", Transport)])
def test_settings_are_documented_with_their_defaults(heading: str, settings: type) -> None:
    """The reference lists exactly the keys of the table, and what holds where one is left out."""
    documented = {name: cells[0].strip("`") for name, cells in table(CONFIGURATION, heading).items()}

    assert {field.name: shown(field.default) for field in attrs.fields(settings)} == documented


def shown(default: object) -> str:
    """A default as the reference writes it."""
    return "none" if default is None else f"{default:g}" if isinstance(default, float) else str(default)


def test_top_level_keys_are_documented() -> None:
    """The reference lists exactly the keys that may stand at the top of a file."""
    assert set(KEYS) == set(table(CONFIGURATION, "The file"))


def test_keys_of_a_backend_are_documented() -> None:
    """The reference lists exactly the keys of a backend that are not its provider's own."""
    assert set(BACKEND_KEYS) == set(table(CONFIGURATION, "backends"))


def test_every_error_is_documented() -> None:
    """The table of errors has every exception class of the public tree."""
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, BaseException) and not name.startswith("_")
    }

    assert classes == set(table(DOCS / "reference" / "errors.md", "The tree"))


def test_every_field_of_an_api_error_is_documented() -> None:
    """The table of fields has everything that an ``APIError`` carries."""
    fields = set(vars(errors.APIError("x"))) | {"attempts", "backend", "model"}

    assert fields == set(table(DOCS / "reference" / "errors.md", "Fields of an error of a call"))


def test_every_effect_is_documented() -> None:
    """The table of effects has every class of effect."""
    effects = {
        value.__name__ for value in vars(flow).values() if inspect.isclass(value) and issubclass(value, flow.Effect)
    }

    assert effects - {"Effect"} == {
        name.partition("(")[0] for name in table(DOCS / "reference" / "effects.md", "The effects")
    }


@pytest.mark.parametrize("plugin", sorted(path.name for path in (ROOT / "plugins").iterdir()))
def test_every_plugin_has_its_page(plugin: str) -> None:
    """Each plugin's README is a page of the documentation, by inclusion."""
    page = DOCS / "reference" / "plugins" / f"{plugin.removeprefix('jackfield-')}.md"

    assert f"```{{include}} ../../../plugins/{plugin}/README.md" in page.read_text(encoding="utf-8")


def commands() -> list[str]:
    """The names of all commands of the command line."""
    return sorted(root.commands)


@pytest.mark.parametrize("command", commands())
def test_options_of_every_command_are_documented(command: str) -> None:
    """The reference of the command line lists exactly the options of each command."""
    page = DOCS / "reference" / "cli.md"
    listed = set(re.findall(r"^\| (`-.*?`) \|", section(page, command), re.MULTILINE))

    assert listed == {", ".join(f"`{name}`" for name in names) for names in options(root.commands[command])}


def options(command: click.Command) -> set[tuple[str, ...]]:
    """The options of a command and of those in it, without those that every command has."""
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    own = {tuple(p.opts) for p in command.params if isinstance(p, click.Option)}
    return own.union(*map(options, inner)) - {("--config",), ("--profile",)}


def test_contributing_names_every_distribution_and_every_group() -> None:
    """Who follows it installs all plugins and all groups of development."""
    commands = section(ROOT / "CONTRIBUTING.md", "Set up")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]

    assert set(re.findall(r"-e \./plugins/(\S+)", commands)) == set(distributions()) - {"jackfield"}
    assert set(re.findall(r"--group (\w+)", commands)) == set(groups)


def test_contributing_runs_everything_by_the_command_of_the_readme() -> None:
    """There is one command that runs all tests, and both texts name it."""
    command = re.findall(r"^```sh\n(.*?)^```$", section(ROOT / "README.md", "Test it"), re.MULTILINE | re.DOTALL)[0]

    assert f"```sh\n{command}```" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
