"""The hook implementations of a plugin: found by pluggy, and checked before any of them is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pluggy

from jackfield.config.hints import did_you_mean
from jackfield.hookspecs import PROJECT, MiddlewareSpec, PluginSpec, ProviderSpec

SPECS = (ProviderSpec, MiddlewareSpec, PluginSpec)
REORDERING = ("tryfirst", "trylast", "wrapper", "hookwrapper")
Hooks = dict[str, Callable[..., Any]]


def _names(*specs: type) -> frozenset[str]:
    return frozenset(name for spec in specs for name in vars(spec) if not name.startswith("_"))


HOOKS = _names(*SPECS)
ONLY_PROVIDER, ONLY_MIDDLEWARE = _names(ProviderSpec), _names(MiddlewareSpec)


def missing(hooks: Iterable[str], *, provider: bool) -> str | None:
    """What a plugin of one kind lacks, or has and must not have, with the remedy; None where it is whole.

    Args:
        hooks: names of those it implements.
        provider: whether it is to be a provider, or else a middleware.
    """
    found = frozenset(hooks)
    foreign = sorted(found & (ONLY_MIDDLEWARE if provider else ONLY_PROVIDER))
    if foreign:
        kind, other = ("provider", "middleware") if provider else ("middleware", "provider")
        return f"is a {kind}, so {' and '.join(foreign)} would never be called: only a {other} has it"
    if provider and "create_chat_completion" not in found:
        return "does not implement create_chat_completion: mark the method with @jackfield.hookimpl"
    if not provider and not found & ONLY_MIDDLEWARE:
        return "implements no hook: mark its methods with @jackfield.hookimpl"
    return None


class HookFinder:
    """Finds and checks the hooks of plugins. Its messages never show a plugin's repr, which may hold a setting."""

    def __init__(self) -> None:
        self._manager = _manager()
        self._arguments = {name: _arguments(spec, name) for spec in SPECS for name in HOOKS & vars(spec).keys()}

    def __call__(self, name: str, plugin: object) -> Hooks:
        """The hooks of a plugin, each taking all arguments of its specification, in its order.

        Args:
            name: of the plugin, for messages.
            plugin: an instance, or a class that is only to be checked.

        Raises:
            pluggy.PluginValidationError: a hook or an argument that is not known, a mark that would change the order,
                or a hook implemented twice.
        """
        try:
            self._register(name, plugin)
            callers = self._manager.get_hookcallers(plugin) or ()
            return {caller.name: self._hook(caller, plugin) for caller in callers if caller.has_spec()}
        except pluggy.PluginValidationError:
            self._manager = _manager()  # what is left of it in the other would be the next plugin's fault
            raise

    def _register(self, name: str, plugin: object) -> None:
        unique = f"{name}@{id(plugin)}"
        try:
            self._manager.register(plugin, unique)
        except pluggy.PluginValidationError as error:
            text = " ".join(str(error).split()).removeprefix(f"Plugin {unique!r} ")  # the caller tells its name
            raise pluggy.PluginValidationError(plugin, text) from None
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError:
            callers = self._manager.get_hookcallers(plugin) or ()
            unknown = [caller.name for caller in callers if not caller.has_spec()]
            text = "; ".join(f"no hook is named {hook!r} ({did_you_mean(hook, HOOKS)})" for hook in sorted(unknown))
            raise pluggy.PluginValidationError(plugin, text) from None

    def _hook(self, caller: pluggy.HookCaller, plugin: object) -> Callable[..., Any]:
        implementation, *others = (found for found in caller.get_hookimpls() if found.plugin is plugin)
        if others:
            raise pluggy.PluginValidationError(plugin, f"{caller.name} is implemented by several methods")
        if inspect.iscoroutinefunction(implementation.function) or inspect.isasyncgenfunction(implementation.function):
            text = f"{caller.name} is async: make it a plain function that yields effects; the driver awaits"
            raise pluggy.PluginValidationError(plugin, text)
        marks = [mark for mark in REORDERING if getattr(implementation, mark)]
        if marks:
            text = f"{caller.name} is marked {' and '.join(marks)}: the order comes from configuration only"
            raise pluggy.PluginValidationError(plugin, text)
        return _adapted(implementation, self._arguments[caller.name])


class _Manager(pluggy.PluginManager):
    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """Look at what the class has: no property may run while hooks are searched."""
        found = inspect.getattr_static(plugin, name, None)
        if not callable(found) and not isinstance(found, classmethod):
            return None
        # Before pluggy 1.7 a mark that stands above @classmethod or @staticmethod was not seen.
        return super().parse_hookimpl_opts(plugin, name) or getattr(found, f"{PROJECT}_impl", None)


def _manager() -> _Manager:
    manager = _Manager(PROJECT)
    for spec in SPECS:
        manager.add_hookspecs(spec)
    return manager


def _arguments(spec: type, name: str) -> tuple[str, ...]:
    code = vars(spec)[name].__code__
    return tuple(code.co_varnames[1 : code.co_argcount])


def _adapted(implementation: pluggy.HookImpl, arguments: tuple[str, ...]) -> Callable[..., Any]:
    """The implementation as a function of all arguments, in the specification's order."""
    function, names = implementation.function, implementation.argnames
    if tuple(names) == arguments:
        return function
    wanted = [arguments.index(name) for name in names]
    return lambda *values: function(*[values[position] for position in wanted])
