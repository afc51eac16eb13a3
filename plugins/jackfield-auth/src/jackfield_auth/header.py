"""Header and Bearer: a secret in a header, read again once where the backend refuses it."""

from __future__ import annotations

from typing import ClassVar

import attrs

from jackfield.call import Call
from jackfield.errors import ConfigError
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse
from jackfield.secret import Secret
from jackfield_auth.binding import check_bound, header_name, header_text, secret


@attrs.define(eq=False)
class Bearer:
    """Send a token as ``Authorization: Bearer …`` (RFC 6750), to this backend only.

    Where the backend answers 401 the token is read again; if it has changed, the request is sent once more.

    Attributes:
        token: a reference to the token.
    """

    backend_only: ClassVar[bool] = True
    secure_only: ClassVar[bool] = True

    token: Secret = attrs.field(validator=secret)

    @hookimpl
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Send the request with the token.

        Raises:
            ConfigError: the request goes to another origin or in clear, or the token cannot be read.
        """
        return _send(http_request, call, "authorization", "Bearer ", self.token)


@attrs.define(eq=False)
class Header:
    """Send a secret in a header of any name, to this backend only.

    Where the backend answers 401 the secret is read again; if it has changed, the request is sent once more.

    Attributes:
        name: of the header.
        value: a reference to the secret.
        prefix: stands before the secret, with the space between them if there is to be one.
    """

    backend_only: ClassVar[bool] = True
    secure_only: ClassVar[bool] = True

    name: str = attrs.field(validator=header_name)
    value: Secret = attrs.field(validator=secret)
    prefix: str = attrs.field(default="", validator=header_text)

    @hookimpl
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Send the request with the secret.

        Raises:
            ConfigError: the request goes to another origin or in clear, or the secret cannot be read.
        """
        return _send(http_request, call, self.name.lower(), self.prefix, self.value)


def _send(http_request: HttpRequest, call: Call, name: str, prefix: str, value: Secret) -> Flow[HttpResponse]:
    check_bound(http_request, call)
    sent = yield from value.reveal()
    response: HttpResponse = yield http_request.with_headers({name: prefix + sent})
    if response.status != 401:
        return response
    changed = yield from _changed(value, sent)
    if changed is None:
        return response
    response.body.release()  # its connection is needed now
    again: HttpResponse = yield http_request.with_headers({name: prefix + changed})
    return again


def _changed(value: Secret, sent: str) -> Flow[str | None]:
    """Another value than the one that was sent, or None. Another call may have read it already."""
    known = yield from value.reveal()
    if known != sent:
        return known
    try:
        fresh = yield from value.reveal(fresh=True)
    except ConfigError:
        return None  # the backend's own answer tells more than a source that is gone
    return None if fresh == sent else fresh
