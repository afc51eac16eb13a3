"""Service: whether a backend answers, through its own layers, as a call would go."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.chat_stream import run
from jackfield.checkup.row import Row
from jackfield.checkup.verdict import answer_row, call_row, clock_row, skew
from jackfield.config.resolve import resolve
from jackfield.config.settings import Settings
from jackfield.drivers.live import Live
from jackfield.drivers.sync import SyncDriver
from jackfield.engine import Engine
from jackfield.errors import ConfigError, PluginError
from jackfield.flow import Effect, Flow
from jackfield.http import HttpRequest, HttpResponse
from jackfield.plan import Layer, Plan, Route
from jackfield.wire import build_request

QUESTION = [{"role": "user", "content": "Hello"}]


@attrs.define(eq=False)
class Watch:
    """A layer that sees the dates of the answers.

    Attributes:
        skew: seconds by which this machine's clock is ahead of the last answer's.
    """

    skew: float | None = None

    def wrap_http(self, http_request: HttpRequest, _: Call) -> Flow[HttpResponse]:
        """Send the request, and look at the answer's date."""
        sent = time.time()
        response: HttpResponse = yield http_request
        self.skew = skew(response.header("date"), (sent + time.time()) / 2)
        return response


def look_at_answer(
    about: str, plan: Plan, route: Route, driver: SyncDriver, seconds: float
) -> Generator[Row, None, bool]:
    """Ask a backend for its models; rows of its answer and of its clock. Whether a call may go well."""
    if "list_models" not in route.provider.hooks:
        yield Row(about, "http", "skipped", "its provider has no way to ask for models")
        return True
    watch = Watch()
    layer = Layer("checkup", watch, "jackfield", {"wrap_http": watch.wrap_http})
    seen = attrs.evolve(route, http=(*route.http, layer))
    engine = Engine(plan, Call(clock=time.monotonic, model="", timeout=seconds))
    models, error = _outcome(driver, engine, lambda: engine.begin_models(seen))
    if isinstance(error, PluginError) and "does not implement encode_models" in error.message:
        yield Row(about, "http", "skipped", "its provider has no way to ask for models")
        return True
    origin = route.backend.origin
    in_clear = origin is not None and origin.scheme == "http"
    row = answer_row(about, error, len(models or ()), in_clear=in_clear)
    yield row
    if row.status != "failed" or watch.skew is not None:
        yield clock_row(about, watch.skew)
    return row.status != "failed"


def look_at_call(about: str, model: str, plan: Plan, route: Route, driver: SyncDriver, seconds: float) -> Row:
    """Ask a model for one token."""
    plan = attrs.evolve(plan, route=lambda _: (route, model))
    request = build_request({"model": f"{about}/{model}", "messages": QUESTION, "max_completion_tokens": 1})
    engine = Engine(plan, Call(clock=time.monotonic, model=request.model, timeout=seconds))
    _, error = _outcome(driver, engine, lambda: engine.begin_chat(request))
    return call_row(about, model, error)


def _outcome(driver: SyncDriver, engine: Engine, move: Callable[[], Effect | None]) -> tuple[Any, Exception | None]:
    try:
        run(driver, Live(engine), move)
        return engine.result(), None
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything, which is a finding too
        return None, error


def model_of(settings: Settings, backend: str, wanted: str | None) -> str | None:
    """The model of a backend that a configuration names first; None where it names none.

    Args:
        settings: the configuration.
        backend: its name.
        wanted: a model that was asked for, instead.
    """
    names = [wanted] if wanted is not None else [settings.default_model, *settings.models]
    for name in filter(None, names):
        try:
            found, model = resolve(settings, name)
        except ConfigError:
            continue
        if found == backend:
            return model
    return None
