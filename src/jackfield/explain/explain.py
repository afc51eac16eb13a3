"""Explain: from a configuration and the name of a model to what a call would pass."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.config.choices import choices
from jackfield.config.place import Place
from jackfield.config.resolve import points_to_backend, resolve
from jackfield.config.show import hides, safe
from jackfield.explain.rehearsal import rehearse
from jackfield.explain.views import Explanation, Layer, Setting, Step
from jackfield.groups import chosen
from jackfield.plugins import assemble
from jackfield.wire import build_request

if TYPE_CHECKING:
    from jackfield.config.load import Loaded
    from jackfield.config.settings import BackendSettings, Transport
    from jackfield.http import Origin
    from jackfield.plan import Layer as PlanLayer
    from jackfield.registry import Registry

AROUND = {
    "wrap_chat_completion": "calls",
    "wrap_http": "HTTP exchanges",
    "on_chunk": "chunks",
    "end_of_stream": "the end of streams",
}
"""What a layer stands around, by its hooks."""


def explain(loaded: Loaded, registry: Registry, model: str | None, fields: Mapping[str, Any]) -> Explanation:
    """What a call for a model would pass and send; nothing is sent, and no secret is read.

    Args:
        loaded: a configuration.
        registry: where plugins are found.
        model: as a host gives it; None takes the default.
        fields: of the request, ``messages`` among them, but not ``model``.

    Raises:
        ConfigError: the configuration is faulty, or nothing answers for the model.
        ValidationError: a field is none.
    """
    settings = loaded.settings
    plan = assemble(settings, list(loaded.faults), registry)
    trail = [*_default(loaded, model)]
    trail += _groups(trail[-1].value if trail else model or "", plan.layers)
    start = trail[-1].value if trail else model
    name, own = resolve(settings, start)
    request = build_request({**fields, "model": own})
    route = plan.routes[name]
    host = [layer for layer in plan.layers if not layer.backend]
    inner = [layer for layer in plan.layers if layer.backend == name and layer is not route.provider]
    layers = tuple(tuple(map(_layer, several)) for several in (host, inner, [route.provider]))
    return Explanation(
        files=settings.files,
        profile=settings.profile,
        trail=(*trail, *_aliases(loaded, start or "")),
        backend=name,
        model=own,
        host=layers[0],
        own=layers[1],
        limits=tuple(_limits(settings.backends[name], route.backend.origin)),
        provider=layers[2][0],
        rehearsal=rehearse(route, request),  # last: it takes the secrets from the plugins
    )


def _default(loaded: Loaded, model: str | None) -> Iterator[Step]:
    """The step from no name to the default; nothing where a name was given, or there is none."""
    default = loaded.settings.default_model
    if model is None and default is not None:
        yield Step("default_model", default, loaded.places.place(("default_model",)))


def _groups(name: str, layers: Iterable[PlanLayer]) -> Iterator[Step]:
    """The steps through layers that take one of several names for a call; the first of them is followed."""
    for group in chosen(name, layers):
        entry = group.layer.entry
        assert entry is not None  # noqa: S101 - of a plan that was made of a configuration
        yield Step(group.name, group.members[0], entry.place.at(*group.path), one_of=group.members)


def _aliases(loaded: Loaded, name: str) -> Iterator[Step]:
    """How one name leads to the next; nothing for one that names its backend."""
    settings, places = loaded.settings, loaded.places
    while name in settings.models and not points_to_backend(name, settings.backends):
        yield Step(name, settings.models[name], places.place(("models", name)))
        name = settings.models[name]
    if not points_to_backend(name, settings.backends):
        yield Step(name, "/".join(resolve(settings, name)))


def _layer(layer: PlanLayer) -> Layer:
    around = tuple(AROUND[hook] for hook in AROUND if hook in layer.hooks)
    return Layer(layer.name, type(layer.plugin).__name__, layer.distribution, around, tuple(_settings(layer)))


def _settings(layer: PlanLayer) -> Iterator[Setting]:
    entry = layer.entry
    assert entry is not None  # noqa: S101 - of a plan that was made of a configuration
    plugin: Any = layer.plugin
    for field in attrs.fields(type(plugin)):
        if not field.init or field.name.startswith("_"):
            continue
        written = field.alias in entry.settings
        value = entry.settings[field.alias] if written else getattr(plugin, field.name, None)
        place = entry.place.at(field.alias) if written else None
        yield _setting(str(field.alias), value, place, choices(field.type))


def _limits(backend: BackendSettings, origin: Origin | None) -> Iterator[Setting]:
    for table in ("timeout", "transport"):
        limits: Any = getattr(backend, table)
        usual = type(limits)()
        for field in attrs.fields(type(limits)):
            value = getattr(limits, field.name)
            place = None if value == getattr(usual, field.name) else backend.place.at(table, field.name)
            if (table, field.name, value) == ("transport", "proxy", None) and origin is not None:
                value, place = _proxy(origin, limits)
            yield _setting(f"{table}.{field.name}", value, place)


def _proxy(origin: Origin, transport: Transport) -> tuple[str | None, Place | None]:
    """The proxy that the environment names, and its variable."""
    from jackfield.drivers.network import proxy_for

    proxy = proxy_for(origin, transport)
    if proxy is None:
        return None, None
    own = f"{origin.scheme}_proxy"
    told = {name: value for name, value in os.environ.items() if name.lower() in {own, "all_proxy"}}
    names = [name for name, value in told.items() if value in {proxy, proxy.removeprefix("http://")}]
    return proxy, Place(min(names, key=lambda name: name.lower() != own), None, "transport.proxy")


def _setting(name: str, value: Any, place: Place | None, words: Collection[Any] = ()) -> Setting:
    return Setting(name, None if value is None else safe(value, hide=hides(name, value, words)), place)
