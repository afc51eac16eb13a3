"""ChatCompletions: OpenAI's dialect of chat completions, wherever a service has it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import attrs

from jackfield import Call, HttpProvider, HttpRequest
from jackfield.models import (
    UNSET,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
)
from jackfield.parameters import Fitting
from jackfield.service import head, is_url, no_credential, remember_plain, scrubbed
from jackfield.wire import decode_response, encode, from_json, to_dict
from jackfield_openai.amend import amending
from jackfield_openai.strict import settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jackfield.event_reader import EventReader
    from jackfield.models import Model
    from jackfield_openai.preset import Preset
    from jackfield_openai.strict import Strict


@attrs.define(eq=False, slots=False)
class ChatCompletions(HttpProvider):
    """Base of the providers that speak OpenAI's chat completions; a derived class says where they are.

    Attributes:
        base_url: of the service; a query is kept.
        headers: sent with every request. Credentials belong to an auth middleware.
        include_usage: ask for the usage of streams too; switch it off for servers that refuse ``stream_options``.
        on_unsupported: what becomes of a parameter that the service has no way to say.
    """

    base_url: str = attrs.field(validator=is_url, repr=scrubbed)
    headers: dict[str, str] = attrs.field(factory=dict, validator=no_credential, repr=False)
    include_usage: bool = True
    on_unsupported: Literal["error", "drop"] = "error"

    def __attrs_post_init__(self) -> None:
        remember_plain(self.base_url, self.headers)

    # -- the service ---------------------------------------------------------------------------------------------

    def chat_url(self, request: CreateChatCompletionRequest) -> str:
        """Where a request goes."""
        del request
        raise self._lacks("chat_url")

    def models_url(self) -> str:
        """Where the list of models is."""
        raise self._lacks("models_url")

    def own_headers(self) -> Mapping[str, str]:
        """Headers of this service, beside those of the settings."""
        return {}

    def departs(self) -> Preset | None:
        """In what the service departs from OpenAI's API; None where it does not."""
        return None

    def refuses(self) -> Strict | None:
        """What it takes in messages, if it refuses all else; None where unknown fields may pass."""
        return None

    # -- the dialect ---------------------------------------------------------------------------------------------

    def encode(self, request: CreateChatCompletionRequest, call: Call) -> HttpRequest:
        """POST /chat/completions.

        Raises:
            UnsupportedParameterError: the service has no way to say a parameter, and it is not to be dropped.
        """
        strict = self._refuses
        if strict is not None:
            request = settled(request, strict, call)
        headers = {**self._head, "content-type": "application/json"}
        if request.stream is True:
            headers["accept"] = "text/event-stream"
            if self.include_usage and self._takes_options and _unasked(request):
                from jackfield.models import ChatCompletionStreamOptions  # as below: only a stream needs it

                request = attrs.evolve(request, stream_options=ChatCompletionStreamOptions(include_usage=True))
        if call.extra_headers:
            headers.update(call.extra_headers)
        fields: Any = request
        if self._departs is not None:
            from jackfield_openai.fit import fit

            fields = fit(request, self._departs, Fitting(self._departs.title, self.on_unsupported, call.attempt))
        if call.extra_body:
            fields = {**(to_dict(fields) if fields is request else fields), **call.extra_body}
        return HttpRequest("POST", self.chat_url(request), headers, encode(fields))

    def decode(self, body: bytes) -> CreateChatCompletionResponse:
        """The response, whatever else the service says in it."""
        return amending(decode_response, body)

    def reader(self, request: CreateChatCompletionRequest, max_line_bytes: int) -> EventReader:
        """Reads the stream; usage that the host did not ask for comes with the last chunk."""
        from jackfield_openai.reader import ChoiceReader, plain_reader

        choices = request.n if isinstance(request.n, int) else 1
        kind = ChoiceReader if _unasked(request) else plain_reader
        return kind(max_line_bytes, choices)

    def encode_models(self, call: Call) -> HttpRequest:
        """GET /models."""
        return HttpRequest("GET", self.models_url(), {**self._head, **call.extra_headers})

    def decode_models(self, body: bytes) -> list[Model]:
        """The list of models."""
        from jackfield.models import ModelList

        return list(amending(lambda data: from_json(data, ModelList), body).data)

    @cached_property
    def _head(self) -> Mapping[str, str]:
        return head(self.own_headers(), self.headers)

    @cached_property
    def _departs(self) -> Preset | None:
        return self.departs()

    @cached_property
    def _refuses(self) -> Strict | None:
        return self.refuses()

    @property
    def _takes_options(self) -> bool:
        return self._departs is None or self._departs.stream_options


def _unasked(request: CreateChatCompletionRequest) -> bool:
    """Whether the host leaves it to the provider if a stream tells its usage."""
    return request.stream_options is None or request.stream_options is UNSET
