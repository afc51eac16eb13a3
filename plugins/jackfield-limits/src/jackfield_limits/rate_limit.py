"""RateLimit: so many requests and tokens in any window of time."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Literal

import attrs

from jackfield.call import Call
from jackfield.errors import APIError, RateLimitError
from jackfield.flow import Flow, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.secret import Secret
from jackfield_limits import settings
from jackfield_limits.estimate import Estimate, estimate
from jackfield_limits.key import key
from jackfield_limits.operations import Book, Move, Settle
from jackfield_limits.refusal import LOWER, refusal
from jackfield_limits.store import Store, passed
from jackfield_limits.usage import usages
from jackfield_limits.window import Booking, Rate

LOOK = 1.0
"""Seconds after which a call that waits looks whether it may begin earlier, since others used less than expected."""
_NOTHING = Estimate(0, 0)


@attrs.define(eq=False)
class _Place:
    """What a call has booked.

    Attributes:
        key: of its window.
        guess: what the request was expected to take.
        tokens: that were booked: of a request that may take more than the limit, the limit.
        slot: in which it may begin; None while that changes.
        before: attempts that the call had made before.
    """

    key: str
    guess: Estimate
    tokens: int
    slot: int | None
    before: int


@attrs.define(eq=False)
class RateLimit:
    """Let so many requests, and so many tokens, begin in any window of time; the others wait, or fail at once.

    What a request may take is booked before it is sent, and set right by what its attempts took. A call that has to
    wait is given its time at once; if that is beyond ``max_wait`` or the deadline, it fails at once.

    Attributes:
        requests: the most in any window; every attempt counts.
        tokens: the most in any window, of prompts and answers.
        window: seconds, from 1 to 31 days.
        per: ``backend``, ``model`` and ``label:NAME``: each backend, model, value of a label has a limit of its own.
        on_limit: ``wait``, or ``fail`` at once.
        max_wait: seconds that a call waits at most.
        expected_output: tokens of an answer to a request that sets no limit.
        name: of the limit, in errors and in Redis, where limits of one name count together.
        redis: a reference to the URL of a Redis server that processes share; without it, this client counts alone.
        on_store_failure: where Redis fails: ``closed`` fails the calls, ``open`` lets them pass uncounted.
        store_timeout: seconds that each step with Redis may take.
    """

    requests: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(settings.whole(settings.MOST_REQUESTS))
    )
    tokens: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(settings.whole(settings.MOST_TOKENS))
    )
    window: float = attrs.field(default=60.0, validator=settings.number(1, settings.LONGEST_WINDOW, "seconds"))
    per: tuple[str, ...] = attrs.field(default=(), validator=settings.per)
    on_limit: Literal["wait", "fail"] = attrs.field(default="wait", validator=settings.choice("wait", "fail"))
    max_wait: float = attrs.field(default=60.0, validator=settings.number(0, settings.LONGEST_WINDOW, "seconds"))
    expected_output: int = attrs.field(default=1000, validator=settings.whole(1_000_000_000))
    name: str | None = attrs.field(default=None, validator=attrs.validators.optional(settings.name))
    redis: Secret | None = attrs.field(default=None, validator=settings.redis)
    on_store_failure: Literal["closed", "open"] = attrs.field(
        default="closed", validator=settings.choice("closed", "open")
    )
    store_timeout: float = attrs.field(default=0.5, validator=settings.number(0.01, 10, "seconds"))
    _rate: Rate = attrs.field(init=False, repr=False)
    _store: Store = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        settings.named(self.redis, self.name)
        if self.requests is None and self.tokens is None:
            raise ValueError("requests: expected a whole number, since tokens are not limited either")
        self._rate = Rate(self.window, self.requests, self.tokens)
        self._store = Store(self.redis, self.on_store_failure, self.store_timeout)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward when there is room for it.

        Raises:
            RateLimitError: there would not be in time; its code is ``local_rate_limit``.
            APIError: Redis failed; its code is ``limit_store``.
        """
        place, wait = yield from self._book(request, call)
        if place is None:
            return (yield from passed(request))
        inside = self._in_turn(place, wait, request, call)
        return (yield from self._store.settling(inside, partial(self._settled, place, call), call))

    @hookimpl
    def close(self) -> None:
        """Close the connections to Redis."""
        self._store.close()

    def _book(self, request: CreateChatCompletionRequest, call: Call) -> Flow[tuple[_Place | None, float]]:
        """A place and the wait for it; no place where the store failed and calls shall pass all the same."""
        guess, most = _NOTHING, 0
        if self.tokens is not None:
            guess = estimate(request, self.expected_output)
            most = min(guess.total, self.tokens)
        patience = min(self.max_wait, call.time_left) if self.on_limit == "wait" else 0.0
        # Slots of windows of another length would not fit among these.
        own = key(f"rate:{self.window:g}", self.name or "", self.per, request.model, call)
        booking: Booking | None = yield from self._store.ask(Book(own, self._rate, most, patience), call)
        if booking is None:
            return None, 0.0
        if booking.slot is None:
            raise self._refusal(booking.wait, guess)
        return _Place(own, guess, most, booking.slot, len(call.attempts)), booking.wait

    def _in_turn(
        self, place: _Place, wait: float, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        if wait:
            yield from self._turn(place, wait, call)
        return (yield from passed(request))

    def _turn(self, place: _Place, wait: float, call: Call) -> Flow[None]:
        """Wait until the call may begin: until its time, or earlier where others gave something back."""
        while wait > LOOK:
            yield Sleep(LOOK)
            wait -= LOOK
            booking = yield from self._moved(place, call)
            if booking is not None:
                wait = booking.wait
        yield Sleep(wait)

    def _moved(self, place: _Place, call: Call) -> Flow[Booking | None]:
        """Move the place to where there is room; None where that is not known: the time that was given holds."""
        assert place.slot is not None  # noqa: S101 - it was booked
        slot, place.slot = place.slot, None  # where the call is taken down meanwhile, the store gives the place up
        booking: Booking | None = None
        with contextlib.suppress(APIError):
            booking = yield from self._store.ask(Move(place.key, self._rate, slot, place.tokens), call)
        place.slot = slot if booking is None else booking.slot
        return booking

    def _settled(self, place: _Place, call: Call, response: CreateChatCompletionResponse | None) -> Settle:
        """What was used, less what was booked."""
        if place.slot is None:
            return Settle(place.key, self._rate, 0, 0, 0)
        attempts = call.attempts[place.before :]
        tokens = 0
        if self.tokens is not None:
            tokens = sum(usage.total for _, usage in usages(attempts, place.guess, response)) - place.tokens
        return Settle(place.key, self._rate, place.slot, len(attempts) - 1, tokens)

    def _refusal(self, wait: float, guess: Estimate) -> RateLimitError:
        plural = "" if self.requests == 1 else "s"
        limits = [f"{self.requests} request{plural}"] if self.requests is not None else []
        limits += [f"{self.tokens} tokens"] if self.tokens is not None else []
        text = f"{' and '.join(limits)} in {self.window:g} s are used up; there is room in {wait:.1f} s"
        if self.tokens is not None and guess.total > self.tokens:
            text += f"; this call may use {guess.total} tokens and takes all: {LOWER}, or a larger limit"
        return refusal("rate limit", self.name, text, "local_rate_limit", wait)
