"""Key: whom the gateway serves, and within which limits. A value; the token itself is nowhere in it."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import attrs


@attrs.frozen
class KeyLimits:
    """What a key may take. None is no limit.

    Attributes:
        requests_per_minute: requests that are let in.
        tokens_per_minute: tokens of prompts and answers.
        tokens_per_day: the same, in a day of UTC.
        concurrency: requests that run at once.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrency: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return any(value is not None for value in attrs.astuple(self))


@attrs.frozen
class Key:
    """A key of the gateway's own, as it is stored.

    Attributes:
        id: ``key_`` and 16 hexadecimal digits; public.
        label: what people call it.
        hint: the first characters of the token, by which people know it again.
        models: names that it may use, with ``*`` for any text; all where empty.
        limits: what it may take.
        inspect: whether it may see the calls of all keys in the inspector.
        created: seconds since 1970.
        expires: the same, from when it is refused; None never.
        revoked: the same, when it was revoked; None while it is not.
    """

    id: str
    label: str
    hint: str
    models: tuple[str, ...] = ()
    limits: KeyLimits = KeyLimits()
    inspect: bool = False
    created: float = 0.0
    expires: float | None = None
    revoked: float | None = None

    def valid(self, now: float) -> bool:
        """Whether it opens anything, ``now`` in seconds since 1970."""
        return self.revoked is None and (self.expires is None or now < self.expires)

    def allows(self, model: str) -> bool:
        """Whether it may use that name."""
        return not self.models or named(model, self.models)


def named(model: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is that name; ``*`` stands for any text, and all else for itself."""
    return any(fnmatchcase(model, pattern.replace("[", "[[]").replace("?", "[?]")) for pattern in patterns)
