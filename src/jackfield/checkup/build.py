"""Build: a backend with its own layers, as far as they can be built; without those of the host.

What stands around all backends is left out, so that no cache, no other backend and no retry answers in its place.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import attrs

from jackfield.checkup.plugins import Key
from jackfield.config.settings import BackendSettings, Settings
from jackfield.errors import Fault
from jackfield.plan import NOTHING, Layer, Plan, Route
from jackfield.plugins import Assembly
from jackfield.registry import Registry
from jackfield.sections import sections_of


@attrs.frozen(eq=False)
class Built:
    """What became of a backend, or of the layers around all backends.

    Attributes:
        name: of the backend, or ``host``.
        plan: with its layers.
        faults: in the settings of its plugins.
        broken: names of plugins that it needs and that cannot be used.
    """

    name: str
    plan: Plan
    faults: tuple[Fault, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def route(self) -> Route | None:
        """The backend's route; None where its provider could not be built."""
        return self.plan.routes.get(self.name)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All that were built."""
        return self.plan.layers

    @property
    def obstacle(self) -> str | None:
        """Why no call of it can be made, or None."""
        if self.broken:
            return f"a plugin of it cannot be used: {', '.join(self.broken)}"
        return "its configuration is at fault" if self.faults or self.route is None else None


def build_host(settings: Settings, broken: AbstractSet[Key], registry: Registry) -> Built:
    """The layers around all backends, and whether the tables of other programs are sound.

    The models that the layers name are those of the whole configuration.

    Args:
        settings: the configuration.
        broken: kind and name of plugins that cannot be used.
        registry: where plugins are found.
    """
    sound = tuple(layer for layer in settings.middleware if ("middleware", layer.use) not in broken)
    faults: list[Fault] = []
    layers = Assembly(attrs.evolve(settings, middleware=sound), registry, faults).host()
    sections_of(settings.sections.values(), registry, faults)
    return Built("host", attrs.evolve(NOTHING, layers=tuple(layers)), tuple(faults))


def build_backend(backend: BackendSettings, broken: AbstractSet[Key], registry: Registry) -> Built:
    """One backend; what is broken is left out and named. See ``build_host``."""
    layers = tuple(layer for layer in backend.middleware if ("middleware", layer.use) not in broken)
    missing = [layer.use for layer in backend.middleware if ("middleware", layer.use) in broken]
    if ("provider", backend.provider) in broken:
        return Built(backend.name, NOTHING, broken=(backend.provider, *missing))
    faults: list[Fault] = []
    only = Settings(backends={backend.name: attrs.evolve(backend, middleware=layers)})
    plan = Assembly(only, registry, faults).plan()
    return Built(backend.name, plan, tuple(faults), tuple(missing))
