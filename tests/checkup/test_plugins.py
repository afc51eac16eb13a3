"""Each plugin that a configuration names: who brings it, or why it cannot be used and what to do."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from jackfield import hookimpl
from jackfield.checkup.plugins import idle_row, plugin_rows
from jackfield.checkup.row import Row
from jackfield.config.load import load
from jackfield.registry import Found, Registry

GROUP = "jackfield.middleware"


@attrs.define(eq=False)
class Good:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@attrs.define(eq=False)
class Misspelt:
    @hookimpl
    def wrap_chat_completions(self, request, call):
        return (yield request)


def load_nothing() -> Any:
    raise ImportError("libfoo is not there")


def registry(*brought: tuple[str, Any]) -> Registry:
    """A registry whose middleware ``x`` is brought by these distributions, each by a function that imports it."""
    made = Registry()
    made._found = {}
    for distribution, load_it in brought:
        made._found.setdefault((GROUP, "x"), []).append(Found("x", GROUP, load_it, distribution))
    return made


def row_of(made: Registry, name: str = "x") -> Row:
    """The row of a middleware."""
    ((key, row),) = plugin_rows({("middleware", name)}, made)
    assert key == ("middleware", name)
    return row


@pytest.mark.parametrize(
    ("brought", "status", "detail", "remedy"),
    [
        ([("one 1.0", lambda: Good)], "ok", "one 1.0", None),
        (
            [("one 1.0", load_nothing)],
            "failed",
            "one 1.0: cannot be imported: ImportError: libfoo is not there",
            "pip install --force-reinstall one",
        ),
        (
            [("one 1.0", lambda: Good), ("two 2.0", lambda: Good)],
            "failed",
            "is claimed by one 1.0 and two 2.0",
            "uninstall all of them but one",
        ),
        (
            [("one 1.0", lambda: Misspelt)],
            "failed",
            "one 1.0: no hook is named 'wrap_chat_completions' (did you mean \"wrap_chat_completion\"?)",
            "upgrade one, or tell its author",
        ),
        (
            [("this program", lambda: int)],
            "failed",
            "this program: is not an attrs class: make it one with @attrs.define(eq=False)",
            "mend it, or tell its author",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_plugin_that_is_named(brought: Any, status: str, detail: str, remedy: str | None) -> None:
    """Sound, not to be imported, claimed twice, a hook misspelt, the program's own."""
    row = row_of(registry(*brought))

    assert (row.about, row.what) == ("plugins", "middleware x")
    assert (row.status, row.detail, row.remedy) == (status, detail, remedy)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("retry", "known: x; or pip install jackfield-retry"),
        ("xx", 'did you mean "x"?; or install the distribution that brings it'),
    ],
)
def test_a_plugin_that_is_not_installed(name: str, remedy: str) -> None:
    """What may have been meant, and which distribution brings it, if it is one of jackfield's own."""
    row = row_of(registry(("one 1.0", lambda: Good)), name)

    assert (row.status, row.detail, row.remedy) == ("failed", "is not installed", remedy)
    assert row_of(registry(), "retry").remedy == "pip install jackfield-retry"


def test_what_is_installed_and_not_named() -> None:
    """One row for all of it, or none; nothing of it is imported."""
    made = registry(("one 1.0", load_nothing))

    assert idle_row(set(), made) == Row(
        "plugins", "not enabled", "skipped", "the configuration does not name: middleware x"
    )
    assert idle_row({("middleware", "x")}, made) is None


def test_a_plugin_is_named_wherever_it_stands() -> None:
    """Providers first, then middleware; each once."""
    settings = load(
        {
            "backends": {"a": {"provider": "p", "middleware": [{"use": "m"}]}, "b": {"provider": "o"}},
            "middleware": [{"use": "m"}, {"use": "l"}],
        },
        environ={},
    ).settings

    assert [key for key, _ in plugin_rows(settings.plugins, registry())] == [
        ("provider", "o"),
        ("provider", "p"),
        ("middleware", "l"),
        ("middleware", "m"),
    ]
