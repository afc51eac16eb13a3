"""Faults that a status tells of: errors in every shape, waits in every form, redirects, a key that comes back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import quote

from jackfield.errors import APIError, APIStatusError, AuthenticationError, UnexpectedRedirectError
from jackfield.testing.faults.answer import RawAnswer
from jackfield.testing.faults.catalogue import Exchange, fault

NOW = 1_800_000_000
"""The server's own clock, which is far from anyone else's: a date in Retry-After counts from it."""
STATUS = (APIStatusError,)
BODIES: dict[str, Callable[[bytes], tuple[str, bytes]]] = {
    "error": lambda error: ("application/json", error),
    "empty": lambda _: ("application/json", b""),
    "html": lambda _: ("text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "text": lambda _: ("text/plain", b"upstream connect error"),
    "list": lambda error: ("application/json", b"[" + error + b"]"),
    "string": lambda _: ("application/json", b'"overloaded"'),
    "number": lambda _: ("application/json", b"42"),
    "null": lambda _: ("application/json", b"null"),
    "string-error": lambda _: ("application/json", b'{"error": "overloaded"}'),
    "detail": lambda _: ("application/json", b'{"detail": [{"loc": ["body", "model"], "msg": "field required"}]}'),
    "broken": lambda error: ("application/json", error[:-5]),
    "large": lambda _: ("text/html", b"<p>" + b"overloaded " * 100_000),
    "binary": lambda _: ("application/octet-stream", bytes(range(256))),
}
"""Bodies of failures, by name: their content type and bytes, made of the dialect's error."""


@fault(
    "status",
    "fails with the status `code`; waits in any form; a body of any shape",
    whole=STATUS,
    stream=STATUS,
    code="500",
    body="error",
    message="the fault server was told to fail",
    retry_after="",
    retry_after_ms="",
    x_should_retry="",
)
async def status(x: Exchange) -> None:
    """Fail. ``retry-after=date:30`` sends a date that is 30 seconds after the answer's own."""
    code = int(x.text("code"))
    kind, body = BODIES[x.text("body")](x.dialect.error(code, x.text("message")))
    headers = {"content-type": kind, "date": formatdate(NOW, usegmt=True), **x.ids}
    for name in ("retry-after", "retry-after-ms", "x-should-retry"):
        if x.text(name):
            headers[name] = _wait(x.text(name))
    await x.refuse(RawAnswer([body], code, headers))


@fault(
    "redirect",
    "redirects with the status `code` to the `same` door, to the `other` one, or from https to http (`plain`)",
    whole=(UnexpectedRedirectError,),
    stream=(UnexpectedRedirectError,),
    code="302",
    to="other",
)
async def redirect(x: Exchange) -> None:
    """Send the client elsewhere, with its prompt and its key."""
    door = {"same": x.received.door, "other": "other", "plain": "plain"}[x.text("to")]
    location = x.urls(door).removesuffix("/v1") + x.received.target
    await x.refuse(RawAnswer([b""], int(x.text("code")), {"location": location}))


@fault(
    "echo-key",
    "fails with the status `code` and gives the client's own key back, as `form` says",
    whole=STATUS,
    stream=STATUS,
    code="401",
    form="plain",
)
async def echo_key(x: Exchange) -> None:
    """Repeat what no one should."""
    key = (x.received.keys or ("no key",))[0]
    told = FORMS[x.text("form")](key)
    code = int(x.text("code"))
    body = x.dialect.error(code, "TOLD").replace(b"TOLD", told.encode("latin-1"))
    headers = {"content-type": "application/json", "x-request-id": told, "x-echo": told}
    if x.text("form") == "split":
        headers = {"content-type": "application/json"}  # a line break ends a header
    await x.refuse(RawAnswer([body], code, headers))


@fault(
    "echo-head",
    "answers nothing, and gives the client's own key back in its head, as `place` says: type, coding, location or name",
    whole=(APIError,),
    stream=(APIError,),
    place="type",
)
async def echo_head(x: Exchange) -> None:
    """Repeat it where a client may take words apart, or write them in another way, before it shows them."""
    key = (x.received.keys or ("no-key",))[0].rpartition(" ")[2]
    code, name, value = PLACES[x.text("place")](key)
    await x.refuse(RawAnswer([b"nothing"], code, {name: value}))


PLACES: dict[str, Callable[[str], tuple[int, str, str]]] = {
    "type": lambda key: (200, "content-type", f"text/{key}"),
    "coding": lambda key: (200, "content-encoding", key),
    "location": lambda key: (302, "location", f"https://{key}.example/"),
    "name": lambda key: (500, key, "here"),
}
"""Places in a head where a key may come back, by name: the status, and the name and the value of a header."""
FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda key: f"Incorrect key provided: {key}".replace('"', "'"),
    "url": lambda key: quote(key, safe=""),
    "base64": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "json": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "split": lambda key: f"key {key[:12]}\\n{key[12:]} is wrong",
}
"""Ways of repeating a key, by name."""


@fault(
    "unauthorised", "fails with 401 unless the credential is `key`", whole=(AuthenticationError,), stream=STATUS, key=""
)
async def unauthorised(x: Exchange) -> None:
    """Ask for a credential."""
    if x.text("key") and any(key.endswith(x.text("key")) for key in x.received.keys):
        await x.send(x.good().whole)
        return
    headers = {"content-type": "application/json", "www-authenticate": 'Bearer realm="faults"'}
    await x.refuse(RawAnswer([x.dialect.error(401, "no credential")], 401, headers))


def _wait(value: str) -> str:
    if not value.startswith("date:"):
        return value
    return formatdate(NOW + float(value.removeprefix("date:")), usegmt=True)
