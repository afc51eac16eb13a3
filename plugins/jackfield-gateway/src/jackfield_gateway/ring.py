"""Ring: the gateway's keys, found by the token that a client shows.

A token is 256 random bits, so that its plain SHA-256 is as good as a slow hash: there is nothing to guess. The store
has the digest only, and the database looks that up, which tells nobody how near a guess came to a token.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING, Literal

from jackfield_gateway.key import Key, KeyLimits

if TYPE_CHECKING:
    from jackfield_gateway.store import Store

PREFIX = "jf-"
HINT = 7
"""Characters of a token that are kept, prefix included: enough to tell keys apart, none to guess the rest."""
KEPT = 1.0
"""Seconds for which an answer of the store holds: so long a revoked key may still be taken."""
MOST = 10_000
"""Answers that are kept, wrong tokens included; beyond that, none is."""


def make_token() -> str:
    """A new token: ``jf-`` and 43 characters that stand for 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What the store knows of a token: its SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def make_key(
    token: str,
    label: str,
    *,
    models: tuple[str, ...] = (),
    limits: KeyLimits | None = None,
    inspect: bool = False,
    expires: float | None = None,
) -> Key:
    """The key of a new token, made now. Arguments as ``Key`` has them."""
    return Key(
        id=f"key_{secrets.token_hex(8)}",
        label=label,
        hint=token[:HINT],
        models=models,
        limits=limits or KeyLimits(),
        inspect=inspect,
        created=time.time(),
        expires=expires,
    )


class KeyRing:
    """The keys of a store, of which the last answers are remembered for a second.

    Args:
        store: where they are.
        mode: ``always`` or ``never``; ``auto`` demands a key as soon as one was made.
    """

    def __init__(self, store: Store, mode: Literal["auto", "always", "never"]) -> None:
        self._store, self._mode = store, mode
        self._found: dict[str, tuple[float, Key | None]] = {}
        self._demanded: tuple[float, bool] = (float("-inf"), True)

    async def demanded(self) -> bool:
        """Whether requests have to show a key."""
        if self._mode != "auto":
            return self._mode == "always"
        until, answer = self._demanded
        if time.monotonic() > until:
            until = time.monotonic() + KEPT  # from before it was asked: the answer may be old when it comes
            answer = await self._store.has_keys()
            self._demanded = (until, answer)
        return answer

    async def find(self, token: str) -> Key | None:
        """The key of a token, where it is valid; None in every other case."""
        shown = digest(token)
        until, key = self._found.get(shown, (float("-inf"), None))
        if time.monotonic() > until:
            until = time.monotonic() + KEPT
            found = await self._store.find_key(shown)
            key = found[1] if found is not None and hmac.compare_digest(found[0].encode(), shown.encode()) else None
            if len(self._found) >= MOST:
                self._found.clear()
            self._found[shown] = (until, key)
        return key if key is not None and key.valid(time.time()) else None
