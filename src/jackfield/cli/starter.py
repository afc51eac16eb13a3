"""Starter: what a first configuration names, and what of the environment it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from jackfield.catalogue import Catalogue
from jackfield.config.default import builtin
from jackfield.config.shape import table_of
from jackfield.errors import ConfigError, Fault
from jackfield.http import split_url
from jackfield.plugins import OWN

URL = "OPENAI_BASE_URL"
HEADERS = "OPENAI_CUSTOM_HEADERS"
COPIED = ("OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
"""Variables that are taken: of the key only that it is there."""
PLAIN = frozenset({"api-version", "api_version", "version"})
"""Parameters of a URL that no one keeps secret."""
Tree = Mapping[str, Any]


def starter(environ: Mapping[str, str], found: Catalogue) -> dict[str, Any]:
    """What a first configuration names: what the built-in default would, of what is installed and sound.

    Where that is no backend at all, it is ``openai``, whose key is then to be set, or else whichever provider needs no
    settings. Values of the environment that may be secret are not taken; ``left_out`` tells of them.

    Args:
        environ: the environment.
        found: what is installed.

    Raises:
        ConfigError: ``OPENAI_BASE_URL`` is no URL: the key must not be sent to another server than it is for.
    """
    wanted = {name: environ.get(name, "") for name in COPIED}
    if environ.get(URL) and "openai" in found.providers:
        wanted[URL] = _plain(environ[URL])
    tree = _sound(builtin(wanted, {*found.providers, *found.middleware}.__contains__).data or {}, found)
    if not tree["backends"]:
        tree = _sound(builtin({"OPENAI_API_KEY": "set"}, {"retry"}.__contains__).data or {}, found)
    if not tree["backends"]:
        easy = [name for name, cls in found.providers.items() if not table_of(cls)["required"]]
        tree["backends"] = {name: {"provider": name} for name in easy[:1]}
    return tree


def left_out(environ: Mapping[str, str], found: Catalogue) -> list[str]:
    """What of the environment the built-in default takes and ``starter`` does not, and where it is to be put.

    Args:
        environ: the environment, one that ``starter`` takes.
        found: what is installed.
    """
    url = environ.get(URL, "")
    if "openai" not in found.providers or not (url or environ.get("OPENAI_API_KEY")):
        return []
    notes = []
    if "@" in urlsplit(url).netloc:
        notes.append(
            f"The user and the password in {URL} are not copied: have the middleware header send them, in the header "
            "Authorization."
        )
    if url and _plain(url).partition("?")[2] != urlsplit(url).query:
        notes.append(
            f"What stands behind the ? in {URL} is not copied, for it may be secret: if it is not, write it into "
            "base_url of [backends.openai]; else have the middleware header send it, if the server takes it so."
        )
    if environ.get(HEADERS):
        notes.append(
            f"{HEADERS} is not copied, for it may be secret: write what is not into headers of [backends.openai]; "
            "have the middleware header send the rest."
        )
    return notes


def _plain(url: str) -> str:
    """A URL without what may be secret in it: the user, the password, parameters that are not known."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        query = "&".join(one for one in parts.query.split("&") if one.partition("=")[0] in PLAIN)
        plain = parts._replace(netloc=host, query=query).geturl()
        split_url(plain)
    except (ValueError, ConfigError):  # their texts may repeat parts of it
        usable = False
    else:
        usable = "#" not in url and url.isprintable()
    if not usable:
        expected = "expected a URL that begins with https:// or http:// and names a host, without #"
        raise ConfigError([Fault("", expected, file=URL, hint="mend the variable, or unset it")])
    return plain


def lacking(environ: Mapping[str, str], found: Catalogue) -> list[str]:
    """The distributions that the environment's key is for, and that are not installed."""
    wanted = ("openai", "bearer") if environ.get("OPENAI_API_KEY") else ()
    return [OWN[name] for name in wanted if name not in {*found.providers, *found.middleware}]


def _sound(data: Tree, found: Catalogue) -> dict[str, Any]:
    """A tree without plugins that are not there, and without a default model that leads to one."""
    backends = {
        name: {
            **table,
            "middleware": [layer for layer in table.get("middleware", ()) if layer["use"] in found.middleware],
        }
        for name, table in data["backends"].items()
        if table["provider"] in found.providers
    }
    layers = [layer for layer in data.get("middleware", ()) if layer["use"] in found.middleware]
    tree = {"backends": backends, "middleware": layers}
    default = data.get("default_model", "")
    return {"default_model": default, **tree} if default.partition("/")[0] in backends else tree
