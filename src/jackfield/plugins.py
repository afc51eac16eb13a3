"""Plugins: load, check, order what a configuration names.

A plugin that is broken is told with its name and distribution, and harms no one who does not use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import pluggy

from jackfield.config.hints import did_you_mean
from jackfield.config.resolve import resolve
from jackfield.config.settings import BackendSettings, LayerSettings, Settings
from jackfield.construct import construct
from jackfield.errors import ConfigError, Fault, NotFoundError
from jackfield.groups import told
from jackfield.hooks import HookFinder, missing
from jackfield.http import Backend, Origin
from jackfield.plan import Layer, Plan, Route
from jackfield.registry import KIND, MIDDLEWARE, PROVIDERS, Found, Registry
from jackfield.retired import close
from jackfield.sections import sections_of

if TYPE_CHECKING:
    from jackfield.config.place import Path

OWN = {
    "anthropic": "jackfield-anthropic",
    "azure": "jackfield-openai",
    "balance": "jackfield-routing",
    "bearer": "jackfield-auth",
    "budget": "jackfield-limits",
    "cache": "jackfield-cache",
    "circuit-breaker": "jackfield-routing",
    "concurrency": "jackfield-limits",
    "fallback": "jackfield-routing",
    "gemini": "jackfield-gemini",
    "header": "jackfield-auth",
    "local": "jackfield-local",
    "logging": "jackfield-logging",
    "oauth2": "jackfield-auth",
    "openai": "jackfield-openai",
    "rate-limit": "jackfield-limits",
    "record": "jackfield-replay",
    "replay": "jackfield-replay",
    "retry": "jackfield-retry",
}
"""Which distribution brings a plugin, of those that are published with jackfield."""
MAX_NAMES = 1024
"""So many model names are remembered; a host that makes names up must not fill the memory."""


class Assembly:
    """Builds the plan of a configuration, and collects what is wrong with it.

    Args:
        settings: the configuration.
        registry: where plugins are found.
        faults: what is wrong already; more is added.
        previous: the plan of an earlier configuration: plugins that are in the same place with the same settings are
            taken over with their state, a loaded model, say, or what a limit has counted.
    """

    def __init__(
        self, settings: Settings, registry: Registry, faults: list[Fault], previous: Plan | None = None
    ) -> None:
        self._settings, self._registry, self._faults = settings, registry, faults
        self._hooks = HookFinder()
        self._spare = [] if previous is None else list(previous.layers)
        self._rest: list[Layer] = []
        self._built: list[Layer] = []
        self._failures: list[Exception] = []

    def host(self) -> list[Layer]:
        """The layers around all backends, outermost first."""
        host = [
            layer
            for position, entry in enumerate(self._settings.middleware)
            if (layer := self._middleware(entry, position)) is not None
        ]
        self._check_names([*host, *self._rest])
        self._failures += close(self._rest)  # they were only asked for their names
        self._rest.clear()
        return host

    def plan(self) -> Plan:
        """The plan, usable only if no fault was added."""
        host = self.host()
        routes: dict[str, Route] = {}
        layers = list(host)
        for backend in self._settings.backends.values():
            route, own = self._route(backend, host)
            layers += own
            if route is not None:
                routes[backend.name] = route
        return Plan(
            chat=having(host, "wrap_chat_completion"),
            chunk=chunk_layers(host),
            route=_router(self._settings, routes),
            routes=routes,
            layers=tuple(layers),
            default_model=self._settings.default_model,
            sections=sections_of(self._settings.sections.values(), self._registry, self._faults),
        )

    def discard(self) -> list[Exception]:
        """Close the plugins that were built here, of a plan that is not used; what they raised.

        Those that were taken over are still in use.
        """
        failures = [*self._failures, *close(self._built)]
        self._built.clear()
        return failures

    def _route(self, backend: BackendSettings, host: list[Layer]) -> tuple[Route | None, list[Layer]]:
        own = [
            layer
            for position, entry in enumerate(backend.middleware, start=len(self._settings.middleware))
            if (layer := self._middleware(entry, position, backend.name)) is not None
        ]
        entry = LayerSettings(use=backend.provider, settings=backend.settings, place=backend.place)
        provider = self._layer(PROVIDERS, entry, backend.provider, backend.name)
        if provider is None:
            return None, own
        try:
            origin: Origin | None = getattr(provider.plugin, "origin", None)
        except Exception as error:  # noqa: BLE001 - a property of a plugin may raise anything
            text = str(error) if isinstance(error, ConfigError) else f"{type(error).__name__} in the property origin"
            self._faults.append(backend.place.fault("base_url", text))
            return None, own
        if origin is not None and not origin.secure and any(getattr(one.plugin, "secure_only", False) for one in own):
            text = f"a credential must not be sent in clear to {origin}: use https"
            self._faults.append(backend.place.fault("base_url", text))
        seen = Backend(backend.name, backend.provider, origin, backend.timeout, backend.transport)
        onion = host + own
        return Route(
            backend=seen,
            provider=provider,
            chat=having(own, "wrap_chat_completion"),
            http=having(onion, "wrap_http"),
            chunk=chunk_layers(onion),
        ), [*own, provider]

    def _check_names(self, host: list[Layer]) -> None:
        """Each name of a model in a layer's settings leads to a backend, or is one that another layer replaces."""
        for layer in host:
            replaced = {name for other in host if other is not layer for name in told(other, "model_groups")}
            for path, name in told(layer, "model_names"):
                if name not in replaced:
                    self._check_name(layer, path, name)

    def _check_name(self, layer: Layer, path: Path, name: str) -> None:
        try:
            resolve(self._settings, name)
        except ConfigError as error:
            assert layer.entry is not None  # noqa: S101 - it was made here
            self._faults += [layer.entry.place.fault(path, fault.expected, fault.hint) for fault in error.faults]

    def _middleware(self, entry: LayerSettings, position: int, backend: str = "") -> Layer | None:
        layer = self._layer(MIDDLEWARE, entry, f"{entry.use}#{position}", backend)
        if layer is not None and not backend and getattr(layer.plugin, "backend_only", False):
            self._faults.append(
                entry.place.fault(
                    "use", f"{entry.use} belongs to one backend", "list it in [[backends.NAME.middleware]]"
                )
            )
        return layer

    def _layer(self, group: str, entry: LayerSettings, name: str, backend: str) -> Layer | None:
        """A plugin in its place, or None and a fault."""
        key = "use" if group == MIDDLEWARE else "provider"
        found = self._found(group, entry, key)
        if found is None:
            return None
        cls, unfit = found.take()
        if unfit is not None:
            self._faults.append(entry.place.fault(key, f"{KIND[group]} {entry.use!r} of {found.distribution} {unfit}"))
            return None
        kept = self._kept(cls, entry, backend)
        if kept is not None:
            return attrs.evolve(kept, name=name, entry=entry)
        plugin, faults = construct(cls, entry.settings, entry.place)
        self._faults += faults
        if plugin is None:
            if group == MIDDLEWARE and not backend:
                self._note_rest(cls, entry, name, found.distribution, faults)
            return None
        try:
            hooks = self._hooks(name, plugin)
            wrong = missing(hooks, provider=group == PROVIDERS)
        except pluggy.PluginValidationError as error:
            wrong = str(error)
        if wrong is not None:
            text = f"{KIND[group]} {entry.use!r} of {found.distribution}: {cls.__name__}: {wrong}"
            self._faults.append(entry.place.fault(key, text))
            return None
        layer = Layer(name, plugin, found.distribution, hooks, entry, backend)
        self._built.append(layer)
        return layer

    def _note_rest(self, cls: type, entry: LayerSettings, name: str, distribution: str, faults: list[Fault]) -> None:
        """Remember what a layer would be without the settings that are at fault: its names of models are checked."""
        wrong = {fault.path for fault in faults}
        paths = {key: entry.place.at(key).path for key in entry.settings}
        sound = {
            key: value
            for key, value in entry.settings.items()
            if not any(path.startswith((paths[key] + ".", paths[key] + "[")) or path == paths[key] for path in wrong)
        }
        plugin, _ = construct(cls, sound, entry.place)
        if plugin is not None:
            with suppress(pluggy.PluginValidationError):  # it is told once the settings are mended
                self._rest.append(Layer(name, plugin, distribution, self._hooks(name, plugin), entry))

    def _kept(self, cls: type, entry: LayerSettings, backend: str) -> Layer | None:
        """The first spare layer of that class in that place with the same settings."""
        for layer in self._spare:
            if type(layer.plugin) is cls and layer.backend == backend and _same(layer.entry, entry):
                self._spare.remove(layer)
                return layer
        return None

    def _found(self, group: str, entry: LayerSettings, key: str) -> Found | None:
        found = self._registry.find(group, entry.use)
        if len(found) == 1:
            return found[0]
        if found:
            claims = " and ".join(one.distribution for one in found)
            self._faults.append(entry.place.fault(key, f"{KIND[group]} {entry.use!r} is claimed by {claims}"))
            return None
        hint = did_you_mean(entry.use, self._registry.names(group))
        if entry.use in OWN:  # of others no one knows who has the name
            remedy = f"pip install {OWN[entry.use]}"
            hint = f"{hint}; or {remedy}" if hint else remedy
        self._faults.append(entry.place.fault(key, f"no {KIND[group]} is named {entry.use!r}", hint))
        return None


def having(layers: Iterable[Layer], hook: str) -> tuple[Layer, ...]:
    """Those of the layers that implement a hook."""
    return tuple(layer for layer in layers if hook in layer.hooks)


def chunk_layers(layers: list[Layer]) -> tuple[Layer, ...]:
    """Those of the layers that see chunks, innermost first."""
    return tuple(
        layer for layer in reversed(layers) if not layer.hooks.keys().isdisjoint({"on_chunk", "end_of_stream"})
    )


def _same(one: LayerSettings | None, other: LayerSettings) -> bool:
    try:
        return one is not None and bool(one.use == other.use and one.settings == other.settings)
    except Exception:  # noqa: BLE001 - a program may put objects into its mapping that cannot be compared
        return False


def _router(settings: Settings, routes: Mapping[str, Route]) -> Callable[[str], tuple[Route, str]]:
    """From the host's model name to a route; names are resolved once, as far as they are configured."""
    known: dict[str, tuple[Route, str]] = {}

    def route(name: str) -> tuple[Route, str]:
        found = known.get(name)
        if found is None:
            try:
                backend, model = resolve(settings, name or None)
            except ConfigError as error:
                raise NotFoundError(str(error), stage="not_sent", code="model_not_found") from None
            found = routes[backend], model
            if len(known) < MAX_NAMES:
                known[name] = found
        return found

    return route


def assemble(settings: Settings, faults: list[Fault], registry: Registry, previous: Plan | None = None) -> Plan:
    """The plan of a configuration.

    Args:
        settings: the configuration.
        faults: what is wrong with it already; what is wrong with its plugins is added.
        registry: where plugins are found.
        previous: the plan that it comes in place of, see ``Assembly``.

    Raises:
        ConfigError: lists all faults; a note tells of a plugin that could not be closed again.
    """
    assembly = Assembly(settings, registry, faults, previous)
    plan = assembly.plan()
    if faults:
        error = ConfigError(faults)
        for failure in assembly.discard():
            error.add_note(f"{type(failure).__name__} in close, {failure.__notes__[-1]}")
        raise error
    return plan
