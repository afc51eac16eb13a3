"""Question: a request that may be answered from the cache, and which answers are fit for it."""

from __future__ import annotations

import attrs

from jackfield.call import Attempt, Call
from jackfield.errors import ValidationError
from jackfield.fold import Folder
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.plan import Route
from jackfield_cache.policy import storable

Destination = tuple[Route, str]
"""Where a request goes: the backend with its layers, and its own name of the model."""


@attrs.frozen(eq=False)
class Question:
    """A request, as it came to the layer.

    Attributes:
        request: itself.
        call: of the host.
        key: under which its answer is kept.
        destination: where it goes; None where no engine drives the call.
    """

    request: CreateChatCompletionRequest
    call: Call
    key: str
    destination: Destination | None

    @property
    def streamed(self) -> bool:
        """Whether the answer comes by chunks, if it comes from the backend."""
        return self.request.stream is True

    def fit(self, response: CreateChatCompletionResponse, asked: int, folder: Folder | None) -> bytes | None:
        """What is kept of an answer; None where it is not fit to be given to others.

        Args:
            response: what came from inside; of chunks, those that the host was given.
            asked: how many attempts there were before.
            folder: the chunks, as they came to the layer; None where none did.
        """
        attempt = self.call.attempt
        if attempt is None or not self._from_backend(attempt, asked):
            return None
        if folder is not None:
            response = folder.whole()
        elif attempt.folder is not None:
            return None  # all that the host was given came from layers outside
        if not storable(response):
            return None
        from jackfield.wire import encode

        try:
            return encode(response)
        except ValidationError:
            return None

    def _from_backend(self, attempt: Attempt, asked: int) -> bool:
        """Whether the model that was asked for answered: no layer inside by itself, no other model in its place."""
        if len(self.call.attempts) == asked or attempt.outcome != "success":
            return False
        if self.destination is None:
            return True
        route, model = self.destination
        return attempt.backend is route.backend and attempt.model == model


def destination(request: CreateChatCompletionRequest, call: Call) -> Destination | None:
    """Where the request goes; None where that is not known.

    Raises:
        NotFoundError: it leads nowhere.
    """
    return None if call.destination is None else call.destination(request.model)


def decoded(answer: bytes | None) -> CreateChatCompletionResponse | None:
    """A stored answer, a new value each time; None where there is none, or none that can be read."""
    if answer is None:
        return None
    from jackfield.wire import decode_response

    try:
        return decode_response(answer)
    except ValidationError:
        return None
