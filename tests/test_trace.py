"""Trace: what each layer of a call took, for who shows where the time went."""

# mypy: allow-untyped-defs, allow-incomplete-defs

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

import fakeserver
from both import Async, Sync, config
from fakeserver import Server, answer, reply
from jackfield import hookimpl
from jackfield.errors import RateLimitError


@attrs.define(eq=False)
class Tracing:
    """Asks for a trace, and keeps the calls."""

    calls: Any

    @hookimpl
    def wrap_chat_completion(self, request, call):
        call.trace = []
        self.calls.append(call)
        return (yield request)


@attrs.define(eq=False)
class Again:
    """Asks once more where it failed."""

    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except RateLimitError:
            return (yield request)

    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield http_request)


@pytest.fixture
def server() -> Iterator[Server]:
    with fakeserver.serving(answer) as server:
        yield server


@pytest.mark.parametrize("kind", [Sync, Async])
@pytest.mark.parametrize("stream", [False, True])
def test_each_passage_of_a_layer_is_one_span(server: Server, kind: Any, stream: bool) -> None:
    """Those inside lie within those outside; a failed attempt has the name of its error, the next one a span of its own."""
    calls: list[Any] = []
    limited = iter([True])

    def script(exchange: Any) -> Any:
        return exchange.send(reply({}, "429 No")) if next(limited, False) else answer(exchange)

    server.script = script
    layers = [{"use": "tracing", "calls": calls}, {"use": "again"}]
    inner = {"middleware": [{"use": "passing"}]}
    mode = kind(
        config(server, middleware=layers, backend=inner), {"tracing": Tracing, "again": Again, "passing": Again}
    )
    assert (mode.stream().text() if stream else mode.call()) is not None
    mode.close()
    mode.end()

    (call,) = calls
    assert [(span.kind, span.name, span.backend, span.attempt, span.outcome) for span in call.trace] == [
        ("chat", "again#1", "", 0, "success"),
        ("chat", "passing#2", "main", 0, "success"),
        ("provider", "openai", "main", 1, "RateLimitError"),
        ("http", "again#1", "", 1, "success"),
        ("http", "passing#2", "main", 1, "success"),
        ("provider", "openai", "main", 2, "success"),
        ("http", "again#1", "", 2, "success"),
        ("http", "passing#2", "main", 2, "success"),
    ]
    outer, *inside = call.trace
    assert all(outer.started <= span.started <= span.ended <= outer.ended for span in inside)
    assert outer.ended <= call.elapsed


def test_without_a_wish_nothing_is_taken_down(server: Server) -> None:
    """No list, no spans."""
    mode = Sync(config(server))
    assert mode.call().call.trace is None
    mode.close()


def test_what_has_not_ended_says_so(server: Server) -> None:
    """A stream that is open; once it is closed, that it was cancelled."""
    calls: list[Any] = []
    server.script, _ = fakeserver.stuck_after(fakeserver.event("a"))
    mode = Sync(config(server, middleware=[{"use": "tracing", "calls": calls}]), {"tracing": Tracing})
    stream = mode.stream()
    (span,) = calls[0].trace
    assert (span.kind, span.ended, span.outcome) == ("provider", None, "")
    stream.close()
    assert span.outcome == "CallCancelled"
    assert span.ended >= span.started
    mode.close()
