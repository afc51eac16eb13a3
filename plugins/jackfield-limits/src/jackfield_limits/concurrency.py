"""Concurrency: so many calls at a time."""

from __future__ import annotations

import os
import threading
from typing import Literal

import attrs

from jackfield.call import Call
from jackfield.errors import APIError, RateLimitError
from jackfield.flow import Acquire, Flow, Sleep
from jackfield.gate import Gate
from jackfield.hookspecs import hookimpl
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.secret import Secret
from jackfield_limits import settings
from jackfield_limits.key import key
from jackfield_limits.operations import Enter, Leave
from jackfield_limits.refusal import refusal
from jackfield_limits.store import Store, passed

FIRST_LOOK, LAST_LOOK = 0.05, 1.0
"""Seconds between two looks of who stands in line at Redis; each is twice as long as the one before."""
GRACE = 1.0
"""Seconds that a lease lasts longer than the time of its call."""


class Gates:
    """Gates by key, of each process its own; each is kept while someone uses it, or waits. For many threads.

    What calls hold in another process is not given back in its fork.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._gates: dict[tuple[int, str], tuple[Gate, int]] = {}

    def take(self, key: str, *, waits: bool) -> Gate | None:
        """The gate of a key, to be dropped afterwards; None where it is full and nobody shall wait."""
        place = os.getpid(), key
        with self._lock:
            gate, users = self._gates.get(place) or (Gate(self._size), 0)
            if not waits and users >= self._size:
                return None
            self._gates[place] = gate, users + 1
            return gate

    def drop(self, key: str) -> None:
        """Use it no more."""
        place = os.getpid(), key
        with self._lock:
            gate, users = self._gates[place]
            if users == 1:
                del self._gates[place]
            else:
                self._gates[place] = gate, users - 1


@attrs.define(eq=False)
class Concurrency:
    """Let so many calls go on at a time; the others wait in line until their deadline, or fail at once.

    A stream goes on until it has ended. In one process a call leaves when it ends, in whatever way. In Redis a place
    is a lease: it is given back by calls that end, soon after by the process of a call that was taken down, and runs
    out by itself where the process has gone.

    Attributes:
        limit: how many calls.
        per: ``backend``, ``model`` and ``label:NAME``: each backend, model, value of a label has a limit of its own.
        on_limit: ``wait``, or ``fail`` at once.
        lease: seconds, at least as long as the longest call: so long a place in Redis is held at most.
        name: of the limit, in errors and in Redis, where limits of one name count together.
        redis: a reference to the URL of a Redis server that processes share; without it, this client counts alone.
        on_store_failure: where Redis fails: ``closed`` fails the calls, ``open`` lets them pass uncounted.
        store_timeout: seconds that each step with Redis may take.
    """

    limit: int = attrs.field(validator=settings.whole(1_000_000))
    per: tuple[str, ...] = attrs.field(default=(), validator=settings.per)
    on_limit: Literal["wait", "fail"] = attrs.field(default="wait", validator=settings.choice("wait", "fail"))
    lease: float = attrs.field(default=600.0, validator=settings.number(1, 7 * 24 * 3600, "seconds"))
    name: str | None = attrs.field(default=None, validator=attrs.validators.optional(settings.name))
    redis: Secret | None = attrs.field(default=None, validator=settings.redis)
    on_store_failure: Literal["closed", "open"] = attrs.field(
        default="closed", validator=settings.choice("closed", "open")
    )
    store_timeout: float = attrs.field(default=0.5, validator=settings.number(0.01, 10, "seconds"))
    _gates: Gates = attrs.field(init=False, repr=False)
    _store: Store = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        settings.named(self.redis, self.name)
        self._gates = Gates(self.limit)
        self._store = Store(self.redis, self.on_store_failure, self.store_timeout)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward when there is a place for it.

        Raises:
            RateLimitError: there is none, and it shall not wait; its code is ``local_concurrency_limit``.
            APIError: Redis failed; its code is ``limit_store``.
        """
        own = key("concurrency", self.name or "", self.per, request.model, call)
        if self._store.shared:
            return (yield from self._leased(own, request, call))
        gate = self._gates.take(own, waits=self.on_limit == "wait")
        if gate is None:
            raise self._refusal()
        try:
            yield Acquire(gate)
            try:
                response: CreateChatCompletionResponse = yield request
            finally:
                gate.release()
        finally:
            self._gates.drop(own)
        return response

    @hookimpl
    def close(self) -> None:
        """Close the connections to Redis."""
        self._store.close()

    def _leased(self, own: str, request: CreateChatCompletionRequest, call: Call) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward with a place in Redis."""
        leave = Leave(own, os.urandom(8).hex())
        try:
            entered = yield from self._enter(leave, call)
        except APIError:  # it has no place, or the store gives that up, and stands in no line for long
            raise
        except BaseException:  # the host left, or the time is over: it may have one
            self._store.later(leave, call)
            raise
        if not entered:
            return (yield from passed(request))
        return (yield from self._store.settling(passed(request), lambda _: leave, call))

    def _enter(self, leave: Leave, call: Call) -> Flow[bool]:
        """Wait for a place; False where the store failed and calls shall pass all the same."""
        look = FIRST_LOOK
        while True:
            lease = min(self.lease, call.time_left + GRACE)
            enter = Enter(leave.key, leave.id, self.limit, lease, self.on_limit == "wait")
            entered: bool | None = yield from self._store.ask(enter, call)
            if entered is not False:
                return entered is True
            if self.on_limit == "fail":
                raise self._refusal()
            yield Sleep(look)
            look = min(LAST_LOOK, 2 * look)

    def _refusal(self) -> RateLimitError:
        calls = "1 call is" if self.limit == 1 else f"{self.limit} calls are"
        text = f"{calls} under way, and no more may be"
        return refusal("concurrency", self.name, text, "local_concurrency_limit")
