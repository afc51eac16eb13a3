"""The house: versions, packaging, and what no file of it may hold."""

from __future__ import annotations

import importlib
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

import jackfield
from builds import tracked
from walkthrough import ROOT, adapters, distributions

NAMES = sorted(distributions())
PACKAGES = [name.replace("-", "_") for name in NAMES]
PUBLISHED = {**distributions(), **adapters()}


def test_all_distributions_have_one_version() -> None:
    """Every ``pyproject.toml`` says the same version."""
    assert len({project["version"] for project in PUBLISHED.values()}) == 1


def test_plugins_take_the_core_of_this_version() -> None:
    """Each plugin's and adapter's range of the core begins at this minor version and ends before the next, whatever its extras."""
    major, minor, _ = distributions()["jackfield"]["version"].split(".")
    wanted = f"jackfield>={major}.{minor},<{major}.{int(minor) + 1}"

    assert {name: wanted for name in PUBLISHED if name != "jackfield"} == {
        name: next(re.sub(r"\[.*\]", "", text) for text in project["dependencies"] if re.match(r"jackfield\b", text))
        for name, project in PUBLISHED.items()
        if name != "jackfield"
    }


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "jackfield"])
def test_no_plugin_imports_another(package: str) -> None:
    """A plugin's code uses the core and nothing else of this repository."""
    sources = (ROOT / "plugins" / package.replace("_", "-") / "src").rglob("*.py")
    imported = {
        match[1]
        for source in sources
        for match in re.finditer(
            r"^\s*(?:from|import) (jackfield_\w+)", source.read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    assert imported <= {package}


def test_changelog_has_this_version() -> None:
    """The changelog tells of the version that the files say."""
    assert distributions()["jackfield"]["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_python_versions_agree() -> None:
    """Classifiers of every distribution and the environments of tox name the same versions of Python."""
    (listed,) = re.findall(r"py\{(.*)\}", (ROOT / "tox.ini").read_text(encoding="utf-8").split("[testenv]")[0])
    tested = {f"{version.strip()[0]}.{version.strip()[1:]}" for version in listed.split(",")}
    for name, project in PUBLISHED.items():
        classified = {
            text.rpartition(" ")[2] for text in project["classifiers"] if re.search(r":: Python :: 3\.\d+$", text)
        }

        assert tested == classified, name
        assert project["requires-python"] == f">={min(tested, key=lambda text: int(text[2:]))}", name


@pytest.mark.parametrize("name", NAMES)
def test_installed_version_is_that_of_the_files(name: str) -> None:
    """What is tested is what the checkout says."""
    assert distribution(name).version == distributions()[name]["version"]


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_typed(package: str) -> None:
    """Type checkers take the annotations: ``py.typed`` is installed (PEP 561)."""
    assert (Path(importlib.import_module(package).__file__ or "").parent / "py.typed").is_file()


@pytest.mark.parametrize(
    "directory",
    [ROOT, *sorted(path.parent for kind in ("plugins", "adapters") for path in ROOT.glob(f"{kind}/*/pyproject.toml"))],
    ids=lambda path: path.name,
)
def test_distribution_has_readme_and_licence(directory: Path) -> None:
    """Each distribution brings its own README, and the whole text of its licence."""
    assert (directory / "README.md").read_text(encoding="utf-8").startswith("# ")
    assert (directory / "LICENSE").read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(encoding="utf-8")

    project = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]


def test_all_is_complete() -> None:
    """Every name of ``__all__`` can be had, and every public name that is declared is in it."""
    source = (Path(jackfield.__file__)).read_text(encoding="utf-8")
    declared = set(re.findall(r"import \w+ as (\w+)", source))

    assert set(jackfield.__all__) == {*declared, "__version__"}
    assert [name for name in jackfield.__all__ if getattr(jackfield, name, None) is None] == []
    assert list(jackfield.__all__) == dir(jackfield)


def test_unknown_name_is_an_attribute_error() -> None:
    """The lazy package has only what it lists."""
    with pytest.raises(AttributeError, match="no attribute 'Clinet'"):
        _ = jackfield.Clinet


FORBIDDEN = re.compile(
    r"(?<![\w.~/}])/(?:home/(?!user/|me/)\w+|root|work|opt)/\w|"  # a path of one machine
    r"\bpypi\.org/simple|index-url\s*=|--index-url"  # a registry
)


def test_no_file_names_a_machine_or_a_registry() -> None:
    """No file of the repository holds a path of one machine or the address of a package registry."""
    found = []
    for path in tracked("--others", "--exclude-standard"):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path != Path(__file__):
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in FORBIDDEN.finditer(text)]

    assert found == []
