"""Checkup: all findings, in order, each as soon as it is there."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

import attrs

from jackfield.checkup.build import Built, build_backend, build_host
from jackfield.checkup.configuration import configuration_rows
from jackfield.checkup.network import reach
from jackfield.checkup.plugins import idle_row, plugin_rows
from jackfield.checkup.row import Row
from jackfield.checkup.scope import Scope
from jackfield.checkup.secrets import secret_rows
from jackfield.checkup.service import look_at_answer, look_at_call, model_of
from jackfield.checkup.verdict import failed
from jackfield.config.hints import did_you_mean
from jackfield.config.load import Loaded, load
from jackfield.config.resolve import resolve
from jackfield.config.settings import Settings
from jackfield.drivers.sync import SyncDriver
from jackfield.errors import ConfigError
from jackfield.groups import becomes
from jackfield.http import Origin
from jackfield.plan import Route
from jackfield.registry import Registry
from jackfield.retired import close
from jackfield.session import Config

USUAL = Scope()
SHOWN = "jackfield config show lists those that are there"
OFFLINE = "no network is used offline"


def checkup(
    config: Config = None,
    *,
    profile: str | None = None,
    plugins: Mapping[str, type] | None = None,
    scope: Scope = USUAL,
) -> Iterator[Row]:
    """Look at everything between a program and the answers of its backends, in order of their coming in.

    The configuration and its faults; the plugins that it names; and for each backend, by itself, without the layers
    around all of them: its secrets, then name, port and TLS of its service, an answer of it, its clock, and with
    ``scope.live`` a call. It blocks while it looks, and no look takes longer than the scope says.

    Args:
        config: as of ``Client``.
        profile: as of ``Client``.
        plugins: as of ``Client``.
        scope: how far to go.
    """
    registry = Registry(plugins)
    loaded = load(config, profile=profile, installed=registry)
    run = _Checkup(loaded, registry, scope)
    try:
        yield from run.rows()
    finally:
        run.close()


class _Checkup:
    """One run."""

    def __init__(self, loaded: Loaded, registry: Registry, scope: Scope) -> None:
        self._loaded, self._registry, self._scope = loaded, registry, scope
        self._settings: Settings = loaded.settings
        self._driver = SyncDriver()
        self._built: list[Built] = []
        self._models: tuple[str, ...] = ()

    def rows(self) -> Iterator[Row]:
        """All rows."""
        keys = self._settings.plugins
        plugins = list(plugin_rows(keys, self._registry))
        broken = {key for key, row in plugins if row.status == "failed"}
        host = build_host(self._settings, broken, self._registry)
        backends = [build_backend(one, broken, self._registry) for one in self._settings.backends.values()]
        self._built = [host, *backends]
        self._models = () if self._scope.model is None else becomes(self._scope.model, host.layers)
        yield from configuration_rows(self._loaded, [fault for one in self._built for fault in one.faults])
        yield from (row for _, row in plugins)
        idle = idle_row(keys, self._registry)
        if idle is not None:
            yield idle
        yield from secret_rows(host, self._scope)
        wanted, unknown = self._wanted()
        yield from unknown
        for built in backends:
            if wanted is None or built.name in wanted:
                yield from self._backend(built)

    def close(self) -> None:
        """Close plugins and connections."""
        close(layer for built in self._built for layer in built.layers)
        self._driver.close()

    def _wanted(self) -> tuple[set[str] | None, list[Row]]:
        """The backends to look at, None for all, and rows for names that lead to none."""
        scope, known = self._scope, self._settings.backends
        if not scope.backends and scope.model is None:
            return None, []
        unknown = [
            Row(name, "backend", "failed", "no backend of this name can be used", did_you_mean(name, known) or SHOWN)
            for name in scope.backends
            if name not in known
        ]
        names = set(scope.backends)
        for model in self._models:
            try:
                names.add(resolve(self._settings, model)[0])
            except ConfigError as error:
                row = failed("configuration", "model", error)
                unknown.append(attrs.evolve(row, remedy=row.remedy or SHOWN))
        return names, unknown

    def _backend(self, built: Built) -> Iterator[Row]:
        secrets = list(secret_rows(built, self._scope))
        yield from secrets
        obstacle = built.obstacle
        if obstacle is None and any(row.status == "failed" for row in secrets):
            obstacle = "a secret of it does not resolve"
        route = built.route
        if route is None:
            yield Row(built.name, "service", "skipped", str(obstacle))
        elif route.backend.origin is None:
            yield Row(built.name, "service", "skipped", "it answers inside this process")
        elif self._scope.offline:
            yield Row(built.name, "service", "skipped", OFFLINE)
            obstacle = obstacle or OFFLINE
        else:
            obstacle = yield from self._service(built, route, route.backend.origin, obstacle)
        if self._scope.live:
            yield self._call(built, obstacle)

    def _service(
        self, built: Built, route: Route, origin: Origin, obstacle: str | None
    ) -> Generator[Row, None, str | None]:
        """Rows of the way to a service, and of its answer; why no call of it would go well, or None."""
        reached = yield from reach(route.backend, origin, built.plan, self._scope.seconds)
        if not reached:
            obstacle = obstacle or "it is not reached"
        if obstacle is not None:
            yield Row(built.name, "http", "skipped", obstacle)
            return obstacle
        answered = yield from look_at_answer(built.name, built.plan, route, self._driver, self._scope.seconds)
        return None if answered else "it did not answer as it should"

    def _call(self, built: Built, obstacle: str | None) -> Row:
        found = (model_of(self._settings, built.name, name) for name in self._models or (None,))
        model = next(filter(None, found), None)
        if obstacle is None and model is None:
            obstacle = "neither default_model nor an alias leads to it; -m names a model"
        if obstacle is not None or model is None or built.route is None:
            return Row(built.name, "call", "skipped", str(obstacle))
        return look_at_call(built.name, model, built.plan, built.route, self._driver, self._scope.call_seconds)
