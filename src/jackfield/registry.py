"""Registry: which plugins are installed, found by their entry points.

Installed is not enabled: only what a configuration names is imported.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import attrs
import pluggy

from jackfield.hooks import HookFinder, missing

PROVIDERS = "jackfield.providers"
MIDDLEWARE = "jackfield.middleware"
SECTIONS = "jackfield.sections"
KIND = {PROVIDERS: "provider", MIDDLEWARE: "middleware"}
"""What is a plugin, by the group of its entry point; a section is none: it is a table of another program."""
WORD = {**KIND, SECTIONS: "section"}


@attrs.frozen
class Found:
    """A plugin that is installed.

    Attributes:
        name: as used in configuration.
        group: ``jackfield.providers``, ``jackfield.middleware`` or ``jackfield.sections``.
    """

    name: str
    group: str
    load: Callable[[], Any] = attrs.field(repr=False, eq=False)
    _brought_by: importlib.metadata.Distribution | str | None = attrs.field(repr=False, eq=False)

    @property
    def distribution(self) -> str:
        """Name and version of the distribution that brings it; read when it is asked for, since most never are."""
        return self._brought_by if isinstance(self._brought_by, str) else _title(self._brought_by)

    def check(self) -> str | None:
        """Import it: what is wrong with it, or None."""
        cls, unfit = self.take()
        if unfit is not None or self.group == SECTIONS:
            return unfit
        try:
            return missing(HookFinder()(self.name, cls), provider=self.group == PROVIDERS)
        except pluggy.PluginValidationError as error:
            return str(error)

    def take(self) -> tuple[Any, str | None]:
        """Its class, imported, and why that is no plugin of its group, or None."""
        try:
            cls = self.load()
            return cls, _unfit(cls, self.group)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything when it is imported
            return None, f"cannot be imported: {type(error).__name__}: {error}"


class Registry:
    """The plugins of this environment, found by one scan of its entry points, and those that a program adds.

    Args:
        added: classes by name, of a program's own plugins; they hide installed ones of the same name and kind.
    """

    def __init__(self, added: Mapping[str, type] | None = None) -> None:
        self._added = dict(added or {})
        self._found: dict[tuple[str, str], list[Found]] | None = None

    def find(self, group: str, name: str) -> list[Found]:
        """The plugins of that name: none, one, or several that claim it."""
        installed = self._installed.get((group, name), [])
        if name in self._added and group in KIND and (not installed or _group(self._added[name]) == group):
            return [Found(name, group, lambda: self._added[name], "this program")]
        return installed

    @property
    def sections(self) -> list[str]:
        """The names of tables that are other programs'."""
        return [name for group, name in self._installed if group == SECTIONS]

    def has(self, name: str) -> bool:
        """Whether a plugin of that name is there, of either kind."""
        return name in self._added or any((group, name) in self._installed for group in KIND)

    def names(self, group: str) -> list[str]:
        """The names that can be used."""
        own = [name for name, cls in self._added.items() if _group(cls) == group]
        return [*own, *(name for kind, name in self._installed if kind == group)]

    def settings(self, kind: str, name: str) -> Mapping[str, tuple[Any, ...]]:
        """The names of a plugin's settings, each with the only words that it takes, where its type names them.

        None where there is no such plugin, or it cannot be imported.

        Args:
            kind: ``provider``, ``middleware`` or ``section``.
            name: as used in configuration.
        """
        from jackfield.config.choices import choices_of

        group = next(group for group, word in WORD.items() if word == kind)
        classes = [cls for cls, wrong in (found.take() for found in self.find(group, name)) if wrong is None]
        return {key: words for cls in classes for key, words in choices_of(cls).items()}

    def everything(self) -> list[Found]:
        """All that is installed, sorted."""
        found = (one for (group, _), several in self._installed.items() if group in KIND for one in several)
        return sorted(found, key=lambda one: (one.group, one.name, one.distribution))

    @property
    def _installed(self) -> dict[tuple[str, str], list[Found]]:
        if self._found is None:
            self._found = {}
            entry_points = importlib.metadata.entry_points()
            for group in WORD:
                for point in entry_points.select(group=group):
                    found = Found(point.name, group, point.load, point.dist)
                    self._found.setdefault((group, point.name), []).append(found)
        return self._found


def _title(distribution: importlib.metadata.Distribution | None) -> str:
    if distribution is not None:
        with suppress(Exception):  # what is left of a broken installation raises anything
            if distribution.metadata["Name"]:
                return f"{distribution.name} {distribution.version}"
    return "an unknown distribution"


def _is_provider(cls: Any) -> bool:
    return hasattr(cls, "create_chat_completion")


def _group(cls: Any) -> str:
    return PROVIDERS if _is_provider(cls) else MIDDLEWARE


def _unfit(cls: Any, group: str) -> str | None:
    """Why a class is no plugin of that group, with the remedy; None where it is one."""
    if not isinstance(cls, type) or not attrs.has(cls):
        return "is not an attrs class: make it one with @attrs.define(eq=False)"
    provides = _is_provider(cls)
    if group == SECTIONS:
        return None
    if provides != (group == PROVIDERS):
        return f"is no {KIND[group]}: it has {'a' if provides else 'no'} create_chat_completion"
    if cls.__eq__ is not object.__eq__:
        return "compares by value, which pluggy cannot use: make it with @attrs.define(eq=False)"
    return None


def installed() -> list[Found]:
    """Everything that is installed, whether it is used or not; nothing is imported."""
    return Registry().everything()
