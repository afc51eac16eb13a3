"""Rehearsal: how far a call comes before something is sent; nothing is, and no secret is read."""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import attrs
import msgspec

from jackfield.call import Call
from jackfield.config.show import safe
from jackfield.engine import Engine
from jackfield.errors import JackfieldError
from jackfield.explain.views import HttpView, Rehearsal
from jackfield.flow import Acquire, Effect, Send
from jackfield.plan import Plan, Route
from jackfield.redaction import scrub
from jackfield.secret import SOURCES, Secret

if TYPE_CHECKING:
    from jackfield.http import HttpRequest
    from jackfield.models.request import CreateChatCompletionRequest

_NAMES = "|".join(SOURCES)
_PLACE = re.compile(rf"<(?:{_NAMES}):[^>]*>|<value>")
"""What a ``Reference`` reads as."""
_ENCODED = re.compile(rf"%3C(?:(?:{_NAMES})%3A[^&\s]*?|value)%3E")
"""The same, percent-encoded."""
LOCAL = "the backend answers in this process: nothing is sent"


class Reference(Secret):
    """Stands for a secret: its value is its reference, in angle brackets."""

    __slots__ = ()

    def __init__(self, secret: Secret) -> None:
        super().__init__("env:value")
        self.reference = secret.reference

    def reveal(self, *, fresh: bool = False) -> Generator[Any, Any, str]:  # noqa: ARG002 - as in the class above
        """Flow: the reference."""
        yield from ()
        return self.read()

    def read(self) -> str:
        """The reference."""
        return f"<{self.reference}>"


def rehearse(route: Route, request: CreateChatCompletionRequest) -> Rehearsal:
    """What a backend would be sent for a request. Its plugins are changed: they know no secrets afterwards.

    Args:
        route: a backend with its layers, of a plan that no call follows.
        request: with the backend's own model name.
    """
    if route.backend.origin is None:
        return Rehearsal(note=LOCAL)
    for layer in (route.provider, *route.http):
        _forget(layer.plugin)
    begun = _begin(route, request)
    if begun.http is not None and not begun.own:
        return Rehearsal(begun.http, dropped=begun.dropped)
    bare = _begin(attrs.evolve(route, http=()), request)
    if begun.own:
        note = "a layer asks something else first; what it adds to the request is not shown"
        return Rehearsal(bare.http, begun.http, note, bare.dropped)
    missing = "" if bare.http is None else ": what layers add to the request is not shown"
    return Rehearsal(bare.http, None, f"{begun.note}{missing}", bare.dropped)


class _Begun(NamedTuple):
    """How far a call came: the first request, whether it is a layer's own, why there is none, and what is left out."""

    http: HttpView | None
    own: bool
    note: str | None
    dropped: tuple[str, ...]


def _begin(route: Route, request: CreateChatCompletionRequest) -> _Begun:
    plan = Plan(chat=(), chunk=(), route=lambda _: (attrs.evolve(route, chat=()), request.model))
    engine = Engine(plan, Call(clock=time.monotonic, model=request.model, stream=request.stream is True))
    effect = engine.begin_chat(request)
    while isinstance(effect, Acquire):
        effect.gate.line_up(_ignore)
        effect = engine.step(None)
    own = not any(attempt.exchanges for attempt in engine.call.attempts)
    note = _why(engine, effect)
    dropped = tuple(name for attempt in engine.call.attempts for name in attempt.dropped)
    engine.cancel()
    if isinstance(effect, Send):
        return _Begun(_view(effect.request), own, None, dropped)
    return _Begun(None, own=False, note=note, dropped=dropped)


def _ignore() -> None:
    """Of a gate that no one else waits at: it is entered at once."""


def _why(engine: Engine, effect: Effect | None) -> str:
    if effect is not None:
        return f"a layer wants to {type(effect).__name__} first, which is not done here"
    error = engine.error
    text = error.message if isinstance(error, JackfieldError) else scrub(str(error))
    return f"{type(error).__name__}: {text}" if error is not None else "a layer answers by itself"


def _view(http_request: HttpRequest) -> HttpView:
    headers = {name: _header(value) for name, value in http_request.headers.items()}
    return HttpView(http_request.method, safe(http_request.url, hide=False), headers, _body(http_request.body))


def _header(value: str) -> str:
    """A header: masked as a setting would be, but for what has the place of a secret in it.

    User and password of ``Basic`` (RFC 7617) that are such places are shown as they were before they were encoded.
    """
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic":
        with suppress(ValueError):  # it is none
            decoded = _decoded(b64decode(rest, validate=True).decode())
            value = f"{scheme} {decoded}" if _PLACE.search(decoded) else value
    return scrub(value) if _PLACE.search(value) else str(safe(value, hide=False))


def _decoded(text: str) -> str:
    """The text with references as they were before they were percent-encoded."""
    return _ENCODED.sub(lambda found: unquote(found[0]), text)


def _body(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return scrub(_decoded(body.decode("utf-8", "replace")))


def _forget(plugin: Any) -> None:
    """Put references in the place of the secrets that a plugin holds."""
    for field in attrs.fields(type(plugin)):
        value = getattr(plugin, field.name, None)
        other = _by_reference(value)
        if other is not value:
            object.__setattr__(plugin, field.name, other)


def _by_reference(value: Any) -> Any:
    if isinstance(value, Secret):
        return Reference(value)
    if isinstance(value, Mapping) and any(isinstance(item, Secret) for item in value.values()):
        return {name: _by_reference(item) for name, item in value.items()}
    if isinstance(value, list | tuple) and any(isinstance(item, Secret) for item in value):
        return type(value)([_by_reference(item) for item in value])
    return value
