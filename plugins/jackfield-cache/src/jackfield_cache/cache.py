"""Cache: the middleware, which looks up, asks, and keeps."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, MutableMapping
from weakref import WeakKeyDictionary

import attrs

from jackfield.call import Call
from jackfield.errors import DeadlineExceededError, NotFoundError
from jackfield.flow import Flow, Run
from jackfield.hookspecs import hookimpl
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.plan import Route
from jackfield.secret import Secret
from jackfield_cache import settings
from jackfield_cache.flight import Flight, Flights
from jackfield_cache.key import digest, fingerprint
from jackfield_cache.policy import cacheable
from jackfield_cache.question import Question, decoded, destination
from jackfield_cache.store import Guard, Store


@attrs.define(eq=False)
class Cache:
    """Answer a request that was answered before from a file, or from Redis, without asking the backend again.

    Requests are the same only if everything in them is, and they go to the same model of the same backend. Whole, good
    answers are kept, of streams too; any of them is served as a stream or at once, as it is asked for. A store that
    fails is skipped.

    Attributes:
        path: of the SQLite file; without it, ``cache.sqlite3`` in the user's cache directory of jackfield.
        url: reference to the URL of a Redis server, which is used in place of a file.
        ttl: seconds after which an answer is not used any more.
        max_bytes: of all answers in the file; beyond, those that were not used for longest are deleted.
        only_deterministic: only answer requests whose temperature is 0.
        by_labels: names of labels whose values tell tenants apart: none gets the answer of another.
        single_flight: of requests that are the same, at the same time, only the first is passed on.
    """

    path: str | None = attrs.field(default=None, validator=settings.file_path)
    url: Secret | None = attrs.field(default=None, validator=settings.reference)
    ttl: float = attrs.field(default=86400.0, validator=settings.seconds)
    max_bytes: int = attrs.field(default=256 * 2**20, validator=settings.size)
    only_deterministic: bool = attrs.field(default=True, validator=settings.flag)
    by_labels: tuple[str, ...] = attrs.field(default=(), converter=settings.as_tuple, validator=settings.label_names)
    single_flight: bool = attrs.field(default=True, validator=settings.flag)
    _clock: Callable[[], float] = attrs.field(init=False, repr=False, default=time.time)
    _store: Guard = attrs.field(init=False, repr=False)
    _flights: Flights = attrs.field(init=False, repr=False, factory=Flights)
    _places: MutableMapping[Route, str] = attrs.field(init=False, repr=False, factory=WeakKeyDictionary)

    def __attrs_post_init__(self) -> None:
        if self.path is not None and self.url is not None:
            raise ValueError("url: expected a path or a url, not both")
        self._store = Guard(self._open)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Answer from the store, or pass the request inward and keep the answer."""
        question = self._question(request, call)
        if question is None:
            response: CreateChatCompletionResponse = yield request
            return response
        if not self.single_flight:
            return (yield from self._look_up(question, Flight(streamed=False)))
        while True:
            flight, mine = self._flights.join(question.key, streamed=question.streamed)
            if mine:
                try:
                    return (yield from self._look_up(question, flight))
                finally:
                    self._flights.end(question.key, flight)
            yield from flight.landing()
            answer = decoded(flight.answer)
            if answer is not None:
                return answer
            if flight.failed or not flight.ended:  # each asks for itself then, as without a cache
                return (yield from self._ask(question, flight))

    @hookimpl
    def on_chunk(self, chunk: CreateChatCompletionStreamResponse, call: Call) -> None:
        """Take down a chunk of an answer that may be kept, as it is before the layers outside change it."""
        attempt = call.attempt
        if attempt is None or self not in call.state:
            return
        folder = attempt.state.get(self)
        if folder is None:
            from jackfield.fold import Folder

            folder = attempt.state[self] = Folder()
        folder.extend((chunk,))

    @hookimpl
    def close(self) -> None:
        """Close the file, or the connections."""
        self._store.close()

    def _question(self, request: CreateChatCompletionRequest, call: Call) -> Question | None:
        """What to look up; None where the request is passed on as if there were no cache."""
        if not cacheable(request, call, only_deterministic=self.only_deterministic):
            return None
        try:
            leads = destination(request, call)
        except NotFoundError:
            return None  # whoever routes it will say so
        key = digest(request, call, None if leads is None else (self._place(leads[0]), leads[1]), self.by_labels)
        return None if key is None else Question(request, call, key, leads)

    def _place(self, route: Route) -> str:
        place = self._places.get(route)
        if place is None:
            place = self._places[route] = fingerprint(route, type(self))
        return place

    def _look_up(self, question: Question, flight: Flight) -> Flow[CreateChatCompletionResponse]:
        """Answer from the store, or ask; also for those who wait."""
        found: bytes | None = yield Run(self._store.get, question.key, question.call.time_left)
        answer = decoded(found)
        if answer is None:
            return (yield from self._ask(question, flight))
        flight.answer = found
        return answer

    def _ask(self, question: Question, flight: Flight) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward, and keep the answer."""
        call = question.call
        asked = len(call.attempts)
        call.state[self] = True  # chunks are taken down
        try:
            response: CreateChatCompletionResponse = yield question.request
            folder = None if call.attempt is None else call.attempt.state.get(self)
            answer = question.fit(response, asked, folder)
        except DeadlineExceededError:
            raise  # of this call; those who wait may have more time
        except Exception:
            flight.failed = True
            raise
        finally:
            call.state.pop(self, None)
            if call.attempt is not None:
                call.attempt.state.pop(self, None)
        flight.answer, flight.failed = answer, answer is None
        if answer is not None:
            with contextlib.suppress(DeadlineExceededError):  # the answer itself was there in time
                yield Run(self._store.put, question.key, answer, call.time_left)
        return response

    def _open(self) -> Store:
        """Open the store; it blocks."""
        if self.url is not None:
            from jackfield_cache.redis_store import RedisStore

            return RedisStore(self.url.read(), self.ttl)
        from jackfield_cache.sqlite import SQLiteStore

        return SQLiteStore(self.path or _usual_path(), self.ttl, self.max_bytes, self._clock)


def _usual_path() -> str:
    import os.path

    import platformdirs

    return os.path.join(platformdirs.user_cache_dir("jackfield", appauthor=False), "cache.sqlite3")
