"""RedisStore: the store that many processes share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from jackfield.redaction import remember
from jackfield_limits import lua
from jackfield_limits.operations import Balance, Book, Correct, Enter, Leave, Move, Settle, Spend, StoreFailure
from jackfield_limits.window import Booking, Rate

if TYPE_CHECKING:
    import redis

PATIENCE = 5.0
"""Seconds after which one who stands in line and asks no more has gone."""
PREFIX = "jackfield:"
Words = Sequence[str | float]


class RedisStore:
    """Does operations by scripts in Redis, blocking. For many threads, and after a fork.

    Args:
        url: of the server; it may hold a password.
        timeout: seconds that each step (connecting, signing in, an answer) may take.

    Raises:
        StoreFailure: the URL is none.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._scripts: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._client = _guarded(_connect, url, timeout)

    def perform(self, operation: Any) -> Any:
        """Do an operation, and give what it gives.

        Raises:
            StoreFailure: it may or may not have been done.
        """
        script, keys, words, read = _SCRIPTS[type(operation)](operation)
        return read(_guarded(self._script(script), keys, words))

    def close(self) -> None:
        """Close the connections."""
        with contextlib.suppress(StoreFailure):
            _guarded(self._client.close)

    def _script(self, text: str) -> Any:
        with self._lock:
            if text not in self._scripts:
                self._scripts[text] = self._client.register_script(text)
            return self._scripts[text]


def _connect(url: str, timeout: float) -> redis.Redis:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    remember(unquote(urlsplit(url).password or ""))
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        # Once more, at once, for a connection that the server has closed meanwhile; what takes too long is given up.
        retry=Retry(NoBackoff(), 1, (redis.ConnectionError,)),
        decode_responses=True,
        protocol=2,
    )


def _guarded(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001 - of a connection that another thread closes, the library raises anything
        failure = type(error).__name__
    # Outside of the handler: an exception's context must not hold what Redis said, or the URL.
    raise StoreFailure(failure)


# -- operations ------------------------------------------------------------------------------------------------------

Script = tuple[str, list[str], Words, Callable[[Any], Any]]
"""Its text, keys and words, and how its reply is read."""


def _nothing(_: Any) -> None:
    return None


def _any(limit: int | None) -> int:
    return -1 if limit is None else limit


def _rate(rate: Rate) -> Words:
    return repr(rate.window), _any(rate.requests), _any(rate.tokens)


def _booking(reply: Any) -> Booking:
    slot, wait = reply
    return Booking(int(slot) if slot else None, float(wait))


def _book(book: Book) -> Script:
    return lua.BOOK, [PREFIX + book.key], [*_rate(book.rate), book.tokens, repr(float(book.most))], _booking


def _move(move: Move) -> Script:
    return lua.MOVE, [PREFIX + move.key], [*_rate(move.rate), move.slot, move.tokens], _booking


def _settle(settle: Settle) -> Script:
    words = [*_rate(settle.rate), settle.slot, settle.requests, settle.tokens]
    return lua.SETTLE, [PREFIX + settle.key], words, _nothing


def _spend(spend: Spend) -> Script:
    ends = "" if spend.ends is None else int(spend.ends) + 1
    words = [_any(spend.limits.tokens), _any(spend.limits.money), spend.tokens, spend.money, ends]
    return lua.SPEND, [PREFIX + spend.key], words, _balance


def _balance(reply: Any) -> Balance:
    granted, tokens, money = reply
    return Balance(granted == 1, int(tokens), int(money))


def _correct(correct: Correct) -> Script:
    return lua.CORRECT, [PREFIX + correct.key], [correct.tokens, correct.money], _nothing


def _places(key: str) -> list[str]:
    return [f"{PREFIX}{{{key}}}:{part}" for part in ("held", "line", "seen")]


def _enter(enter: Enter) -> Script:
    words: Words = [enter.id, enter.size, repr(enter.lease), PATIENCE, int(enter.waits)]
    return lua.ENTER, _places(enter.key), words, bool


def _leave(leave: Leave) -> Script:
    return lua.LEAVE, _places(leave.key), [leave.id], _nothing


_SCRIPTS: dict[type, Callable[[Any], Script]] = {
    Book: _book,
    Move: _move,
    Settle: _settle,
    Spend: _spend,
    Correct: _correct,
    Enter: _enter,
    Leave: _leave,
}
