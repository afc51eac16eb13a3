"""The contract between jackfield and its plugins: the manual for plugin authors.

A plugin is one attrs class, made with ``@attrs.define(eq=False)``. Its attributes are its settings, read from its TOML
table; its methods marked ``@jackfield.hookimpl`` implement some of the hooks below, with any subset of their
arguments in any order. It is published by an entry point in the group ``jackfield.providers`` or
``jackfield.middleware``, whose name is the one used in configuration.

Hooks that say *flow* are generator functions: they yield effects (see ``jackfield.flow``) and return a result. They
never block, sleep or await: the same code serves the sync client, the async client, streams and tests.

One instance serves many calls, threads and tasks at once. Its attributes are settings or guarded by a lock; no lock is
held over a ``yield``. What belongs to one call lives in ``call.state[self]``, what belongs to one attempt in
``attempt.state[self]``.

Order comes from configuration only: ``tryfirst``, ``trylast`` and ``wrapper`` are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.flow import Flow
    from jackfield.http import HttpRequest, HttpResponse
    from jackfield.models.chunks import CreateChatCompletionStreamResponse
    from jackfield.models.models import Model
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.models.response import CreateChatCompletionResponse

PROJECT = "jackfield"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class ProviderSpec:
    """Hooks of a provider: a plugin that answers for one kind of service. Each backend has exactly one."""

    @hookspec(firstresult=True)
    def create_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse | None] | CreateChatCompletionResponse:
        """Answer ``request``: a flow that returns the response, or delivers chunks and returns None.

        Where ``request.stream`` is true, yield ``Deliver(chunks)`` as they arrive, ``Deliver(chunks, last=True)`` with
        the dialect's terminal signal, and return None; end without that signal only by raising
        ``StreamInterruptedError``. Otherwise return the whole response. A provider that needs no effect may be a plain
        function that returns the response. ``Send`` passes through the ``wrap_http`` layers of the backend.

        :param request: with the backend's own model name.
        :param call: the host's call; ``call.attempt`` is the entry in the ledger to be filled in.
        :raises jackfield.APIError: the backend failed. No other library's exception may leave.
        """
        raise AssertionError("a specification is never called")

    @hookspec(firstresult=True)
    def list_models(self, call: Call) -> Flow[list[Model]] | list[Model]:
        """List the models of the backend: a flow that returns them, under the backend's own names.

        :param call: the host's call.
        :raises jackfield.APIError: the backend failed.
        """
        raise AssertionError("a specification is never called")


class MiddlewareSpec:
    """Hooks of a middleware: a plugin around calls. The first in the configuration is outermost."""

    @hookspec
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Stand around a call: a flow that yields the request inward and returns the response.

        ``yield request`` passes it (or a changed copy: requests are immutable) to the next layer and comes back with
        the response, or raises what went wrong; for a stream it comes back when the stream has ended, with the response
        assembled from its chunks. Yield again to try again; do not yield to answer by yourself. Each request passed
        inward has exactly one outcome: a response, an exception, or ``CallCancelled`` where the host left.

        After ``CallCancelled``, after the deadline and, for requests, after ``call.committed`` nothing may be yielded
        any more: clean up in plain code. A middleware of a backend sees the backend's own model name and cannot
        leave it; a middleware of the host sees the name as the host gave it, and each of its requests is routed anew.

        :param request: as the layer outside passed it.
        :param call: the host's call.
        """
        raise AssertionError("a specification is never called")

    @hookspec
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Stand around one HTTP exchange of the provider: a flow that yields the request and returns the response.

        Credentials and signatures belong here: set a header with ``http_request.with_headers``, look at a 401, fetch a
        token by ``yield Send(...)`` (which passes no layers), try once more. ``yield http_request`` comes back when the
        head of the answer has been read. A response may be ``Read`` only if it is not returned; whoever wants to see a
        body as it comes, or has one without a server, returns a response with a ``reader`` (see ``HttpResponse``).

        :param http_request: what the provider, or the layer outside, wants sent.
        :param call: the host's call.
        """
        raise AssertionError("a specification is never called")

    @hookspec
    def on_chunk(
        self, chunk: CreateChatCompletionStreamResponse, call: Call
    ) -> Iterable[CreateChatCompletionStreamResponse] | None:
        """See a chunk before the host does, innermost layer first: None leaves it, an iterable stands in its place.

        An empty iterable drops the chunk. What it raises is raised at the provider's ``Deliver``. A plain function: it
        must not block.

        :param chunk: as the layer inside passed it.
        :param call: the host's call.
        """
        raise AssertionError("a specification is never called")

    @hookspec
    def end_of_stream(self, call: Call) -> Iterable[CreateChatCompletionStreamResponse] | None:
        """Give the last chunks of a layer that held text back, when the provider has ended its stream well.

        They pass through ``on_chunk`` of the layers outside. A plain function.

        :param call: the host's call.
        """
        raise AssertionError("a specification is never called")


class PluginSpec:
    """Hooks of every plugin."""

    @hookspec
    def close(self) -> None:
        """Release what the plugin holds. Called once, when the client closes."""
        raise AssertionError("a specification is never called")


def spec_signature(hook: str) -> Any:
    """The signature of a hook, as an ``inspect.Signature`` without ``self``; for documentation and tests."""
    import inspect

    for group in (ProviderSpec, MiddlewareSpec, PluginSpec):
        if hook in vars(group):
            signature = inspect.signature(vars(group)[hook])
            return signature.replace(parameters=list(signature.parameters.values())[1:])
    raise LookupError(hook)
