"""Service: what the settings and requests of every provider that speaks HTTP have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote

import attrs

from jackfield.errors import BadRequestError, ConfigError
from jackfield.http import split_url
from jackfield.redaction import scrub
from jackfield.sensitive import SENSITIVE, remember_credentials


def is_url(_: Any, attribute: attrs.Attribute[str], value: str) -> None:
    """Validator of a ``base_url``: an absolute http or https URL, which may have a query.

    Raises:
        ValueError: it is none, carries user or password, or has a fragment; what it was is not repeated.
    """
    try:
        split_url(value)
    except ConfigError as error:
        raise ValueError(f"{attribute.name}: {error}") from None
    if "#" in value:
        raise ValueError(f"{attribute.name}: expected a URL without # and what follows it")


def is_base(*added: str) -> Callable[[Any, attrs.Attribute[str], str], None]:
    """A validator of a ``base_url``, as ``is_url``, which does not end with what the provider adds to it.

    Who copies a whole address out of a service's documentation would be told by its status 404 only.

    Args:
        added: ends that it must not have, as ``/messages``; name none that a service's own path may have.
    """

    def check(instance: Any, attribute: attrs.Attribute[str], value: str) -> None:
        is_url(instance, attribute, value)
        path = value.partition("?")[0].rstrip("/")
        for end in added:
            if path.endswith(end):
                raise ValueError(f"{attribute.name}: expected a URL without {end} at its end, which is added to it")

    return check


def no_credential(_: Any, attribute: attrs.Attribute[dict[str, str]], value: dict[str, str]) -> None:
    """Validator of plain headers: none of them is one that carries a credential.

    In the settings it would be sent to any origin, in clear, and stand in the file.

    Raises:
        ValueError: one is; its value is not repeated.
    """
    for name in value:
        if name.lower() in SENSITIVE:
            raise ValueError(f"{attribute.name}: {name} is a credential: use the middleware bearer or header")


def scrubbed(text: str) -> str:
    """``repr`` of a setting that may hold a secret, such as a URL with a key in its query."""
    return repr(scrub(text))


def remember_plain(base_url: str, headers: Mapping[str, str]) -> None:
    """Have credentials that stand in the query of a URL, or in plain headers, scrubbed from every text from now on.

    Args:
        base_url: of the backend.
        headers: of its settings.
    """
    remember_credentials(headers, pinned=True)
    remember_credentials(dict(parse_qsl(base_url.partition("?")[2])), pinned=True)


def under(base_url: str, path: str) -> str:
    """The URL of a path of a service; a query of the base stays at the end.

    Args:
        base_url: with or without a slash at its end.
        path: begins with a slash, quoted, without a query.
    """
    base, mark, query = base_url.partition("?")
    return f"{base.rstrip('/')}{path}{mark}{query}"


def model_path(*words: str) -> str:
    """The path of these words, of which one is the name of a model: quoted, each after a slash.

    Raises:
        BadRequestError: a word is empty, ``.`` or ``..``, by which the request would go elsewhere (RFC 3986, section
            5.2.4), or cannot be written in a URL.
    """
    try:
        quoted = [quote(word, safe="") for word in words]
    except UnicodeEncodeError:  # half of a surrogate pair
        quoted = [""]
    if not {"", ".", ".."}.isdisjoint(quoted):
        text = "model: expected a name that can stand in the path of a URL"
        raise BadRequestError(text, code="model_not_found", param="model", stage="not_sent")
    return "".join(f"/{word}" for word in quoted)


@lru_cache(maxsize=1)
def user_agent() -> str:
    """What jackfield calls itself in a request (RFC 9110, section 10.1.5)."""
    from importlib.metadata import version  # nothing at import

    return f"jackfield/{version('jackfield')}"


def head(*own: Mapping[str, str]) -> dict[str, str]:
    """The headers of every request, with names in lower case.

    No compression is asked for: it would hold back the events of a stream.

    Args:
        own: headers to add, in any case; the later wins, and any of them over the usual ones.
    """
    usual = {"accept": "application/json", "accept-encoding": "identity", "user-agent": user_agent()}
    return usual | {name.lower(): value for headers in own for name, value in headers.items()}
