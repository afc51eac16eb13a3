"""Outermost: layers that a program puts around all that is configured."""

# mypy: allow-untyped-defs, allow-incomplete-defs

from __future__ import annotations

from typing import Any

import attrs
import pytest

import jackfield
from jackfield import hookimpl
from jackfield.errors import ConfigError

HELLO = [{"role": "user", "content": "hello"}]
PASSED: list[str] = []


@attrs.define(eq=False)
class Passing:
    """Notes that it was passed."""

    name: str

    @hookimpl
    def wrap_chat_completion(self, request, call):
        PASSED.append(self.name)
        return (yield request)


def config(*names: str) -> dict[str, Any]:
    """The echo behind layers of these names."""
    layers = [{"use": "passing", "name": name} for name in names]
    return {"default_model": "echo/any", "backends": {"echo": {"provider": "echo"}}, "middleware": layers}


@pytest.fixture(autouse=True)
def _forget() -> None:
    PASSED.clear()


def opened(configuration: Any, *names: str) -> jackfield.Client:
    """A client with layers of the program's own."""
    layers = [{"use": "passing", "name": name} for name in names]
    return jackfield.Client(configuration, plugins={"passing": Passing}, outermost=layers)


def test_they_stand_outside_of_all_that_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order; those of the environment outside of them; after a reload, too."""
    with opened(config("c"), "a", "b") as client:
        client.create_chat_completion(messages=HELLO)
        client.reload(config("d"))
        client.create_chat_completion(messages=HELLO)
    assert PASSED == ["a", "b", "c", "a", "b", "d"]
    PASSED.clear()
    monkeypatch.setenv("JACKFIELD_OUTERMOST", '{use = "passing", name = "e"}')
    with opened(config("c"), "a") as client:
        client.create_chat_completion(messages=HELLO)
    assert PASSED == ["e", "a", "c"]


def test_a_fault_of_them_is_told_as_the_programs() -> None:
    """Not as one of the file."""
    with pytest.raises(ConfigError) as caught:
        jackfield.Client(config("c"), plugins={"passing": Passing}, outermost=[{"use": "passing"}])
    assert [str(fault) for fault in caught.value.faults] == ["outermost: middleware[0]: setting 'name' is missing"]
