"""Session: what both clients have in common: a configuration, its plan, and the calls made of a host's arguments."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.call import Call
from jackfield.chain import scrub_chain
from jackfield.config.hints import did_you_mean
from jackfield.config.load import load
from jackfield.config.place import Place
from jackfield.config.settings import SectionSettings
from jackfield.engine import Engine
from jackfield.errors import ClientClosedError, ConfigError
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.plugins import assemble
from jackfield.registry import Registry
from jackfield.retired import Retired, close
from jackfield.sections import section_of
from jackfield.sensitive import remember_credentials
from jackfield.wire import build_request

if TYPE_CHECKING:
    from jackfield.config.settings import Settings
    from jackfield.flow import Effect
    from jackfield.models.models import Model
    from jackfield.models.response import CreateChatCompletionResponse
    from jackfield.plan import Plan, Route

Config = str | os.PathLike[str] | Mapping[str, Any] | None
FINISH = 0.5
"""Seconds that closing a stream whose answer is whole waits for what is left of its call."""


class Session:
    """A loaded configuration.

    Args:
        config: path, mapping, or None to search; see ``jackfield.config.load``.
        profile: name of the profile; None takes ``JACKFIELD_PROFILE``.
        plugins: classes of the program's own, by the name that the configuration uses.
        outermost: layers that the program puts around all that is configured.

    Raises:
        ConfigError: lists everything that is wrong with the configuration.
    """

    def __init__(
        self,
        config: Config,
        profile: str | None,
        plugins: Mapping[str, type] | None,
        outermost: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._source, self._profile, self._registry = config, profile, Registry(plugins)
        self._outermost = tuple(outermost)
        self._retired = Retired()
        self.settings, self.plan = self._load(config, None)
        self.closed = False

    def reload(self, config: Config = None) -> None:
        """Take the configuration anew: calls that begin from now on follow it, those that run end on the former one.

        A plugin whose settings are the same in the same place is taken over with its state. Others are closed when the
        last call on their configuration has ended; that is looked for when a call begins.

        Args:
            config: as for the class, and from now on in place of what was given there; None reads that again, the same
                file where one was found.

        Raises:
            ConfigError: lists everything that is wrong with it; the former configuration stays in force.
            ClientClosedError: the client was closed.
        """
        with self._retired.lock:
            self.check()
            source = self._source if config is None else config
            if source is None and self.settings.files:
                source = self.settings.files[0]
            former = self.plan
            settings, plan = self._load(source, former)
            if config is not None:
                self._source = config
            self.settings, self.plan = settings, plan
            self._retired.add(former, plan)
            del former
        self._retired.sweep()

    def _load(self, config: Config, former: Plan | None) -> tuple[Settings, Plan]:
        loaded = load(config, profile=self._profile, installed=self._registry, outermost=self._outermost)
        return loaded.settings, assemble(loaded.settings, loaded.faults, self._registry, former)

    def section(self, name: str) -> Any:
        """A table of the configuration that is another program's; with its defaults where it was not written.

        Raises:
            ConfigError: there is no such table, or it cannot be left out.
        """
        if name in self.plan.sections:
            return self.plan.sections[name]
        value, faults = section_of(SectionSettings(name, {}, Place(None, None, name)), self._registry)
        if faults:
            raise ConfigError(faults)
        return value

    def engine(
        self,
        request: CreateChatCompletionRequest | None,
        fields: Mapping[str, Any],
        *,
        stream: bool | None,
        timeout: float | None,
        labels: Mapping[str, str] | None,
        extra_headers: Mapping[str, str] | None,
        extra_body: Mapping[str, Any] | None,
    ) -> tuple[Engine, CreateChatCompletionRequest]:
        """An engine for a chat completion, not begun, and its request.

        Raises:
            ClientClosedError: the client was closed.
            TypeError: an argument is none, or fields were given besides a request.
            ValidationError: a field does not have its type.
        """
        try:
            self.check()
            if self._retired:
                self._retired.sweep()
            if extra_headers:
                _check_names(extra_headers)
                remember_credentials(extra_headers)
            plan = self.plan
            request = _request(request, fields, plan.default_model or "", stream=stream)
            call = Call(
                clock=time.monotonic,
                model=request.model,
                stream=request.stream is True,
                timeout=_seconds(timeout),
                labels=dict(labels or {}),
                extra_headers={name.lower(): value for name, value in (extra_headers or {}).items()},
                extra_body=dict(extra_body or {}),
            )
            return Engine(plan, call), request
        finally:
            del extra_headers, extra_body  # the frames of a traceback show no credentials

    def begin_chat(self, engine: Engine, request: CreateChatCompletionRequest) -> Effect | None:
        """Begin a chat completion, unless the client was closed meanwhile: from here on ``close`` knows of the call."""
        self.check()
        return engine.begin_chat(request)

    def models(self, backend: str | None, timeout: float | None) -> list[tuple[Route, Engine]]:
        """For each backend, or the one, its route and an engine, not begun.

        Raises:
            ConfigError: there is no such backend.
        """
        self.check()
        routes = self.plan.routes
        if backend is not None and backend not in routes:
            hint = did_you_mean(backend, routes)
            raise ConfigError(f"no backend is named {backend!r}" + (f" ({hint})" if hint else ""))
        return [
            (route, Engine(self.plan, Call(clock=time.monotonic, model="", timeout=_seconds(timeout))))
            for route in (routes.values() if backend is None else [routes[backend]])
        ]

    def named(self, route: Route, models: list[Model]) -> list[Model]:
        """The models of a backend under the names that ``model=`` takes."""
        return [attrs.evolve(model, id=f"{route.backend.name}/{model.id}") for model in models]

    def check(self) -> None:
        """Refuse work after the client was closed."""
        if self.closed:
            raise ClientClosedError

    def close_plugins(self) -> None:
        """Call ``close`` of every plugin, once; the first failure is raised when all were called."""
        failures = [*self._retired.close_all(), *close(self.plan.layers)]
        if failures:
            raise scrub_chain(failures[0])


def _request(
    request: CreateChatCompletionRequest | None, fields: Mapping[str, Any], model: str, *, stream: bool | None
) -> CreateChatCompletionRequest:
    if request is None:
        given = {"model": model, **fields}
        return build_request(given if stream is None else {**given, "stream": stream})
    if not isinstance(request, CreateChatCompletionRequest):
        raise TypeError("expected a CreateChatCompletionRequest, or its fields as keywords")
    if fields:
        raise TypeError(f"a request was given, so {', '.join(sorted(fields))} cannot be given too")
    if stream is None or stream == (request.stream is True):
        return request
    return attrs.evolve(request, stream=stream)


def _check_names(headers: Any) -> None:
    if not isinstance(headers, Mapping) or not all(isinstance(name, str) for name in headers):
        raise TypeError("extra_headers: expected a mapping from names to values")


def _seconds(timeout: float | None) -> float | None:
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0):
        raise ValueError("timeout: expected a number of seconds above 0")
    return timeout


def answered(engine: Engine) -> CreateChatCompletionResponse:
    """The response of a call that is done, which tells of the call; or raises what went wrong."""
    from jackfield.models.response import attach_call

    response: CreateChatCompletionResponse = engine.result()
    if response.call is not None and response.call is not engine.call:
        response = copy.copy(response)  # a cache may give one answer to many calls
    attach_call(response, engine.call)
    return response


def hurry(engine: Engine) -> None:
    """Give what is left of a call, whose answer is whole, little time: the host wants no more of it."""
    call = engine.call
    call.deadline = min(call.deadline, call.clock() + FINISH)


def interrupted(engine: Engine) -> None:
    """Raise what took a call down and is no failure of it, ``KeyboardInterrupt`` say; nothing where nothing did."""
    error = engine.error
    if error is not None and not isinstance(error, Exception):
        raise error
