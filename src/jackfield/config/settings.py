"""What a configuration says, as immutable values. Whether a plugin likes its settings is checked when it is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.config.place import Place
from jackfield.http import Timeouts, Transport

__all__ = ["BackendSettings", "LayerSettings", "Place", "SectionSettings", "Settings", "Timeouts", "Transport"]


@attrs.frozen
class LayerSettings:
    """One entry of ``middleware``.

    Attributes:
        use: entry point name of the plugin.
        settings: the plugin's own settings, unchecked. They are not in the repr, for they may hold a key.
        place: where the entry was written.
    """

    use: str
    settings: Mapping[str, Any] = attrs.field(repr=False)
    place: Place


@attrs.frozen
class BackendSettings:
    """One table of ``backends``.

    Attributes:
        name: the backend's name, without ``/``.
        provider: entry point name of the plugin that answers.
        timeout: limits of a call, in seconds.
        transport: proxy, certificates, caps.
        middleware: layers inside this backend, outermost first.
        settings: what is left of the table: the provider's own settings, unchecked and not in the repr.
        place: where the table was written.
    """

    name: str
    provider: str
    timeout: Timeouts
    transport: Transport
    middleware: tuple[LayerSettings, ...]
    settings: Mapping[str, Any] = attrs.field(repr=False)
    place: Place


@attrs.frozen
class SectionSettings:
    """A table at the top of the file that is another program's: ``[gateway]``, say.

    Attributes:
        name: of the table.
        settings: what stands in it, unchecked and not in the repr.
        place: where the table was written.
    """

    name: str
    settings: Mapping[str, Any] = attrs.field(repr=False)
    place: Place


@attrs.frozen
class Settings:
    """A whole configuration, after profile and environment.

    Attributes:
        default_model: ``backend/model`` or an alias, for calls that name no model; None where there is none.
        models: aliases, each to ``backend/model`` or another alias.
        backends: by name, in the order of the file.
        middleware: layers around all backends, outermost first.
        sections: tables of other programs, by name.
        files: the files that were read; empty for a mapping and for the built-in default.
        profile: name of the profile that was merged in, or None.
    """

    default_model: str | None = None
    models: Mapping[str, str] = attrs.field(factory=dict)
    backends: Mapping[str, BackendSettings] = attrs.field(factory=dict)
    middleware: tuple[LayerSettings, ...] = ()
    sections: Mapping[str, SectionSettings] = attrs.field(factory=dict)
    files: tuple[str, ...] = ()
    profile: str | None = None

    @property
    def plugins(self) -> frozenset[tuple[str, str]]:
        """Kind (``provider`` or ``middleware``) and name of every plugin that it names."""
        backends = self.backends.values()
        layers = [*self.middleware, *(layer for backend in backends for layer in backend.middleware)]
        names = [("provider", backend.provider) for backend in backends]
        return frozenset(names + [("middleware", layer.use) for layer in layers])
