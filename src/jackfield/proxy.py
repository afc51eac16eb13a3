"""ProxyURL: where a proxy is, and who may use it, which nothing shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from jackfield.redaction import MASK, remember


class ProxyURL:
    """The URL of a proxy with user and password. Its repr, dict and pickle hold neither.

    Attributes:
        url: all of it. Its password is scrubbed from every text from now on.
    """

    __slots__ = ("url",)

    def __init__(self, url: str) -> None:
        self.url = url
        password = _password(url)
        remember(password, pinned=True)
        remember(unquote(password), pinned=True)

    def __repr__(self) -> str:
        scheme, mark, rest = self.url.rpartition("://")
        return repr(f"{scheme}{mark}{MASK}@{rest.rpartition('@')[2]}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProxyURL) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __copy__(self) -> ProxyURL:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ProxyURL:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return ProxyURL, (repr(self)[1:-1],)


def proxy_url(value: Any) -> Any:
    """The setting of a proxy: one with a user in it becomes a ``ProxyURL``."""
    return ProxyURL(value) if isinstance(value, str) and "@" in value else value


def _password(url: str) -> str:
    try:
        return urlsplit(url if "://" in url else f"http://{url}").password or ""
    except ValueError:  # no URL: refused where it is used
        return url.rpartition("://")[2].rpartition("@")[0].partition(":")[2]
