"""Without a file: what the environment and the installed plugins make up."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.config.default import builtin


def data(environ: dict[str, str], *installed: str) -> dict[str, Any]:
    """The tree, which must be without fault."""
    document = builtin(environ, installed.__contains__)
    assert document.faults == ()
    assert document.files == ()
    assert document.data is not None
    return document.data


def test_alone_it_is_the_local_model() -> None:
    """Without any key there is the embedded model, and retry where it is installed."""
    assert data({}, "local", "retry") == {
        "default_model": "local/smollm2",
        "backends": {"local": {"provider": "local"}},
        "middleware": [{"use": "retry"}],
    }
    assert data({}) == {"backends": {}}


def test_a_key_makes_the_openai_backend_and_no_default_model() -> None:
    """A host that names no model must not get its answer from another backend than it thinks."""
    assert data({"OPENAI_API_KEY": "sk-x"}, "local") == {
        "backends": {
            "openai": {
                "provider": "openai",
                "base_url": "https://api.openai.com/v1",
                "middleware": [{"use": "bearer", "token": "env:OPENAI_API_KEY"}],
            },
            "local": {"provider": "local"},
        }
    }


def test_a_base_url_alone_needs_no_key() -> None:
    """A server of one's own has none; empty variables count as not set."""
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:8080/v1", "OPENAI_API_KEY": "", "OPENAI_ORG_ID": ""}

    assert data(environ)["backends"] == {"openai": {"provider": "openai", "base_url": "http://127.0.0.1:8080/v1"}}


def test_all_variables_are_honoured() -> None:
    """Organisation, project, headers and model have their usual names."""
    environ = {
        "OPENAI_API_KEY": "sk-x",
        "OPENAI_ORG_ID": "org-1",
        "OPENAI_PROJECT_ID": "proj-1",
        "OPENAI_CUSTOM_HEADERS": "X-Team: red: blue\n\n x-empty :\r\n",
        "OPENAI_MODEL": "gpt-5.4",
    }
    found = data(environ)

    assert found["default_model"] == "openai/gpt-5.4"
    assert found["backends"]["openai"] == {
        "provider": "openai",
        "base_url": "https://api.openai.com/v1",
        "organization": "org-1",
        "project": "proj-1",
        "headers": {"X-Team": "red: blue", "x-empty": ""},
        "middleware": [{"use": "bearer", "token": "env:OPENAI_API_KEY"}],
    }


def test_a_line_that_is_no_header_is_a_fault_without_its_content() -> None:
    """The line's number is told, for it may hold a key."""
    document = builtin({"OPENAI_BASE_URL": "x", "OPENAI_CUSTOM_HEADERS": "a: b\nsk-secret\n: c"}, bool)

    assert [str(fault) for fault in document.faults] == [
        f"OPENAI_CUSTOM_HEADERS:{line}: backends.openai.headers: expected lines of the form name: value"
        for line in (2, 3)
    ]


@pytest.mark.parametrize(
    ("path", "file"),
    [
        (("backends", "openai", "base_url"), "OPENAI_BASE_URL"),
        (("backends", "openai", "headers", "x"), "OPENAI_CUSTOM_HEADERS"),
        (("default_model",), "OPENAI_MODEL"),
        (("backends", "openai", "organization"), "the built-in default"),
    ],
)
def test_values_are_placed_at_their_variables(path: tuple[str, ...], file: str) -> None:
    """A fault names the variable to be repaired."""
    environ = {"OPENAI_BASE_URL": "u", "OPENAI_CUSTOM_HEADERS": "x: y", "OPENAI_MODEL": "m", "OPENAI_API_KEY": "k"}

    assert builtin(environ, bool).places.place(path).file == file
