"""Replay: the middleware that answers HTTP requests from a recording."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Literal

import attrs

from jackfield.call import Call
from jackfield.errors import CallError
from jackfield.flow import Flow, Read, Run, Sleep
from jackfield.headers import Headers
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse
from jackfield_replay.errors import RecordingError, ReplayMissError
from jackfield_replay.settings import choice, is_factor, is_flag, is_path, is_path_or_none, paths
from jackfield_replay.shelf import Shelf, Slot
from jackfield_replay.tape import NEW_FILE, load_tape

_log = logging.getLogger("jackfield_replay")
LISTED = 10
"""Exchanges that a message lists."""


@attrs.define(eq=False)
class Replay:
    """Answer each HTTP request from a recording, without a network, as the service answered when it was made.

    A request takes the first exchange of its method, path, query and body that was not used yet. There is no other
    answer: a request that was not recorded is an error, which tells how it differs from the nearest that was.

    Attributes:
        file: path of the recording.
        repeat: whether the last exchange that fits is used again, when all that fit are used.
        pace: what the recorded pauses are multiplied by; 0 leaves them out.
        ignore: paths in a body that are not compared, like ``messages[0].content`` or ``tools[*].id``.
        unused: what is done when the client closes and not all exchanges were used: ``warn`` logs it, ``error`` raises.
        report: path of a file to which a line of JSON is added for each exchange used, and for each miss.
    """

    file: str = attrs.field(validator=is_path)
    repeat: bool = attrs.field(default=False, validator=is_flag)
    pace: float = attrs.field(default=0.0, validator=is_factor)
    ignore: tuple[str, ...] = attrs.field(default=(), validator=paths)
    unused: Literal["ignore", "warn", "error"] = attrs.field(
        default="warn", validator=choice("ignore", "warn", "error")
    )
    report: str | None = attrs.field(default=None, validator=is_path_or_none)
    _shelf: Shelf | None = attrs.field(init=False, repr=False, default=None)
    _lock: threading.Lock = attrs.field(init=False, repr=False, factory=threading.Lock)

    @hookimpl
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Answer from the recording; nothing is passed inward.

        Raises:
            ReplayMissError: it has no answer.
            RecordingError: it cannot be read.
            CallError: what was recorded in place of an answer.
        """
        shelf = self._shelf
        if shelf is None:
            shelf = yield Run(self._load)
        question = shelf.question(http_request)
        slot = shelf.take(question, None if call.backend is None else call.backend.name)
        if slot is None:
            error: ReplayMissError = yield Run(shelf.miss, question)
            yield from self._tell({"miss": error.message})
            raise error
        yield from self._tell({"used": slot.number})
        return (yield from _Playback(slot, self.pace, self._tell).answer(http_request))

    @hookimpl
    def close(self) -> None:
        """Tell of the exchanges that were not used.

        Raises:
            ReplayMissError: there are some, and ``unused`` is ``error``.
        """
        left = [] if self._shelf is None or self.unused == "ignore" else self._shelf.unused()
        if not left:
            return
        more = ["…"] if len(left) > LISTED else []
        listed = ", ".join([*(str(slot.number) for slot in left[:LISTED]), *more])
        of = f"of the recording {self.file}"
        message = f"1 exchange {of} was" if len(left) == 1 else f"{len(left)} exchanges {of} were"
        message += f" not used: {listed}"
        if self.unused == "error":
            raise ReplayMissError(message)
        _log.warning("%s", message)

    def _load(self) -> Shelf:
        with self._lock:
            if self._shelf is None:
                exchanges, torn = load_tape(self.file)
                if torn:
                    _log.warning("the last exchange of the recording %s is not whole, and left out", self.file)
                self._shelf = Shelf(exchanges, self.repeat, frozenset(self.ignore))
            return self._shelf

    def _tell(self, line: dict[str, Any]) -> Flow[None]:
        """Add a line to the report."""
        if self.report is not None:
            yield Run(_add_line, self.report, json.dumps(line))


class _Canned:
    """The handle of a body that no driver has."""

    def release(self) -> None:
        """There is nothing to give back."""


@attrs.define(eq=False)
class _Playback:
    """One answer from the recording, while it is read.

    Attributes:
        slot: what is played.
        pace: what its pauses are multiplied by.
        tell: adds a line to the report.
        at: how many of its blocks were given.
    """

    slot: Slot
    pace: float
    tell: Callable[[dict[str, Any]], Flow[None]]
    at: int = 0

    def answer(self, http_request: HttpRequest) -> Flow[HttpResponse]:
        """The head of the answer, or what came in place of it."""
        response = self.slot.exchange.response
        if response is None:
            raise (yield from self._failure())
        yield from self._pause(response.after)
        return HttpResponse(response.status, Headers(response.headers.items()), http_request, _Canned(), self.read)

    def read(self, effect: Read) -> Flow[bytes]:
        """What a ``Read`` of the answer gives."""
        if not effect.whole:
            return (yield from self._next())
        blocks = []
        while block := (yield from self._next()):
            blocks.append(block)
        return b"".join(blocks)

    def _next(self) -> Flow[bytes]:
        exchange = self.slot.exchange
        assert exchange.response is not None  # noqa: S101 - it is being read
        while self.at < len(exchange.response.blocks):
            block = exchange.response.blocks[self.at]
            self.at += 1
            yield from self._pause(block.after)
            if data := block.data:
                return data
        if exchange.end == "whole":
            return b""
        raise (yield from self._failure())

    def _failure(self) -> Flow[CallError]:
        """What ended the exchange before its end."""
        failure = self.slot.exchange.failure
        if failure is None:
            text = f"exchange {self.slot.number} was not read any further when it was recorded"
            yield from self.tell({"miss": text})
            return ReplayMissError(text, nearest=self.slot.number)
        yield from self._pause(failure.after)
        return failure.raised()

    def _pause(self, seconds: float) -> Flow[None]:
        if self.pace and seconds > 0:
            yield Sleep(seconds * self.pace)


def _add_line(path: str, line: str) -> None:
    """Add a line to a file that other processes may add to as well."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, NEW_FILE)
        try:
            os.write(file, line.encode() + b"\n")
        finally:
            os.close(file)
    except OSError as error:
        raise RecordingError(f"the report {path} cannot be written: {error.strerror}") from None
