"""From a file, a mapping or the built-in default to settings and all their faults."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import attrs

from jackfield.config.check import check, check_profile
from jackfield.config.environment import overlay, put_before
from jackfield.config.files import file_faults
from jackfield.config.find import Document, discover, read
from jackfield.config.hints import did_you_mean, kind
from jackfield.config.merge import merge, plain
from jackfield.config.place import Places
from jackfield.config.settings import Settings
from jackfield.errors import Fault

PROFILE = "JACKFIELD_PROFILE"


@attrs.frozen(eq=False)
class Loaded:
    """What ``load`` found.

    Attributes:
        settings: as much of the configuration as is sound.
        faults: everything wrong with it. Whoever loads adds those of the plugins, and raises one ``ConfigError``.
        profiles: names of those that it has.
        places: where each value of it was written.
    """

    settings: Settings
    faults: list[Fault] = attrs.field(factory=list)
    profiles: tuple[str, ...] = ()
    places: Places = attrs.field(factory=Places)


class Installed(Protocol):
    """What is installed here; see ``jackfield.registry.Registry``."""

    def has(self, name: str) -> bool:
        """Whether there is a provider or a middleware of this name; asked only for the built-in default."""

    @property
    def sections(self) -> Collection[str]:
        """The names of tables that are other programs'."""


class _Everything:
    sections: Collection[str] = ()

    def has(self, _: str) -> bool:
        return True


EVERYTHING: Installed = _Everything()
"""Takes every plugin for installed, and no table for another program's."""


def load(
    source: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    *,
    profile: str | None = None,
    environ: Mapping[str, str] = os.environ,
    installed: Installed = EVERYTHING,
    outermost: Sequence[Mapping[str, Any]] = (),
) -> Loaded:
    """Find, merge and check a configuration. Raises nothing for what is wrong in it: that is in ``faults``.

    Found in this order: ``source``; the file that ``JACKFIELD_CONFIG`` names; ``jackfield.toml`` in the working
    directory or the nearest one above it; ``config.toml`` in the user's configuration directory for ``jackfield``
    (``~/.config/jackfield`` on Linux); the built-in default (see ``default.builtin``). Exactly one of them holds.

    Over it are laid the profile, then single values from the environment (see ``environment``), whatever the source:
    tables are merged deeply, everything else, arrays too, is replaced whole. The profiles that were not chosen are
    checked as well, as far as they can be by themselves.

    Args:
        source: path of a TOML file, or a mapping of the same shape; None searches.
        profile: name of the profile; None takes ``JACKFIELD_PROFILE``.
        environ: the environment. A variable that is empty counts as not set.
        installed: what is.
        outermost: layers that the program puts around all that is configured, but for those of the environment.
    """
    document = _document(source, environ, installed)
    faults = list(document.faults)
    if document.data is None:
        return Loaded(Settings(), faults)
    tree = document.data
    profiles = _profiles(tree.pop("profiles", {}), document.places, faults)
    chosen = _chosen(profile, environ, profiles, document.files, faults)
    for name, table in profiles.items():
        if name == chosen:
            for path in merge(tree, table):
                document.places.move(("profiles", name, *path), path)
        else:
            faults += check_profile(table, document.places, ("profiles", name), installed.sections)
    put_before(tree, list(outermost), document.places, "outermost")
    faults += overlay(tree, environ, document.places, installed.sections)
    settings, wrong = check(tree, document.places, document.files, installed.sections)
    faults += [*wrong, *file_faults(settings)]
    return Loaded(attrs.evolve(settings, profile=chosen), faults, tuple(profiles), document.places)


def _document(
    source: str | os.PathLike[str] | Mapping[str, Any] | None,
    environ: Mapping[str, str],
    installed: Installed,
) -> Document:
    if isinstance(source, Mapping):
        return Document(plain(source), Places())
    if source is not None:
        return read(os.fspath(source))
    found = discover(environ)
    if found is not None:
        return found
    from jackfield.config.default import builtin

    return builtin(environ, installed.has)


def _profiles(value: Any, places: Places, faults: list[Fault]) -> dict[str, dict[str, Any]]:
    """The profiles that are tables; what else there is, is a fault."""
    if not isinstance(value, dict):
        faults.append(places.place(("profiles",)).fault((), f"expected a table, got {kind(value)}"))
        return {}
    for name, table in value.items():
        if not isinstance(table, dict):
            faults.append(places.place(("profiles", name)).fault((), f"expected a table, got {kind(table)}"))
    return {name: table for name, table in value.items() if isinstance(table, dict)}


def _chosen(
    name: str | None,
    environ: Mapping[str, str],
    profiles: Mapping[str, Any],
    files: tuple[str, ...],
    faults: list[Fault],
) -> str | None:
    """The profile to take, or None; that there is none of the name is a fault."""
    wanted = name or environ.get(PROFILE) or None
    if wanted is None or wanted in profiles:
        return wanted
    file = next(iter(files), None) if name else PROFILE
    hint = did_you_mean(wanted, profiles) or "none is configured"
    faults.append(Fault("profiles", f'no profile is named "{wanted}"', file=file, hint=hint))
    return None
