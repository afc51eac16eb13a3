"""HttpProvider: what every provider that speaks HTTP has in common. A dialect says how to encode and decode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import msgspec

from jackfield.errors import (
    APIError,
    DeadlineExceededError,
    InvalidResponseError,
    PluginError,
    StreamInterruptedError,
    ValidationError,
)
from jackfield.failure import MAX_WORD, answer_error, body_error, body_excerpt, excerpt, number, request_id
from jackfield.flow import Deliver, Flow, Read, Send
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse, Origin, split_url

if TYPE_CHECKING:
    from jackfield.call import Attempt, Call
    from jackfield.event_reader import EventReader
    from jackfield.models.models import Model
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.models.response import CreateChatCompletionResponse

GRACE = 5.0
"""Seconds to wait for the end of a stream whose answer is whole (for the usage, say), or for an error's body."""
SPARE = 0.1
"""Seconds before the deadline at which that wait ends: what is whole shall not fail for what may not come, and a wait
may end a tick of the watchdog late."""
MAX_ERROR_BODY = 2**20
"""Bytes of the body of an error that are read."""
PART = 206
"""The status of a part of an answer (RFC 9110, section 15.3.7); no part was asked for, so what came is not whole."""
TO_EOF = 0.1
"""Seconds to read on after the terminal event, so that the connection can be used again."""
STREAM_TYPES = ("text/event-stream", "text/plain", "application/octet-stream", "")
"""Content types that may be a stream: the right one, and those of servers that do not say."""


@attrs.define(eq=False)
class HttpProvider:
    """Base of providers: one POST an attempt, an answer or a stream of server-sent events.

    A dialect derives from it and implements ``encode``, ``decode``, ``reader``, and for the list of models
    ``encode_models`` and ``decode_models``; what it leaves out raises ``PluginError``. None of them does I/O.

    Attributes:
        base_url: absolute; the credentials of the backend are bound to its origin.
        parameters: of the class: how it takes each field of a request, a ``jackfield.parameters.Parameter``; a field
            that is not named is sent as it is.
    """

    base_url: str
    parameters: ClassVar[Mapping[str, Any]] = {}

    @property
    def origin(self) -> Origin:
        """Where the requests go, and the only place where credentials may go."""
        return split_url(self.base_url)[0]

    # -- the dialect ---------------------------------------------------------------------------------------------
    # What a dialect leaves out says so when it is called, and not when the class is made: a service without a list of
    # models need not say how one is asked for.

    def encode(self, request: CreateChatCompletionRequest, call: Call) -> HttpRequest:
        """The HTTP request for ``request``, without credentials."""
        raise self._lacks("encode")

    def decode(self, body: bytes) -> CreateChatCompletionResponse:
        """The response in a body. Raises ``ValidationError``."""
        raise self._lacks("decode")

    def reader(self, request: CreateChatCompletionRequest, max_line_bytes: int) -> EventReader:
        """What reads one stream."""
        raise self._lacks("reader")

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        """The exception for an answer whose status is a failure; a dialect with words of its own adds what they tell.

        Args:
            status: its status.
            headers: its headers.
            body: what could be read of it, at most 1 MiB.
        """
        return answer_error(status, headers, body)

    def encode_models(self, call: Call) -> HttpRequest:
        """The HTTP request for the list of models."""
        raise self._lacks("encode_models")

    def decode_models(self, body: bytes) -> list[Model]:
        """The models in a body. Raises ``ValidationError``."""
        raise self._lacks("decode_models")

    def _lacks(self, method: str) -> PluginError:
        return PluginError(f"{type(self).__name__} does not implement {method}")

    # -- the flows -----------------------------------------------------------------------------------------------

    @hookimpl
    def create_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse | None]:
        """Send the request; the response, or for a stream chunk by chunk and then None."""
        response = yield from self._answer(self.encode(request, call), call)
        if request.stream is True:
            yield from self._stream(response, request, call)
            return None
        body: bytes = yield Read(response, whole=True)
        return self._whole(body, response)

    @hookimpl
    def list_models(self, call: Call) -> Flow[list[Model]]:
        """The models that the backend lists."""
        response = yield from self._answer(self.encode_models(call), call)
        body: bytes = yield Read(response, whole=True)
        try:
            return self.decode_models(body)
        except ValidationError as error:
            raise _invalid(body, response, error) from None

    def _answer(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Send a request; its answer, if that is a success."""
        response: HttpResponse = yield Send(http_request)
        attempt = call.attempt
        if attempt is not None:
            note(response, attempt)
        if 200 <= response.status < 300 and response.status != PART:
            return response
        body = bytearray()
        try:
            while len(body) < MAX_ERROR_BODY and (block := (yield Read(response, within=GRACE))):
                body += block
        except APIError:
            pass  # the status tells enough
        raise self.failure(response.status, response.headers, bytes(body))

    def _whole(self, body: bytes, http_response: HttpResponse) -> CreateChatCompletionResponse:
        if b'"error"' in body:
            error = body_error(_json(body))
            if error is not None:
                raise error
        try:
            response = self.decode(body)
        except ValidationError as fault:
            raise _invalid(body, http_response, fault) from None
        if not response.choices:
            raise InvalidResponseError("choices: expected at least one", body_excerpt=body_excerpt(body))
        return response

    def _stream(self, response: HttpResponse, request: CreateChatCompletionRequest, call: Call) -> Flow[None]:
        kind = _kind(response)
        if kind not in STREAM_TYPES:
            body: bytes = yield Read(response, whole=True)
            raise body_error(_json(body)) or InvalidResponseError(
                f"expected a stream of events from {response.request.origin}, got {_told_kind(response)}",
                body_excerpt=body_excerpt(body),
            )
        backend = call.backend
        limit = 2**20 if backend is None else backend.transport.max_line_bytes
        reader = self.reader(request, limit)
        try:
            yield from _chunks(response, reader, call)
        except StreamInterruptedError as error:
            error.partial = error.partial or call.partial
            raise
        except APIError as error:
            if not call.committed or isinstance(error, InvalidResponseError) or error.stage == "answered":
                raise
            raise StreamInterruptedError(
                f"the stream broke: {error.message}", partial=call.partial, code=error.code, stage="ambiguous"
            ) from None


def _chunks(response: HttpResponse, reader: EventReader, call: Call) -> Flow[None]:
    """Deliver a stream to its end."""
    read = Read(response)
    while not reader.done:
        try:
            block: bytes = yield Read(response, within=_grace(call)) if reader.whole else read
        except (APIError, DeadlineExceededError):
            if not reader.whole:
                raise
            block = b""  # nothing of the answer is missing
        chunks = reader.feed(block) if block else reader.end()
        if chunks:
            yield Deliver(chunks, last=reader.whole and reader.failure is None)
        del chunks  # else they would live until the next ones are there, and wake the garbage collector
        if reader.failure is not None:
            raise reader.failure
        if not block:
            return
    try:
        while (yield Read(response, within=TO_EOF)):
            pass
    except (APIError, DeadlineExceededError):
        return  # the connection is closed instead


def _grace(call: Call) -> float:
    return max(min(GRACE, call.time_left - SPARE), 0.0)


def note(response: HttpResponse, attempt: Attempt) -> None:
    """Enter what the head of an answer tells into the ledger."""
    attempt.status_code = response.status
    attempt.request_id = request_id(response.headers)
    attempt.head = response.headers
    attempt.processing_ms = number(response.headers.get("openai-processing-ms"))


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _kind(response: HttpResponse) -> str:
    """The content type of an answer, without its parameters."""
    return (response.header("content-type") or "").partition(";")[0].strip().lower()


def _told_kind(response: HttpResponse) -> str:
    """The content type as the service wrote it: in lower case a secret would not be known again."""
    return excerpt(response.header("content-type") or "", MAX_WORD)


def _invalid(body: bytes, response: HttpResponse, fault: ValidationError) -> InvalidResponseError:
    kind = _kind(response)
    if kind and "json" not in kind and _json(body) is None:
        text = f"expected JSON from {response.request.origin}, got {_told_kind(response)}"
    else:
        text = f"the answer is not what it should be: {fault}"
    return InvalidResponseError(text, body_excerpt=body_excerpt(body))
