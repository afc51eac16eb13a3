"""Record: the middleware that writes down what goes over HTTP."""

from __future__ import annotations

import logging
import os
import re
import threading

import attrs

from jackfield.call import Call
from jackfield.errors import APIError, DeadlineExceededError
from jackfield.flow import Flow, Read, Run
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield_replay.clean import Cleaner
from jackfield_replay.errors import RecordingError
from jackfield_replay.scanner import scan
from jackfield_replay.settings import is_path, patterns
from jackfield_replay.take import Take
from jackfield_replay.tape import Tape
from jackfield_replay.text import write

_log = logging.getLogger("jackfield_replay")


@attrs.define(eq=False)
class Record:
    """Write each HTTP exchange with its blocks, pauses and failures into a readable file, without its credentials.

    What was asked and what was answered are in the file. Where something in an exchange still looks like a secret,
    nothing of the exchange is written, and the call fails.

    Attributes:
        file: path of the recording; exchanges are added to one that is there.
        mask: regular expressions of what else is to be masked.
    """

    file: str = attrs.field(validator=is_path)
    mask: tuple[str, ...] = attrs.field(default=(), validator=patterns)
    _tape: Tape = attrs.field(init=False, repr=False)
    _clean: Cleaner = attrs.field(init=False, repr=False)
    _ready: bool = attrs.field(init=False, repr=False, default=False)
    _lock: threading.Lock = attrs.field(init=False, repr=False, factory=threading.Lock)
    _running: set[Take] = attrs.field(init=False, repr=False, factory=set)
    _waiting: list[Take] = attrs.field(init=False, repr=False, factory=list)
    _refused: list[RecordingError] = attrs.field(init=False, repr=False, factory=list)
    _process: int = attrs.field(init=False, repr=False, factory=os.getpid)
    _heirs: dict[int, threading.Lock] = attrs.field(init=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._tape = Tape(self.file)
        self._clean = Cleaner([re.compile(pattern) for pattern in self.mask])

    # -- hooks ---------------------------------------------------------------------------------------------------

    @hookimpl
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Pass the request inward, and write down what comes of it when its body has ended.

        Raises:
            RecordingError: it cannot be written, or must not be. What cannot be written is not sent.
        """
        self._inherit()
        if not self._ready:
            yield Run(self._prepare)
        yield from self._settle(call)  # what the call left behind comes first in the file
        if self._waiting:
            yield Run(self._save_waiting)
        take = self._begin(http_request, call)
        try:
            response: HttpResponse = yield http_request
        except APIError as error:
            take.failed(error)
            yield Run(self._save, take)
            raise
        except DeadlineExceededError as error:
            take.failed(error)  # nothing can be yielded any more
            raise
        except BaseException:
            self._drop(take)  # nothing is known of it
            raise
        take.answered(response)

        def reader(effect: Read) -> Flow[bytes]:
            if not effect.whole:
                return (yield from self._block(take, effect))
            blocks = []
            while block := (yield from self._block(take, effect)):
                blocks.append(block)
            return b"".join(blocks)

        return HttpResponse(response.status, response.headers, response.request, response.body, reader)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward, and write down the answers that were not read to their end."""
        try:
            response: CreateChatCompletionResponse = yield request
        except APIError:
            yield from self._settle(call)
            raise
        except BaseException:
            for take in self._left(call):
                self._keep(take)
            raise
        yield from self._settle(call)
        return response

    @hookimpl
    def close(self) -> None:
        """Write down what is left.

        Raises:
            RecordingError: the first of the exchanges that could not be, where no call is left to fail.
        """
        self._inherit()
        with self._lock:
            self._waiting += self._running
            self._running.clear()
        self._save_waiting()
        if self._refused:
            raise self._refused.pop(0)

    # -- flows ---------------------------------------------------------------------------------------------------

    def _block(self, take: Take, effect: Read) -> Flow[bytes]:
        """The next block of an answer, entered in its take."""
        read = Read(take.response, within=effect.within)  # type: ignore[arg-type]  # it has been answered
        if take.ended:
            rest: bytes = yield read
            return rest
        try:
            block: bytes = yield read
        except APIError as error:
            take.failed(error)
            yield Run(self._save, take)
            raise
        except DeadlineExceededError as error:
            take.failed(error)
            raise
        take.came(block)
        if not block:
            yield Run(self._save, take)
        return block

    def _settle(self, call: Call) -> Flow[None]:
        """Write down the answers of a call that no one reads any more."""
        for take in self._left(call):
            if call.time_left > 0:
                yield Run(self._save, take)
            else:
                self._keep(take)

    # -- takes ---------------------------------------------------------------------------------------------------

    def _inherit(self) -> None:
        """In the child of a fork: what was under way is its parent's to write down."""
        process = os.getpid()
        if self._process == process:
            return
        with self._heirs.setdefault(process, threading.Lock()):  # two threads may come first
            if self._process != process:
                self._lock = threading.Lock()
                self._running, self._waiting, self._refused = set(), [], []
                self._process = process

    def _begin(self, http_request: HttpRequest, call: Call) -> Take:
        take = Take.of(http_request, call)
        with self._lock:
            self._running.add(take)
        call.state.setdefault(self, []).append(take)
        return take

    def _left(self, call: Call) -> list[Take]:
        """The takes of a call that were not written yet; no longer its own then."""
        takes = call.state.pop(self, [])
        with self._lock:
            return [take for take in takes if take in self._running]

    def _keep(self, take: Take) -> None:
        """Have a take written when the next one is, or when the client closes."""
        with self._lock:
            if take in self._running:
                self._running.remove(take)
                self._waiting.append(take)

    def _drop(self, take: Take) -> None:
        with self._lock:
            self._running.discard(take)

    # -- what blocks ---------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        with self._lock:
            if not self._ready:
                self._tape.prepare()
                self._ready = True

    def _save(self, take: Take) -> None:
        """Write a take, and those that wait."""
        self._save_waiting()
        with self._lock:
            if take not in self._running:
                return
            self._running.remove(take)
        self._write(take)

    def _save_waiting(self) -> None:
        """Write those that wait; what goes wrong then is no fault of the call that is under way."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for take in waiting:
            try:
                self._write(take)
            except RecordingError as error:
                _log.error("%s", error)
                self._refused.append(error)

    def _write(self, take: Take) -> None:
        if not take.worth_keeping:
            return
        exchange = take.exchange(self._clean)
        document = write(exchange)
        found = scan(exchange, document)
        if found:
            raise RecordingError(
                f"not recorded: there is {'; '.join(found[:5])} (the setting mask of record takes it out by a pattern)"
            )
        self._tape.add(document)
