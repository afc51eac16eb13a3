"""Source: the provider of the kit, which answers as its script says, by one HTTP exchange each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import APIError, StreamInterruptedError, status_error
from jackfield.flow import Deliver, Flow, Read, Send
from jackfield.fold import fold
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse, Origin, split_url
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing.contract.middleware.answers import FORMS, USUAL, Chunk, answer_chunks
from jackfield.testing.contract.middleware.faults import api_error

URL = "https://backend.example/v1/chat/completions"
BODY = b'{"of": "the provider"}'
HEADERS = {
    "content-type": "application/json",
    "accept": "text/event-stream",
    "idempotency-key": "k-1",
    "x-kept": "yes",
}
TEXT = "The quick brown fox jumps over the lazy dog."
SIZE = 8
"""Characters in each piece of a stream, unless a check is about pieces."""


@attrs.frozen(eq=False)
class Act:
    """How one attempt goes.

    Attributes:
        error: makes what it fails with; None answers well.
        after: so many chunks come before it; None fails before the answer has begun.
    """

    error: Callable[[], BaseException] | None = None
    after: int | None = None


WELL = Act()
FAILING = Act(partial(api_error, APIError, "answered"))
"""The usual failure of a backend: a new exception each time, before its answer has begun."""


def question(request: CreateChatCompletionRequest) -> str:
    """The text that a request of the kit asks; the answer repeats it."""
    content = getattr(request.messages[-1], "content", "")
    if isinstance(content, str):
        return content
    return "".join(getattr(part, "text", "") for part in content or ())


def said(response: Any) -> str:
    """The text of a response."""
    return "".join(choice.message.content or "" for choice in response.choices)


@attrs.define(eq=False)
class Source:
    """Answers every model name.

    Attributes:
        text: what it says, before the question in parentheses.
        size: characters in each piece of a stream.
        acts: how the attempts go, in order; the last one holds for all further ones.
        form: of the answer, a name of ``FORMS``.
        wired: whether it makes an HTTP exchange; one that does not serves real clients.
        requests: what it was asked.
        exchanges: the HTTP requests that it sent, and what came of each.
    """

    text: str = TEXT
    size: int = SIZE
    acts: Sequence[Act] = (WELL,)
    form: str = USUAL
    wired: bool = True
    requests: list[CreateChatCompletionRequest] = attrs.field(factory=list, init=False)
    exchanges: list[tuple[HttpRequest, HttpResponse]] = attrs.field(factory=list, init=False)

    @property
    def origin(self) -> Origin | None:
        """Where its credentials belong."""
        return split_url(URL)[0] if self.wired else None

    def chunks(self, request: CreateChatCompletionRequest) -> list[Chunk]:
        """The whole answer to a request, as a stream."""
        return FORMS[self.form](answer_chunks(f"{self.text} ({question(request)})", request.model, self.size))

    def whole(self, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """The same in one piece."""
        return fold(self.chunks(request))

    @hookimpl
    def create_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse | None]:
        """Answer, or fail, as the script says."""
        act = self.acts[min(len(call.attempts), len(self.acts)) - 1]
        self.requests.append(request)
        response = None
        if self.wired:
            response = yield from self._exchange()
        if act.error is not None and (act.after is None or request.stream is not True):
            raise act.error()
        if request.stream is not True:
            if response is not None:
                yield Read(response, whole=True)
            return self.whole(request)
        try:
            yield from self._deliver(self.chunks(request), act, response)
        except StreamInterruptedError as error:
            error.partial = call.partial
            raise
        return None

    def _exchange(self) -> Flow[HttpResponse]:
        http_request = HttpRequest("POST", URL, dict(HEADERS), BODY)
        response: HttpResponse = yield Send(http_request)
        self.exchanges.append((http_request, response))
        if not 200 <= response.status < 300:
            body = yield Read(response, whole=True)
            # As some do, it repeats what it was sent.
            text = f"{response.status}, {len(body)} bytes, to {dict(response.request.headers)}"
            raise status_error(response.status)(text, status_code=response.status)
        return response

    def _deliver(self, chunks: list[Chunk], act: Act, response: HttpResponse | None) -> Flow[None]:
        end = len(chunks) if act.error is None else min(act.after or 0, len(chunks) - 1)
        for at, chunk in enumerate(chunks[:end], start=1):
            if response is not None:
                yield Read(response)
            yield Deliver([chunk], last=at == len(chunks))
        if act.error is not None:
            raise act.error()
        if response is not None:
            yield Read(response, whole=True)
