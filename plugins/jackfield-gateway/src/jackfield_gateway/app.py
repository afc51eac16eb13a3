"""App: the routes, and what is answered where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route, Router

from jackfield_gateway import inspector, metrics, models, openapi, pages, stored
from jackfield_gateway.chat import chat
from jackfield_gateway.endpoint import Endpoint, Streaming
from jackfield_gateway.outbound import Reply
from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.endpoint import Access, Handler
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound, Receive, Scope, Send

CHAT = "/v1/chat/completions"
HANDLERS: tuple[tuple[str, str, Handler, Access], ...] = (
    ("GET", CHAT, stored.list_completions, "key"),
    ("GET", CHAT + "/{id}", stored.retrieve, "key"),
    ("POST", CHAT + "/{id}", stored.update, "key"),
    ("DELETE", CHAT + "/{id}", stored.delete, "key"),
    ("GET", CHAT + "/{id}/messages", stored.messages, "key"),
    ("GET", "/v1/models", models.list_models, "key"),
    ("GET", "/v1/models/{model:path}", models.retrieve_model, "key"),
    ("GET", "/openapi.json", openapi.describe, "open"),
    ("GET", "/metrics", metrics.expose, "inspect"),
    ("GET", "/inspector/about", inspector.about, "inspect"),
    ("GET", "/inspector/calls", inspector.calls, "inspect"),
    ("GET", "/inspector/calls/{id}", inspector.call, "inspect"),
)
PREFLIGHT_AGE = "600"
"""Seconds for which a browser may remember that it may ask."""


class Methods:
    """One path, with an endpoint for each method. Others are told which there are. RFC 9110, section 15.5.6."""

    def __init__(self, gateway: Gateway, path: str, endpoints: dict[str, Streaming]) -> None:
        self._endpoints = endpoints
        if "GET" in endpoints:
            self._endpoints = {**endpoints, "HEAD": endpoints["GET"]}
        self._other = Endpoint(gateway, self._refuse, "open", path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._endpoints.get(scope["method"], self._other)(scope, receive, send)

    async def _refuse(self, gateway: Gateway, inbound: Inbound) -> Reply:
        allow = ", ".join(sorted({*self._endpoints, "OPTIONS"}))
        if inbound.method == "OPTIONS":
            return Reply(b"", 204, headers={"allow": allow, **_preflight(gateway, inbound, allow)})
        raise Refusal(405, f"expected {allow}", code="method_not_allowed", headers={"allow": allow})


def routed(gateway: Gateway) -> Router:
    """The ASGI application of a gateway; the way that is taken most often stands first.

    A bare router: each endpoint answers its own failures, so that the layers of an application would only cost time.
    """
    paths: dict[str, dict[str, Streaming]] = {CHAT: {"POST": Streaming(gateway, chat, "key", CHAT)}}
    for method, path, handler, access in HANDLERS:
        paths.setdefault(path, {})[method] = Endpoint(gateway, handler, access, path)
    paths["/inspector/live"] = {"GET": Streaming(gateway, inspector.live, "inspect", "/inspector/live")}
    paths["/healthz"] = {"GET": Endpoint(gateway, _healthy, "open", "/healthz")}
    paths["/readyz"] = {"GET": Endpoint(gateway, _ready, "open", "/readyz")}
    if gateway.settings.page:
        paths["/"] = {"GET": Endpoint(gateway, pages.index, "open", "/")}
        paths["/page/{name}"] = {"GET": Endpoint(gateway, pages.asset, "open", "/page/{name}")}
    routes = [Route(path, _Any(Methods(gateway, path, found))) for path, found in paths.items()]
    # As the default: a route for all the rest would leave out paths with a line feed.
    return Router(routes, redirect_slashes=False, default=_nowhere(gateway))


class _Any:
    """An ASGI application as the end of a route, for all methods: an instance, since a function would be called."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _nowhere(gateway: Gateway) -> Endpoint:
    async def refuse(_: Gateway, inbound: Inbound) -> Reply:
        raise Refusal(404, f"there is no {inbound.method} {inbound.scope['path']}"[:300], code="unknown_url")

    return Endpoint(gateway, refuse, "open", "other")


async def _healthy(_: Gateway, __: Inbound) -> Reply:
    return Reply(b'{"status":"ok"}')


async def _ready(gateway: Gateway, _: Inbound) -> Reply:
    """Whether it takes requests: 503 while it drains, or where the store takes nothing. Raises ``StoreError``."""
    if gateway.draining:
        return Reply(b'{"status":"draining"}', 503)
    await gateway.health.check()
    return Reply(b'{"status":"ready"}')


def _preflight(gateway: Gateway, inbound: Inbound, allow: str) -> dict[str, str]:
    if gateway.guard.allowed_origin(inbound) is None:
        return {}
    return {
        "access-control-allow-methods": allow,
        "access-control-allow-headers": inbound.headers.get("access-control-request-headers", ""),
        "access-control-max-age": PREFLIGHT_AGE,
    }
