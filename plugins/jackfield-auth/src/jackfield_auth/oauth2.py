"""OAuth2: a token by client credentials, fetched by effects, kept, and fetched once for all who wait for it."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import quote_plus, urlencode

import attrs

from jackfield.call import Call
from jackfield.errors import APIError, ConfigError
from jackfield.flow import Acquire, Flow, Read, Send
from jackfield.gate import Gate
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse, split_url
from jackfield.redaction import remember
from jackfield.secret import Secret
from jackfield_auth.binding import check_bound, check_secure, secret, text
from jackfield_auth.token import Token, read_token, refused

RESERVED = frozenset({"grant_type", "client_id", "client_secret", "scope", "audience"})


def _token_url(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    try:
        check_secure(split_url(value)[0])
    except (ConfigError, TypeError, AttributeError) as error:
        reason = str(error) if isinstance(error, ConfigError) else "not a text"
        if not reason.startswith("expected"):
            reason = f"expected the https URL of a token endpoint: {reason}"
        raise ValueError(f"{attribute.name}: {reason}") from None


def _way(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value not in {"basic", "body"}:
        raise ValueError(f"{attribute.name}: expected basic or body")


def _parameters(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    fits = isinstance(value, Mapping) and all(isinstance(word, str) for pair in value.items() for word in pair)
    if not fits or not RESERVED.isdisjoint(value):
        raise ValueError(f"{attribute.name}: expected a table of texts, without {', '.join(sorted(RESERVED))}")


@attrs.define(eq=False)
class OAuth2:
    """Fetch an access token by OAuth 2 client credentials (RFC 6749, section 4.4) and send it, to this backend only.

    The token is kept until shortly before it expires and fetched once for all calls that wait for it. Where the
    backend answers 401 another one is fetched, and the request is sent once more.

    Attributes:
        token_url: of the token endpoint; https, or this machine itself.
        client_id: as registered there.
        client_secret: a reference to the client's secret.
        scope: what to ask for, separated by spaces.
        audience: for whom, where the endpoint wants to know.
        client_auth: ``basic`` sends id and secret in the Authorization header, ``body`` in the form.
        parameters: further fields of the form.
    """

    backend_only: ClassVar[bool] = True
    secure_only: ClassVar[bool] = True

    token_url: str = attrs.field(validator=_token_url)
    client_id: str = attrs.field(validator=text)
    client_secret: Secret = attrs.field(validator=secret)
    scope: str | None = attrs.field(default=None, validator=attrs.validators.optional(text))
    audience: str | None = attrs.field(default=None, validator=attrs.validators.optional(text))
    client_auth: Literal["basic", "body"] = attrs.field(default="basic", validator=_way)
    parameters: dict[str, str] = attrs.field(factory=dict, validator=_parameters, repr=False)
    _gate: Gate = attrs.field(init=False, repr=False, factory=lambda: Gate(1))
    _token: Token | None = attrs.field(init=False, repr=False, default=None)
    _fetches: int = attrs.field(init=False, repr=False, default=0)
    _failure: APIError | None = attrs.field(init=False, repr=False, default=None)

    @hookimpl
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Send the request with a token.

        Raises:
            ConfigError: the request goes to another origin or in clear, or the secret cannot be read.
            AuthenticationError: the token endpoint refuses the client.
            APIError: it fails in another way.
        """
        check_bound(http_request, call)
        token = yield from self._current(call, refused=None)
        response: HttpResponse = yield _with_token(http_request, token)
        if response.status != 401:
            return response
        # Its connection may be the only one, and needed to fetch a token: where a gateway brings its own endpoint.
        response.body.release()
        another = yield from self._current(call, refused=token)
        again: HttpResponse = yield _with_token(http_request, another)
        return again

    def _current(self, call: Call, refused: Token | None) -> Flow[Token]:
        """A token to be used, but not the one that was refused."""
        token = self._usable(call, refused)
        if token is not None:
            return token
        fetches = self._fetches
        yield Acquire(self._gate)
        try:
            token = self._usable(call, refused)
            if token is not None:
                return token
            if fetches != self._fetches and self._failure is not None:
                raise copy.copy(self._failure)  # of the fetch that this call has waited for
            return (yield from self._fetch(call))
        finally:
            self._gate.release()

    def _usable(self, call: Call, refused: Token | None) -> Token | None:
        token = self._token
        return None if token is None or token is refused or call.clock() >= token.fresh_until else token

    def _fetch(self, call: Call) -> Flow[Token]:
        """Ask for a token; only who has entered the gate comes here."""
        self._token = self._failure = None
        try:
            self._token = yield from self._ask(call)
        except APIError as error:
            self._failure = copy.copy(error)
            raise
        finally:
            self._fetches += 1
        return self._token

    def _ask(self, call: Call) -> Flow[Token]:
        client_secret = yield from self.client_secret.reveal()
        asked = call.clock()
        response, body = yield from self._exchange(client_secret)
        if response.status == 401:
            fresh = yield from self.client_secret.reveal(fresh=True)
            if fresh != client_secret:
                response, body = yield from self._exchange(fresh)
        origin = response.request.origin
        if not 200 <= response.status < 300:
            raise refused(response, body, origin)
        return read_token(body, asked, origin)

    def _exchange(self, client_secret: str) -> Flow[tuple[HttpResponse, bytes]]:
        try:
            response: HttpResponse = yield Send(self._form(client_secret))
            body: bytes = yield Read(response, whole=True)
        except APIError as error:
            error.stage = "not_sent"  # whatever became of this exchange, the request itself was not sent
            raise
        return response, body

    def _form(self, client_secret: str) -> HttpRequest:
        form = {"grant_type": "client_credentials"}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if self.client_auth == "body":
            form |= {"client_id": self.client_id, "client_secret": client_secret}
        else:  # RFC 6749, section 2.3.1: each part is form-encoded before it is joined
            pair = f"{quote_plus(self.client_id)}:{quote_plus(client_secret)}"
            credentials = base64.b64encode(pair.encode()).decode()
            remember(credentials)
            headers["authorization"] = f"Basic {credentials}"
        if self.scope is not None:
            form["scope"] = self.scope
        if self.audience is not None:
            form["audience"] = self.audience
        return HttpRequest("POST", self.token_url, headers, urlencode(form | self.parameters).encode())


def _with_token(http_request: HttpRequest, token: Token) -> HttpRequest:
    return http_request.with_headers({"authorization": f"Bearer {token.value}"})
