"""Middleware that break the contract, each in one way, where many calls or threads use them at once."""

from __future__ import annotations

import logging
import threading
from typing import Any, ClassVar

import attrs

from broken_flows import plugin
from jackfield import Acquire, Gate, RateLimitError, hookimpl


@plugin
class Mixing:
    question: Any = attrs.field(init=False, default=None)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        self.question = request
        response = yield request
        if self.question is not request:
            response = attrs.evolve(response, choices=[])
        return response


@plugin
class Refusing:
    _running: Any = attrs.field(init=False, factory=list)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        if len(self._running) >= 2:
            raise RateLimitError("too many calls at once", status_code=429)
        self._running.append(call)
        try:
            response = yield request
            return response if self._running[-1] is call else attrs.evolve(response, choices=[])
        finally:
            self._running.remove(call)


@plugin
class Locking:
    _lock: Any = attrs.field(init=False, factory=threading.Lock)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        with self._lock:
            return (yield request)


@plugin
class Hogging:
    _gate: Gate = attrs.field(init=False, factory=lambda: Gate(1))

    @hookimpl
    def wrap_chat_completion(self, request, call):
        yield Acquire(self._gate)
        response = yield request
        self._gate.release()
        return response


class Counting:
    _lock: Any
    _running: int

    def enter(self):
        with self._lock:
            if self._running >= 20:
                raise RateLimitError("too many calls at once", status_code=429)
            self._running += 1

    def leave(self):
        with self._lock:
            self._running -= 1


@plugin
class NeverGivingBack(Counting):
    _lock: Any = attrs.field(init=False, factory=threading.Lock)
    _running: int = attrs.field(init=False, default=0)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        self.enter()
        response = yield request
        self.leave()
        return response


@plugin
class GivingBackFailures(Counting):
    _lock: Any = attrs.field(init=False, factory=threading.Lock)
    _running: int = attrs.field(init=False, default=0)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        self.enter()
        try:
            response = yield request
        except Exception:
            self.leave()
            raise
        self.leave()
        return response


@plugin
class Greedy:
    _gate: Gate = attrs.field(init=False, factory=lambda: Gate(1))

    @hookimpl
    def wrap_chat_completion(self, request, call):
        yield Acquire(self._gate)
        return (yield request)


@plugin
class Bound:
    _thread: int = attrs.field(init=False, factory=threading.get_ident)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        if threading.get_ident() != self._thread:
            raise RuntimeError("made in another thread")
        return (yield request)


@plugin
class Stuck:
    stop: ClassVar[threading.Event] = threading.Event()
    _thread: int = attrs.field(init=False, factory=threading.get_ident)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        if threading.get_ident() != self._thread:
            self.stop.wait(60)
        return (yield request)


@plugin
class Threading:
    stop: ClassVar[threading.Event] = threading.Event()

    def __attrs_post_init__(self):
        threading.Thread(target=self.stop.wait, args=(60,), name="exporter", daemon=True).start()

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class Handling:
    def __attrs_post_init__(self):
        logging.getLogger().addHandler(logging.NullHandler())

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class Plain:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        return request
