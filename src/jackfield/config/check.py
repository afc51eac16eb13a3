"""Check a tree of configuration and make ``Settings`` of it, noting every fault instead of stopping at the first."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from jackfield.config.hints import did_you_mean, kind
from jackfield.config.place import Path, Places
from jackfield.config.resolve import circle, guess, points_to_backend
from jackfield.config.settings import (
    BackendSettings,
    LayerSettings,
    SectionSettings,
    Settings,
    Timeouts,
    Transport,
)
from jackfield.errors import Fault

KEYS = ("default_model", "models", "backends", "middleware", "profiles")
"""Every key that may stand at the top of a configuration."""
SECTIONS = {"gateway": "jackfield-gateway"}
"""Tables of programs that are published with jackfield, and which distribution brings them."""
BACKEND_KEYS = ("provider", "timeout", "transport", "middleware")
"""The keys of a backend that are not its provider's own settings."""
MAX_SECONDS = 1e8
"""About three years: what sockets and locks take as a limit."""
MAX_COUNT = 2**53

_Read: TypeAlias = Callable[[Any, Path], Any]


def check(
    data: Mapping[str, Any], places: Places, files: tuple[str, ...] = (), sections: Collection[str] = ()
) -> tuple[Settings, list[Fault]]:
    """Settings of a merged tree, as much of it as is sound, and all its faults.

    Args:
        data: the tree, with profile and environment merged in and without ``profiles``.
        places: where its values were written.
        files: the files that were read; a relative ``ca_file`` written in one of them is relative to it.
        sections: names of tables that are other programs'.
    """
    reader = _Reader(places, files, sections, partial=False)
    return reader.settings(data, ()), reader.faults


def check_profile(data: Any, places: Places, path: Path, sections: Collection[str] = ()) -> list[Fault]:
    """The faults of a profile by itself, which may leave out what the rest of the configuration has."""
    reader = _Reader(places, (), sections, partial=True)
    reader.settings(data, path)
    return reader.faults


class _Reader:
    """Reads values of known shape. Each method returns None, or less than there was, where it noted a fault."""

    def __init__(self, places: Places, files: tuple[str, ...], sections: Collection[str], *, partial: bool) -> None:
        self.faults: list[Fault] = []
        self._places, self._files, self._partial = places, files, partial
        self._sections = [name for name in sections if name not in KEYS]

    def settings(self, data: Any, path: Path) -> Settings:
        """The whole of a configuration, or of a profile, at ``path``."""
        readers: dict[str, _Read] = {
            "default_model": self._text,
            "models": self._models,
            "backends": self._backends,
            "middleware": self._middleware,
        }
        readers |= dict.fromkeys(self._sections, self._section)
        known = self._record(data, path, readers, KEYS)
        sections = {name: known.pop(name) for name in self._sections if name in known}
        settings = Settings(**known, sections=sections, files=self._files)
        if self._partial:
            return settings
        backends = data.get("backends", {})
        if isinstance(backends, Mapping) and not backends:
            from jackfield.config.default import NAME, REMEDY  # the first call pays for what it imports

            built_in = self._places.origin(path).file == NAME
            hint = REMEDY if built_in else 'write [backends.NAME] and provider = "…"'
            self._fault((*path, "backends"), "at least one backend is needed", hint)
        return self._sound_names(settings, list(backends) if isinstance(backends, Mapping) else [])

    def _sound_names(self, settings: Settings, backends: list[str]) -> Settings:
        """The settings without aliases and a default that lead nowhere. A faulty backend is named well enough."""
        models = settings.models
        sound = {alias: target for alias, target in models.items() if self._alias(alias, target, models, backends)}
        default = settings.default_model
        if default is not None and not self._target(default, ("default_model",), models, backends):
            default = None
        return attrs.evolve(settings, models=sound, default_model=default)

    def _alias(self, alias: str, target: str, models: Mapping[str, str], backends: list[str]) -> bool:
        path: Path = ("models", alias)
        if points_to_backend(alias, backends):
            self._fault(path, "an alias that begins with the name of a backend and / can never be reached")
            return False
        around = circle(alias, models, backends)
        if around:
            self._fault(path, f"the aliases go round in a circle: {' -> '.join(around)}")
        return not around and self._target(target, path, models, backends)

    def _target(self, target: str, path: Path, models: Mapping[str, str], backends: list[str]) -> bool:
        if points_to_backend(target, backends) or target in models:
            return True
        if backends:  # without any, that alone is the fault
            hint = guess(target, models, backends)
            self._fault(path, "expected backend/model with a configured backend, or an alias", hint)
        return False

    def _models(self, value: Any, path: Path) -> dict[str, str]:
        return self._each(value, path, self._text)

    def _backends(self, value: Any, path: Path) -> dict[str, BackendSettings]:
        return self._each(value, path, self._backend)

    def _each(self, value: Any, path: Path, read: _Read) -> dict[str, Any]:
        """A table with names of the operator's own."""
        found = {}
        for name, item in self._items(value, path):
            if not isinstance(name, str) or not name.strip():
                self._fault((*path, name), "expected a name that is not empty")
                continue
            result = read(item, (*path, name))
            if result is not None:
                found[name] = result
        return found

    def _backend(self, value: Any, path: Path) -> BackendSettings | None:
        name = str(path[-1])
        if "/" in name:
            self._fault(path, "the name of a backend must not contain /")
        if not isinstance(value, Mapping):
            self._wrong(path, "a table", value)
            return None
        if "provider" not in value and not self._partial:
            self._fault((*path, "provider"), "expected the name of a provider, got nothing")
        readers: dict[str, _Read] = {
            "provider": self._text,
            "timeout": self._timeout,
            "transport": self._transport,
            "middleware": self._middleware,
        }
        common = {key: item for key, item in value.items() if key in readers}
        known: dict[str, Any] = {"timeout": Timeouts(), "transport": Transport(), "middleware": (), "provider": ""}
        known |= self._record(common, path, readers)
        if not known["provider"] or "/" in name:
            return None
        own = {key: item for key, item in value.items() if key not in readers}
        return BackendSettings(name=name, settings=own, place=self._places.place(path), **known)

    def _middleware(self, value: Any, path: Path) -> tuple[LayerSettings, ...]:
        if not isinstance(value, list | tuple):
            self._wrong(path, "an array of tables", value)
            return ()
        layers = (self._layer(item, (*path, index)) for index, item in enumerate(value))
        return tuple(layer for layer in layers if layer is not None)

    def _layer(self, value: Any, path: Path) -> LayerSettings | None:
        if not isinstance(value, Mapping):
            self._wrong(path, "a table with the name of a middleware as use", value)
            return None
        if "use" not in value:
            self._fault((*path, "use"), "expected the name of a middleware, got nothing")
            return None
        use = self._text(value["use"], (*path, "use"))
        own = {key: item for key, item in value.items() if key != "use"}
        return None if use is None else LayerSettings(use, own, self._places.place(path))

    def _section(self, value: Any, path: Path) -> SectionSettings | None:
        if not isinstance(value, Mapping):
            self._wrong(path, "a table", value)
            return None
        return SectionSettings(str(path[-1]), value, self._places.place(path))

    def _timeout(self, value: Any, path: Path) -> Timeouts:
        if isinstance(value, int | float):
            seconds = self._seconds(value, path)
            return Timeouts() if seconds is None else Timeouts(total=seconds)
        readers: dict[str, _Read] = {field.name: self._seconds for field in attrs.fields(Timeouts)}
        return Timeouts(**self._record(value, path, readers, expected="a number of seconds or a table of them"))

    def _transport(self, value: Any, path: Path) -> Transport:
        readers: dict[str, _Read] = {
            "proxy": self._proxy,
            "ca_file": self._file,
            "max_connections": self._count,
            "max_response_bytes": self._count,
            "max_line_bytes": self._count,
        }
        return Transport(**self._record(value, path, readers))

    def _record(
        self,
        value: Any,
        path: Path,
        readers: Mapping[str, _Read],
        known: Collection[str] = (),
        *,
        expected: str = "a table",
    ) -> dict[str, Any]:
        """A table of keys that have their readers; ``known`` are all keys of a configuration, wherever they stand."""
        found = {}
        for key, item in self._items(value, path, expected):
            if key not in readers:
                if key in known:
                    self._fault((*path, key), "this key cannot stand here")
                elif known and key in SECTIONS:
                    self._fault((*path, key), "this table needs a package", f"pip install {SECTIONS[key]}")
                else:
                    self._fault((*path, key), "unknown key", did_you_mean(str(key), {*known, *readers}))
                continue
            result = readers[key](item, (*path, key))
            if result is not None:
                found[key] = result
        return found

    def _items(self, value: Any, path: Path, expected: str = "a table") -> Iterable[tuple[Any, Any]]:
        if isinstance(value, Mapping):
            return value.items()
        self._wrong(path, expected, value)
        return ()

    def _text(self, value: Any, path: Path) -> str | None:
        if isinstance(value, str) and value.strip():
            return value
        self._wrong(path, "a string that is not empty", value)
        return None

    def _seconds(self, value: Any, path: Path) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(path, "a number of seconds", value)
            return None
        if not 0 < value <= MAX_SECONDS:
            self._fault(path, f"expected a number of seconds above 0 and at most {MAX_SECONDS:.0f}")
            return None
        return float(value)

    def _count(self, value: Any, path: Path) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong(path, "an integer", value)
            return None
        if not 0 < value <= MAX_COUNT:
            self._fault(path, f"expected an integer from 1 to {MAX_COUNT}")
            return None
        return value

    def _proxy(self, value: Any, path: Path) -> str | None:
        if isinstance(value, str) and not value.lower().startswith(("http://", "https://")):
            self._fault(path, "expected a URL that begins with http:// or https://")
            return None
        return None if value is None else self._text(value, path)

    def _file(self, value: Any, path: Path) -> str | None:
        name = None if value is None else self._text(value, path)
        if name is None:
            return None
        file = self._places.origin(path).file
        base = os.path.dirname(file) if file in self._files and file is not None else ""
        return os.path.join(base, os.path.expanduser(name))

    def _wrong(self, path: Path, expected: str, value: Any) -> None:
        self._fault(path, f"expected {expected}, got {kind(value)}")

    def _fault(self, path: Path, expected: str, hint: str | None = None) -> None:
        self.faults.append(self._places.place(path).fault((), expected, hint))
