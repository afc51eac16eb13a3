"""OpenAIProvider: OpenAI's dialect of POST /chat/completions and GET /models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from jackfield import Call, HttpProvider, HttpRequest
from jackfield.models import (
    UNSET,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
)
from jackfield.service import head, is_url, no_credential, remember_plain, scrubbed, under
from jackfield.wire import decode_response, encode, from_json, to_dict

if TYPE_CHECKING:
    from jackfield.models import Model
    from jackfield.reader import StreamReader


@attrs.define(eq=False, slots=False)
class OpenAIProvider(HttpProvider):
    """OpenAI, or anything that speaks its protocol.

    Attributes:
        base_url: up to and with the version, without ``/chat/completions``; a query is kept.
        organization, project: sent as ``OpenAI-Organization`` and ``OpenAI-Project``.
        headers: sent with every request. Credentials belong to an auth middleware.
        include_usage: ask for the usage of streams too; switch it off for servers that refuse ``stream_options``.
    """

    base_url: str = attrs.field(default="https://api.openai.com/v1", validator=is_url, repr=scrubbed)
    organization: str | None = None
    project: str | None = None
    headers: dict[str, str] = attrs.field(factory=dict, validator=no_credential, repr=False)
    include_usage: bool = True

    def __attrs_post_init__(self) -> None:
        remember_plain(self.base_url, self.headers)

    def encode(self, request: CreateChatCompletionRequest, call: Call) -> HttpRequest:
        """POST /chat/completions."""
        headers = {**self._head, "content-type": "application/json"}
        if request.stream is True:
            headers["accept"] = "text/event-stream"
            if self._adds_usage(request):
                from jackfield.models import ChatCompletionStreamOptions  # as below: only a stream needs it

                request = attrs.evolve(request, stream_options=ChatCompletionStreamOptions(include_usage=True))
        if call.extra_headers:
            headers.update(call.extra_headers)
        body = encode({**to_dict(request), **call.extra_body}) if call.extra_body else encode(request)
        return HttpRequest("POST", self._chat_url, headers, body)

    def decode(self, body: bytes) -> CreateChatCompletionResponse:
        """The response, whatever else the service says in it."""
        return decode_response(body)

    def reader(self, request: CreateChatCompletionRequest, max_line_bytes: int) -> StreamReader:
        """Reads the stream; usage that the host did not ask for comes with the last chunk."""
        from jackfield.event import decode_chunk, decode_plain
        from jackfield.reader import StreamReader

        return StreamReader(
            decode_chunk,
            decode_plain=decode_plain,
            max_line_bytes=max_line_bytes,
            choices=request.n if isinstance(request.n, int) else 1,
            merge_usage=self._adds_usage(request),
        )

    def encode_models(self, call: Call) -> HttpRequest:
        """GET /models."""
        return HttpRequest("GET", self._models_url, {**self._head, **call.extra_headers})

    def decode_models(self, body: bytes) -> list[Model]:
        """The list of models."""
        from jackfield.models import ModelList

        return list(from_json(body, ModelList).data)

    def _adds_usage(self, request: CreateChatCompletionRequest) -> bool:
        return self.include_usage and (request.stream_options is None or request.stream_options is UNSET)

    @cached_property
    def _head(self) -> Mapping[str, str]:
        own = {"openai-organization": self.organization, "openai-project": self.project}
        return head({name: value for name, value in own.items() if value}, self.headers)

    @cached_property
    def _chat_url(self) -> str:
        return under(self.base_url, "/chat/completions")

    @cached_property
    def _models_url(self) -> str:
        return under(self.base_url, "/models")
