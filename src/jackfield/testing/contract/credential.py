"""Credential: the layer by which the kit gives a provider's requests a key, without any other distribution."""

from __future__ import annotations

import attrs

from jackfield.call import Call
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse
from jackfield.secret import Secret


@attrs.define(eq=False)
class Credential:
    """Set a header with a key on the requests of the backend.

    Attributes:
        token: where the key is.
        header: name of the header.
        prefix: stands before the key.
    """

    token: Secret
    header: str = "authorization"
    prefix: str = "Bearer "

    @hookimpl
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Set the header where the request goes to the origin of its backend."""
        backend = call.backend
        if backend is not None and http_request.origin == backend.origin:
            key = yield from self.token.reveal()
            http_request = http_request.with_headers({self.header: f"{self.prefix}{key}"})
        response: HttpResponse = yield http_request
        return response
