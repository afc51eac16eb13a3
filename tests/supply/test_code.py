"""What the code of all distributions never does, whatever data come from outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from builds import DIRECTORIES
from walkthrough import ROOT

SOURCES = sorted(path for directory in DIRECTORIES.values() for path in (ROOT / directory / "src").rglob("*.py"))
EXECUTES = {
    *("eval", "exec", "compile", "__import__", "execfile", "runpy.run_path", "os.system", "os.popen", "code.interact"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads", "shelve.open", "dill.loads"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "jinja2.Template", "jinja2.Environment", "cloudpickle.loads"),
}
"""Calls that run what they are given, or make objects of any class of it."""
FOREIGN = {"yaml", "jinja2", "shelve", "marshal", "dill", "cloudpickle", "requests", "httpx", "telnetlib", "ftplib"}
"""Modules that are not imported: they run what they read, or open connections that no driver watches."""
ALLOWED = {
    ("src/jackfield/annotation.py", "eval"),  # the text of an annotation in a class of a plugin: code, not data
    # Recordings are YAML, read by the safe loader: see the test below.
    ("plugins/jackfield-replay/src/jackfield_replay/text.py", "yaml"),
    ("plugins/jackfield-replay/src/jackfield_replay/text.py", "yaml.load"),
}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call in a module."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names of all modules that are imported, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def unsafe(tree: ast.AST) -> Iterator[str]:
    """What a module does that it must not."""
    for call in calls(tree):
        name = ast.unparse(call.func)
        if name in EXECUTES or name.removeprefix("builtins.") in EXECUTES:
            yield name
        for keyword in call.keywords:
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if (keyword.arg, value) in {("shell", True), ("verify", False), ("check_hostname", False), ("ssl", False)}:
                yield f"{name}({keyword.arg}={value})"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {
            "CERT_NONE",
            "CERT_OPTIONAL",
            "_create_unverified_context",
        }:
            yield node.attr
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is False:
            yield from (
                ast.unparse(target) for target in node.targets if ast.unparse(target).endswith("check_hostname")
            )
    yield from (name for name in imported(tree) if name in FOREIGN)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_data_are_executed_and_no_certificate_is_ignored(path: Path) -> None:
    """No eval, exec, pickle or templates of what comes from outside, no shell, no connection without verification."""
    name = path.relative_to(ROOT).as_posix()
    found = set(unsafe(ast.parse(path.read_text(encoding="utf-8"))))

    assert {(name, what) for what in found} <= ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "import builtins; builtins.exec(text)",
        "import pickle; pickle.loads(data)",
        "import yaml",
        "from jinja2 import Template",
        "subprocess.run(command, shell=True)",
        "client.get(url, verify=False)",
        "TCPConnector(ssl=False)",
        "context.check_hostname = False",
        "context.verify_mode = ssl.CERT_NONE",
        "ssl._create_unverified_context()",
        "def f():\n    import marshal",
    ],
)
def test_what_must_not_be_done_is_found(source: str) -> None:
    """The search above sees each of these."""
    assert list(unsafe(ast.parse(source)))


def test_recordings_are_read_by_the_safe_loader() -> None:
    """A recording that someone else made makes no objects and runs nothing."""
    import yaml

    from jackfield_replay import text

    assert issubclass(text._Loader, (yaml.SafeLoader, yaml.CSafeLoader))
    with pytest.raises(yaml.YAMLError):
        yaml.load("!!python/object/apply:os.getcwd []", Loader=text._Loader)
