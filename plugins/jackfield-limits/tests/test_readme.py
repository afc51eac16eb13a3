"""The README tells the truth about the settings, and the package about its plugins."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import jackfield_limits
from jackfield import Client, RateLimitError
from jackfield.errors import APIError
from jackfield_limits import estimate

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLUGINS = {"rate-limit": "RateLimit", "concurrency": "Concurrency", "budget": "Budget"}


def section(name: str) -> str:
    return README.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", PLUGINS)
def test_the_readme_lists_the_settings(name: str):
    """The tables are complete and in order, and tell the defaults."""
    rows = re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", section(name), re.MULTILINE)
    words = {attrs.NOTHING: "required", None: "none", (): "none"}
    fields = [field for field in attrs.fields(getattr(jackfield_limits, PLUGINS[name])) if field.init]

    def word(default: object) -> str:
        if isinstance(default, attrs.Factory):
            return "none"
        return words.get(default) or (f"{default:g}" if isinstance(default, float) else str(default))

    assert rows == [(field.name, word(field.default)) for field in fields]


def test_the_entry_points_are_the_plugins():
    """Each class is published under its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["entry-points"] == {
        "jackfield.middleware": {name: f"jackfield_limits:{plugin}" for name, plugin in PLUGINS.items()}
    }


def test_the_example_is_a_configuration():
    """It loads as it stands, and a call through it passes or fails as the README says."""
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    config = tomllib.loads(example)
    config["backends"]["openai"] |= {"provider": "openai", "base_url": "http://127.0.0.1:9/v1"}
    config["middleware"][0]["prices"]["openai/free"] = {"input": 0, "output": 0}
    with Client(config) as client:
        used = [layer.name.partition("#")[0] for layer in client._session.plan.layers]

        with pytest.raises(APIError, match="127"):
            client.create_chat_completion(
                model="openai/free", messages=[{"role": "user", "content": "Hello."}], timeout=20
            )

    assert [name for name in used if name in PLUGINS] == ["budget", "rate-limit", "concurrency"]


def codes(path: Path) -> Iterator[str]:
    """The codes of the errors that a file raises."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield from (ast.literal_eval(word.value) for word in node.keywords if word.arg == "code")
            if isinstance(node.func, ast.Name) and node.func.id == "refusal":
                yield ast.literal_eval(node.args[3])


def test_the_readme_tells_the_codes():
    """All that the code has, with the limit that raises it, and no others."""
    files = set((ROOT / "src" / "jackfield_limits").glob("*.py"))
    passes_on = ROOT / "src" / "jackfield_limits" / "refusal.py"
    raised = {(path.stem.replace("_", "-"), code) for path in files - {passes_on} for code in codes(path)}
    rows = re.findall(r"^\| `(\w+)` \| `\w+` \| (?:`([\w-]+)`)?", section("Errors"), re.MULTILINE)

    assert {(limit or "store", code) for code, limit in rows} == raised
    assert issubclass(RateLimitError, APIError)


def test_the_readme_tells_how_is_estimated():
    """Its figures are those of the code."""
    text = section("What counts")

    assert f"a token for every {estimate.BYTES} bytes" in text
    assert f"{estimate.MEDIUM} for each image" in text
