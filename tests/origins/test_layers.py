"""A layer that moves a request to another origin takes no credential along."""

from __future__ import annotations

import traceback
from typing import Any

import attrs
import pytest

import jackfield
from both import settings
from jackfield import HttpRequest, hookimpl


def detour(url: str) -> type:
    """A middleware that sends every request elsewhere: by mistake, or on purpose."""

    @attrs.define(eq=False)
    class Detour:
        @hookimpl
        def wrap_http(self, http_request: HttpRequest) -> Any:
            return (yield attrs.evolve(http_request, url=url + http_request.target))

    return Detour


@pytest.mark.parametrize("place", ["host", "outside", "inside"])
def test_a_request_that_was_moved_has_no_credential(opened, server, canary, credential, place) -> None:
    """Around all backends, around the auth layer or within it: nothing is sent, and the error names both origins."""
    own = list(credential.backend.get("middleware", []))
    layers = {"host": own, "outside": [{"use": "detour"}, *own], "inside": [*own, {"use": "detour"}]}[place]
    configuration = settings(
        server.url + credential.query,
        backend={**credential.backend, "middleware": layers},
        middleware=[{"use": "detour"}] if place == "host" else [],
    )
    elsewhere = canary.url.removesuffix("/v1")
    mode = opened(configuration, {"detour": detour(elsewhere)})

    for ask in (mode.call, mode.stream):
        with pytest.raises(jackfield.ConfigError) as caught:
            ask(**credential.fields)
        text = str(caught.value)
        assert f"must not be sent to {elsewhere}" in text
        assert f"backend main at http://127.0.0.1:{server.port}" in text
        assert credential.value not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))

    assert (len(server.exchanges), canary.accepted) == (0, 0)


def test_a_request_without_a_credential_may_be_moved(opened, server, canary) -> None:
    """What a layer may do with a request that holds no secret is its own affair: a mirror, say."""
    mode = opened(settings(server.url, middleware=[{"use": "detour"}]), {"detour": detour(canary.url[:-3])})

    assert mode.call().choices[0].message.content == "hello"
    assert (len(server.exchanges), len(canary.exchanges)) == (0, 1)


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "cookie"])
def test_a_header_that_is_named_like_a_credential_is_one(opened, server, canary, name) -> None:
    """Though no one has told jackfield that its value is secret: a plugin of another's that brings its own key."""

    @attrs.define(eq=False)
    class Own:
        @hookimpl
        def wrap_http(self, http_request: HttpRequest) -> Any:
            return (yield http_request.with_headers({name: "whatever-it-is"}))

    layers = [{"use": "own"}, {"use": "detour"}]
    plugins = {"own": Own, "detour": detour(canary.url[:-3])}
    mode = opened(settings(server.url, backend={"middleware": layers}), plugins)

    with pytest.raises(jackfield.ConfigError, match="must not be sent to"):
        mode.call()

    assert canary.accepted == 0


@pytest.mark.parametrize("url", ["not a url", "http://[::1", "ftp://127.0.0.1/", ""])
def test_a_request_that_was_moved_to_nowhere_is_an_error(opened, server, monkeypatch, url) -> None:
    """The error is the outcome of the layer's request, as any other."""
    monkeypatch.setenv("CANARY", "sk-canary-0123456789")
    layers = [{"use": "bearer", "token": "env:CANARY"}, {"use": "detour"}]
    mode = opened(settings(server.url, backend={"middleware": layers}), {"detour": detour(url)})

    with pytest.raises(jackfield.ConfigError):
        mode.call()

    assert server.accepted == 0
