"""Middleware that break the contract, each in one way, around HTTP exchanges."""

from __future__ import annotations

import attrs

import jackfield
from broken_flows import plugin
from jackfield import APIConnectionError, HttpRequest, Read, hookimpl


@plugin
class HeaderSetting:
    @hookimpl
    def wrap_http(self, http_request, call):
        http_request.headers["x-mine"] = "1"
        return (yield http_request)


@plugin
class Insistent:
    @hookimpl
    def wrap_http(self, http_request, call):
        response = yield http_request
        while response.status == 401 and len(call.attempts) < 3 and self.again(call):
            response = yield http_request
        return response

    def again(self, call):
        tries = call.state[self] = call.state.get(self, 0) + 1
        return tries < 4


@plugin
class Resending:
    @hookimpl
    def wrap_http(self, http_request, call):
        response = yield http_request
        return response if response.status < 500 else (yield http_request)


@plugin
class Endless:
    @hookimpl
    def wrap_http(self, http_request, call):
        while True:
            response = yield http_request
            if response.status < 500:
                return response


@plugin
class Peeking:
    @hookimpl
    def wrap_http(self, http_request, call):
        response = yield http_request
        if response.status >= 400:
            yield Read(response, whole=True)
        return response


@plugin
class Relabelling:
    @hookimpl
    def wrap_http(self, http_request, call):
        response = yield http_request

        def reader(effect):
            return (yield attrs.evolve(effect, response=response))

        return jackfield.HttpResponse(response.status, {}, response.request, response.body, reader)


@plugin
class Throttling:
    @hookimpl
    def wrap_http(self, http_request, call):
        response = yield http_request
        if response.status == 429:
            response.body.release()
        return response


@plugin
class Unwired:
    @hookimpl
    def wrap_http(self, http_request, call):
        try:
            return (yield http_request)
        except OSError:
            raise
        except Exception as error:
            raise OSError(str(error)) from None


@plugin
class Rerouting:
    @hookimpl
    def wrap_http(self, http_request, call):
        shorter = HttpRequest(http_request.method, http_request.url, {"x-mine": "1"}, http_request.body)
        return (yield shorter)


@plugin
class Retyping:
    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield http_request.with_headers({"content-type": "text/plain"}))


@plugin
class Agent:
    @hookimpl
    def wrap_http(self, http_request, call):
        headers = {"user-agent": "agent/1", "content-type": "application/json"}
        return (yield attrs.evolve(http_request, headers=headers))


@plugin
class Forging:
    @hookimpl
    def wrap_http(self, http_request, call):
        response = yield http_request
        return response if response.status < 300 else attrs.evolve(response, status=200)


@plugin
class Repeating:
    @hookimpl
    def wrap_http(self, http_request, call):
        try:
            return (yield http_request)
        except APIConnectionError:
            return (yield http_request)


@plugin
class Emptying:
    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield attrs.evolve(http_request, body=b""))


@plugin
class Diverting:
    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield attrs.evolve(http_request, url="https://mirror.example/v1"))


@plugin
class Replacing:
    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield jackfield.Send(attrs.evolve(http_request, url="https://mirror.example/v1")))


@plugin
class Releasing:
    @hookimpl
    def wrap_http(self, http_request, call):
        response = yield http_request
        response.body.release()
        return response


@plugin
class Getting:
    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield attrs.evolve(http_request, method="GET"))
