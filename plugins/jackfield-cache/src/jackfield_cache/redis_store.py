"""Redis: answers that the processes of many machines share."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from jackfield.redaction import remember
from jackfield_cache.key import FORMAT

TIMEOUT = 0.5
"""Seconds for which the server is waited for: to connect, and to answer."""
LONGEST = 10 * 365 * 86400.0
"""Seconds after which Redis forgets at last; it counts no further than milliseconds in 64 bits."""


class RedisStore:
    """Answers in Redis, under ``jackfield:cache:<format>:<digest>``, which expire by Redis' own clock.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, with user and password where they are needed.
        ttl: seconds after which an answer expires.

    Raises:
        ImportError: the extra is not installed.
        ValueError: the URL is none.
    """

    def __init__(self, url: str, ttl: float) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise ImportError("url needs the extra: pip install 'jackfield-cache[redis]'") from None
        failed = False
        try:
            remember(unquote(urlsplit(url).password or ""))
            self._client: Any = redis.Redis.from_url(
                url,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 0),  # the call has its own way without an answer
            )
        except ValueError:
            failed = True
        if failed:  # outside of the handler: the text of what was raised may hold a piece of the password
            raise ValueError("the reference leads to no URL of a Redis server; is the password percent-encoded?")
        self._milliseconds = max(1, int(min(ttl, LONGEST) * 1000))

    def get(self, key: str, within: float) -> bytes | None:
        """See ``Store``; the server is given ``TIMEOUT``."""
        del within
        found = self._client.get(_name(key))
        return found.encode() if isinstance(found, str) else found

    def put(self, key: str, answer: bytes, within: float) -> None:
        """See ``Store``."""
        del within
        self._client.set(_name(key), answer, px=self._milliseconds)

    def close(self) -> None:
        """See ``Store``."""
        self._client.close()


def _name(key: str) -> str:
    return f"jackfield:cache:{FORMAT}:{key}"
