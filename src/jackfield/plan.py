"""Plan: the layers of a configuration, resolved once, in the order in which a call passes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.models.base import replaced

if TYPE_CHECKING:
    from jackfield.config.settings import LayerSettings
    from jackfield.http import Backend
    from jackfield.models.request import CreateChatCompletionRequest


@attrs.frozen(eq=False)
class Layer:
    """A plugin in its place. Each hook takes all arguments of its specification; None where it is not implemented.

    Attributes:
        name: ``<use>#<position>``, unique among the layers of a backend.
        plugin: the instance.
        distribution: name and version of the distribution it came from.
        hooks: the implementations, by name of the hook.
        entry: what was written of it; None for a plan that was made without a configuration.
        backend: name of the backend that it belongs to, empty for a layer of the host.
    """

    name: str
    plugin: object
    distribution: str
    hooks: dict[str, Callable[..., Any]] = attrs.field(repr=False)
    entry: LayerSettings | None = attrs.field(default=None, repr=False)
    backend: str = ""

    @property
    def use(self) -> str:
        """What the configuration calls the plugin."""
        return self.name.partition("#")[0]

    @property
    def position(self) -> int:
        """Of a middleware: its place in the onion, 0 for the outermost one of the host."""
        return int(self.name.rpartition("#")[2])

    def __str__(self) -> str:
        return f"{self.name} ({type(self.plugin).__name__} of {self.distribution})"


@attrs.frozen(eq=False)
class Route:
    """A backend with its layers.

    Attributes:
        backend: as layers see it.
        provider: the one provider.
        chat: layers of the backend around a call, outermost first.
        http: layers around an HTTP exchange, those of the host outside.
        chunk: layers that see chunks, innermost first.
    """

    backend: Backend
    provider: Layer
    chat: tuple[Layer, ...] = ()
    http: tuple[Layer, ...] = ()
    chunk: tuple[Layer, ...] = ()


@attrs.frozen(eq=False)
class Plan:
    """Everything a call may pass.

    Attributes:
        chat: layers of the host around a call, outermost first.
        chunk: layers of the host that see chunks, innermost first.
        route: model name as the host gives it, to its backend and the backend's own model name; raises
            ``NotFoundError``.
        routes: the backends, by name.
        layers: every layer once, for closing.
        default_model: for requests that name none.
        sections: tables of other programs, as values of their classes, by name.
    """

    chat: tuple[Layer, ...]
    chunk: tuple[Layer, ...]
    route: Callable[[str], tuple[Route, str]]
    routes: Mapping[str, Route] = attrs.field(factory=dict)
    layers: tuple[Layer, ...] = ()
    default_model: str | None = None
    sections: Mapping[str, object] = attrs.field(factory=dict)

    def inward(
        self, request: CreateChatCompletionRequest, route: Route | None, level: int
    ) -> tuple[CreateChatCompletionRequest, Route | None, int, Layer | None]:
        """What a request comes to next: itself, its route, and the layer there; no layer where it is the provider.

        Args:
            request: as the layer outside passed it; beyond the last layer of the host it gets the backend's model name.
            route: None among the layers of the host.
            level: of the layer, counted from the outermost one of the host, or of the backend.

        Raises:
            JackfieldError: no backend answers for its model.
        """
        layers = self.chat if route is None else route.chat
        if route is None and level >= len(layers):
            route, model = self.route(request.model)
            if model != request.model:
                request = replaced(request, "model", model)
            layers, level = route.chat, 0
        return request, route, level, layers[level] if level < len(layers) else None


_nowhere: dict[str, tuple[Route, str]] = {}
NOTHING = Plan((), (), _nowhere.__getitem__)
"""For a call that has ended: it needs no layers any more, and shall not keep them."""
