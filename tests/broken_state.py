"""Middleware that break the contract, each in one way: in their state, their settings and what they do outside."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import time
from collections.abc import Callable
from typing import Any, ClassVar

import attrs

from broken_flows import plugin
from jackfield import Secret, hookimpl

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("broken")
ANSWERS: list[Any] = []


@plugin
class Sharing:
    seen: list[str] = attrs.field(init=False, default=[])

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class Counting:
    counts: ClassVar[dict[str, int]] = {}

    @hookimpl
    def wrap_chat_completion(self, request, call):
        self.counts[call.id] = 1
        return (yield request)


@plugin
class Tallying:
    total: ClassVar[int] = 0

    @hookimpl
    def wrap_chat_completion(self, request, call):
        type(self).total += 1
        return (yield request)


@plugin
class Collecting:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        ANSWERS.append(response)
        return response


@plugin
class Remembering:
    _ids: list[str] = attrs.field(init=False, factory=list)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        self._ids.append(call.id)
        return (yield request)


@plugin
class Leaking:
    _calls: dict[Any, int] = attrs.field(init=False, factory=dict)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        self._calls[call] = 1
        response = yield request
        del self._calls[call]  # and where it fails?
        return response


@attrs.define
class Comparing:
    """Compares by value."""

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class Awaiting:
    @hookimpl
    async def wrap_chat_completion(self, request, call):
        return await request


@plugin
class Calling:
    """Takes a function.

    Attributes:
        clock: to go by.
    """

    clock: Callable[[], float] = time.monotonic

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class Undocumented:
    """Has a setting."""

    unit: str = "s"

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class Untyped:
    """Has a setting.

    Attributes:
        unit: of what is measured.
    """

    unit: Any = "s"

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class Private:
    _memory: dict[str, str] = attrs.field(factory=dict)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class PlainKey:
    api_key: str = ""

    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield http_request.with_headers({"x-api-key": self.api_key}))


@plugin
class Unchecked:
    """Has a setting.

    Attributes:
        every: how often something is done.
    """

    every: int = 1

    @hookimpl
    def wrap_chat_completion(self, request, call):
        assert 100 % self.every >= 0
        return (yield request)


@plugin
class Showing:
    token: Secret
    _header: str | None = attrs.field(init=False, default=None)

    @hookimpl
    def wrap_http(self, http_request, call):
        self._header = "Bearer " + (yield from self.token.reveal())
        return (yield http_request.with_headers({"authorization": self._header}))


@plugin
class Tattling:
    token: Secret

    @hookimpl
    def wrap_http(self, http_request, call):
        token = yield from self.token.reveal()
        logging.getLogger("tattling").debug("sending %s", token)
        return (yield http_request.with_headers({"authorization": token}))


@plugin
class ReadingItself:
    token: Secret

    @hookimpl
    def wrap_http(self, http_request, call):
        token = os.environ[self.token.reference.removeprefix("env:")]
        return (yield http_request.with_headers({"authorization": token}))


@plugin
class Sleeping:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        time.sleep(0)
        return (yield request)


@plugin
class Opening:
    @hookimpl
    def on_chunk(self, chunk, call):
        with open(os.devnull, "wb") as file:
            file.write(b"")


@plugin
class Setting:
    def __attrs_post_init__(self):
        VARIABLE.set("set")

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@plugin
class ClosingBadly:
    _file: Any = attrs.field(init=False, default=None)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)

    @hookimpl
    def close(self):
        self._file.close()


@plugin
class Looping:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        asyncio.get_running_loop()
        return (yield request)


@plugin
class Exporting:
    def __attrs_post_init__(self):
        os.environ["BROKEN"] = "1"

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)
