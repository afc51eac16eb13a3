"""Views: what there is to be told of a call before it is made, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.config.default import NAME as BUILT_IN
from jackfield.config.place import Place


@attrs.frozen
class Setting:
    """A setting, what it is, and where that was written.

    Attributes:
        name: of the setting, or path in a table.
        value: plain, without secrets: those stand as references.
        place: None where it is the default.
    """

    name: str
    value: Any
    place: Place | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "value": self.value, "source": source(self.place)}


@attrs.frozen
class Step(Setting):
    """A name of a model that leads to another one, its ``value``.

    Attributes:
        one_of: the names that a layer takes one of for each call, where one does; the value is the first of them.
    """

    one_of: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {**Setting.plain(self), "one_of": list(self.one_of)}


@attrs.frozen
class Layer:
    """A plugin in its place.

    Attributes:
        name: ``use#position``, or the provider's name.
        plugin: its class.
        distribution: name and version.
        around: what it stands around: ``calls``, ``HTTP exchanges``, ``chunks``.
        settings: all of them, those that were not written too.
    """

    name: str
    plugin: str
    distribution: str
    around: tuple[str, ...]
    settings: tuple[Setting, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "plugin": self.plugin,
            "distribution": self.distribution,
            "around": list(self.around),
            "settings": [setting.plain() for setting in self.settings],
        }


@attrs.frozen
class HttpView:
    """An HTTP request that would be sent; credentials by reference.

    Attributes:
        method, url: of its first line.
        headers: by name in lower case.
        body: JSON where it is JSON, else text.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"method": self.method, "url": self.url, "headers": dict(self.headers), "body": self.body}


@attrs.frozen
class Rehearsal:
    """How far a call would come before something is sent.

    Attributes:
        request: what the provider would send; None where nothing is sent, or where it cannot be known.
        before: what a layer would ask first, such as an endpoint of tokens; then the layers' part of ``request`` is
            missing.
        note: why something is missing, or None.
        dropped: parameters that the provider leaves out, since the backend's format has no way to say them.
    """

    request: HttpView | None = None
    before: HttpView | None = None
    note: str | None = None
    dropped: tuple[str, ...] = ()


@attrs.frozen
class Explanation:
    """What a call for one model would pass, outermost first.

    Attributes:
        files: the configuration's; empty for a mapping or the built-in default.
        profile: the one that was laid over it, or None.
        trail: the names from the one that was given to ``backend/model``, each with the place that leads on from it.
        backend, model: where it leads.
        host: layers of the host.
        own: layers of the backend.
        limits: ``timeout`` and ``transport`` of the backend.
        provider: the provider.
        rehearsal: the request that would be sent.
    """

    files: tuple[str, ...]
    profile: str | None
    trail: tuple[Step, ...]
    backend: str
    model: str
    host: tuple[Layer, ...]
    own: tuple[Layer, ...]
    limits: tuple[Setting, ...]
    provider: Layer
    rehearsal: Rehearsal

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        rehearsal = self.rehearsal
        return {
            "files": list(self.files),
            "profile": self.profile,
            "names": [setting.plain() for setting in self.trail],
            "backend": self.backend,
            "model": self.model,
            "middleware": [layer.plain() for layer in self.host],
            "backend_middleware": [layer.plain() for layer in self.own],
            "limits": [setting.plain() for setting in self.limits],
            "provider": self.provider.plain(),
            "asked_first": None if rehearsal.before is None else rehearsal.before.plain(),
            "request": None if rehearsal.request is None else rehearsal.request.plain(),
            "left_out": list(rehearsal.dropped),
            "note": rehearsal.note,
        }


def source(place: Place | None) -> dict[str, Any]:
    """Where a value came from, as JSON.

    ``kind`` is ``default`` (the plugin's own), ``built-in``, ``program``, ``file``, ``profile`` or ``environment``.
    """
    if place is None:
        return {"kind": "default"}
    if place.file is None:
        kind = "program"
    elif place.file == BUILT_IN:
        kind = "built-in"
    elif place.path.startswith("profiles."):
        kind = "profile"
    else:
        kind = "file" if place.line is not None else "environment"
    return {"kind": kind, "file": place.file, "line": place.line, "path": place.path}
