"""All plugins that can be named, and what is wrong with the others."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield import hookimpl
from jackfield.catalogue import catalogue
from jackfield.registry import Found, Registry


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


@attrs.define(eq=False)
class Unknown(Good):
    x: NotThere = 1  # noqa: F821 - as where it is imported for type checkers only


class Few(Registry):
    """A registry with a few middleware, each by classes that claim its name."""

    def __init__(self, **classes: list[Any]) -> None:
        super().__init__()
        self._found = {
            ("jackfield.middleware", name): [
                Found(name, "jackfield.middleware", lambda cls=cls: cls, f"dist-{number} 1.0")
                for number, cls in enumerate(several)
            ]
            for name, several in classes.items()
        }


def test_a_plugin_that_is_sound_is_there() -> None:
    """By the name that a configuration uses, in the order of the alphabet."""
    found = catalogue(Few(b=[Good], a=[Good]))

    assert list(found.middleware) == ["a", "b"]
    assert (found.providers, found.faults) == ({}, ())


def test_what_cannot_be_used_is_told_and_harms_no_other() -> None:
    """Each with kind, name and distribution: a hook misspelt, a name claimed twice, no plugin, types that are not there."""
    found = catalogue(Few(good=[Good], wrong=[Misspelt], twice=[Good, Good], none=[int], unknown=[Unknown]))
    none, twice, unknown, wrong = found.faults

    assert found.middleware == {"good": Good}
    assert none.startswith("middleware 'none' of dist-0 1.0 is not an attrs class")
    assert twice == "middleware 'twice' is claimed by dist-0 1.0 and dist-1 1.0"
    assert unknown.startswith("middleware 'unknown' of dist-0 1.0 a type that Unknown names is not there")
    assert "no hook is named 'wrap_chat_completions'" in wrong


class Raising:
    """A type, as far as anyone can tell."""

    def __call__(self) -> None: ...

    @property
    def __supertype__(self) -> type:
        raise RuntimeError("not today")


def test_a_plugin_whose_settings_cannot_be_described_is_told() -> None:
    """The type of a setting may be an object that raises whatever it is asked."""
    cls = attrs.make_class("Raises", {"x": attrs.field(type=Raising())}, bases=(Good,), eq=False)

    assert catalogue(Few(bad=[cls])).faults == (
        "middleware 'bad' of dist-0 1.0 has settings that cannot be described: RuntimeError",
    )


def test_what_is_installed_here_can_be_used() -> None:
    """The plugin that comes with jackfield itself is in it."""
    assert "echo" in catalogue(Registry()).providers
