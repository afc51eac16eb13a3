"""Calls and flows driven by hand, without configuration, client or network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import pluggy

from jackfield.call import Call
from jackfield.drivers.scripted import Script, ScriptedDriver
from jackfield.engine import Engine
from jackfield.errors import NotFoundError, PluginError
from jackfield.flow import Effect, Flow
from jackfield.hooks import HookFinder, Hooks, missing
from jackfield.http import Backend, Timeouts, Transport
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.plan import Layer, Plan, Route
from jackfield.plugins import chunk_layers, having

T = TypeVar("T")
DISTRIBUTION = "this program"
"""What layers made of instances give as their distribution."""


def run_flow(
    flow: Flow[T], script: Script = (), *, driver: ScriptedDriver | None = None, inward: Iterable[Any] | None = None
) -> T:
    """Drive a flow to its end and return its result: no network, no waiting.

    Args:
        flow: what a hook of a plugin returned.
        script: answers to ``Send``, in order or as a function of the request; exceptions are raised.
        driver: performs the effects, and keeps what was done, in place of one for ``script``.
        inward: outcomes, in order, of what a middleware passes inward: values, or exceptions to be raised.

    Raises:
        BaseException: what the flow raised.
        AssertionError: the flow passed inward more than was expected.
    """
    driver = ScriptedDriver(script) if driver is None else driver
    outcomes = iter(() if inward is None else inward)
    value, error = None, None
    while True:
        try:
            out = flow.send(value) if error is None else flow.throw(error)
        except StopIteration as stop:
            result: T = stop.value
            return result
        value, error = None, None
        try:
            value = driver.perform(out) if isinstance(out, Effect) else _outcome(outcomes, out)
        except AssertionError:
            flow.close()
            raise
        except BaseException as raised:  # noqa: BLE001 - thrown into the flow, which may deal with it
            error = raised


def _outcome(outcomes: Any, request: Any) -> Any:
    missing = object()
    outcome = next(outcomes, missing)
    if outcome is missing:
        raise AssertionError(f"the flow passed a {type(request).__name__} inward, which no outcome was given for")
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def make_call(driver: ScriptedDriver | None = None, **fields: Any) -> Call:
    """A call for a hook that is driven by hand.

    Args:
        driver: whose clock it goes by.
        fields: of ``Call``, such as ``model``, ``stream``, ``timeout``, ``labels``.
    """
    driver = ScriptedDriver() if driver is None else driver
    return Call(**{"clock": driver.clock, "model": "test", **fields})


def run_call(
    plan: Plan, request: CreateChatCompletionRequest, driver: ScriptedDriver | None = None, **fields: Any
) -> Any:
    """Drive a whole call through a plan, all chunks of a stream being taken; returns the response.

    Args:
        plan: as ``plan`` makes it.
        request: of the host.
        driver: performs the effects and keeps what was done; one without a script unless told.
        fields: of ``Call``, such as ``timeout`` or ``labels``.

    Raises:
        BaseException: the call's failure.
    """
    driver = ScriptedDriver() if driver is None else driver
    call = make_call(driver, **{"model": request.model, "stream": request.stream is True, **fields})
    engine = Engine(plan, call)
    return driver.run(engine, engine.begin_chat(request))


def plan(
    provider: object,
    *,
    middleware: Sequence[object] = (),
    backend_middleware: Sequence[object] = (),
    backends: Mapping[str, object] | None = None,
    timeouts: Timeouts | None = None,
    transport: Transport | None = None,
) -> Plan:
    """The plan of a call, from instances of plugins.

    Args:
        provider: of the backend ``test``, which answers for every model name without ``/``.
        middleware: of the host, outermost first.
        backend_middleware: of each backend, outermost first.
        backends: more providers, by the names of their backends.
        timeouts: of each backend.
        transport: of each backend.

    Raises:
        PluginError: a plugin does not fit the hook specifications.
    """
    find = _Hooks()
    host = [_layer(find, plugin, position) for position, plugin in enumerate(middleware)]
    own = [_layer(find, plugin, position) for position, plugin in enumerate(backend_middleware, start=len(host))]
    providers = {"test": provider, **(backends or {})}
    routes = {
        name: _route(name, _layer(find, plugin, None), host, own, timeouts or Timeouts(), transport or Transport())
        for name, plugin in providers.items()
    }
    return Plan(
        chat=having(host, "wrap_chat_completion"),
        chunk=chunk_layers(host),
        route=_router(routes),
        routes=routes,
        layers=(*host, *own, *(route.provider for route in routes.values())),
    )


class _Hooks:
    """Finds the hooks of plugins, once for each: one may stand in several places of a plan, pluggy takes it once."""

    def __init__(self) -> None:
        self._find = HookFinder()
        self._found: dict[int, Hooks] = {}

    def __call__(self, name: str, plugin: object) -> Hooks:
        if id(plugin) not in self._found:
            self._found[id(plugin)] = self._find(name, plugin)
        return dict(self._found[id(plugin)])


def _layer(find: _Hooks, plugin: object, position: int | None) -> Layer:
    name = type(plugin).__name__.lower()
    name = name if position is None else f"{name}#{position}"
    try:
        hooks = find(name, plugin)
        fault = missing(hooks, provider=position is None)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{type(plugin).__name__} of {DISTRIBUTION}: {error}") from None
    if fault is not None:
        raise PluginError(f"{type(plugin).__name__} {fault}")
    return Layer(name, plugin, DISTRIBUTION, hooks)


def _route(
    name: str, provider: Layer, host: list[Layer], own: list[Layer], timeouts: Timeouts, transport: Transport
) -> Route:
    origin = getattr(provider.plugin, "origin", None)
    return Route(
        backend=Backend(name, provider.name, origin, timeouts, transport),
        provider=provider,
        chat=having(own, "wrap_chat_completion"),
        http=having([*host, *own], "wrap_http"),
        chunk=chunk_layers([*host, *own]),
    )


def _router(routes: Mapping[str, Route]) -> Callable[[str], tuple[Route, str]]:
    def route(name: str) -> tuple[Route, str]:
        backend, slash, model = name.partition("/")
        if not slash:
            backend, model = "test", name
        if backend not in routes:
            raise NotFoundError(f"no backend is named {backend!r}", stage="not_sent", code="model_not_found")
        return routes[backend], model

    return route
