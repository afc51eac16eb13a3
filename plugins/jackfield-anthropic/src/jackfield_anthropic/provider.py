"""AnthropicProvider: POST /messages and GET /models of Anthropic's API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import attrs

from jackfield import Call, HttpProvider, HttpRequest
from jackfield.parameters import Fitting, OnUnsupported
from jackfield.service import head, is_base, no_credential, remember_plain, scrubbed, under
from jackfield.wire import encode
from jackfield_anthropic.answer_tool import JsonBy
from jackfield_anthropic.parameters import PARAMETERS
from jackfield_anthropic.request.body import Manner, body
from jackfield_anthropic.request.conversation import LaterSystem
from jackfield_anthropic.request.output import Display, Thinking

if TYPE_CHECKING:
    from jackfield.errors import APIError
    from jackfield.models import CreateChatCompletionRequest, CreateChatCompletionResponse, Model
    from jackfield_anthropic.reader import MessagesReader


def _one_of(*values: str | None) -> Any:
    listed = ", ".join(value for value in values if value is not None)

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in values:
            raise ValueError(f"{attribute.name}: expected one of {listed}")

    return check


def _positive(_: Any, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name}: expected at least 1")


@attrs.define(eq=False, slots=False)
class AnthropicProvider(HttpProvider):
    """Anthropic's Messages API, or anything that speaks it.

    Attributes:
        base_url: up to and with the version, without ``/messages``; a query is kept.
        max_tokens: most tokens of an answer, thoughts included, where the request does not say; the format demands it.
        on_unsupported: what becomes of a parameter that the format cannot say: ``error`` or ``drop``.
        later_system: where system messages after the first turn go: ``system``, into a turn of their own, which older
            models refuse; ``user``, into the user's turn, between ``<system>`` and ``</system>``; ``top``, to the first
            ones.
        thinking: how ``reasoning_effort`` is said: ``adaptive``, as an effort; ``budget``, as a number of tokens, for
            models up to 4.5; ``auto``, as the model's name tells.
        thinking_display: whether thoughts are told, where the model is asked to think: ``summarized`` or ``omitted``;
            left out, the model's own way.
        json_by: how the model is held to a ``response_format``: ``format``, by ``output_config``; ``tool``, by a tool
            that it has to call, for models up to 4.1 and servers that pass over ``output_config``.
        version: sent as ``anthropic-version``.
        betas: sent as ``anthropic-beta``.
        headers: sent with every request. Credentials belong to an auth middleware.
    """

    parameters: ClassVar[Mapping[str, Any]] = PARAMETERS

    base_url: str = attrs.field(
        default="https://api.anthropic.com/v1", validator=is_base("/messages", "/models"), repr=scrubbed
    )
    max_tokens: int = attrs.field(default=16000, validator=_positive)
    on_unsupported: OnUnsupported = attrs.field(default="error", validator=_one_of(*get_args(OnUnsupported)))
    later_system: LaterSystem = attrs.field(default="system", validator=_one_of(*get_args(LaterSystem)))
    thinking: Thinking = attrs.field(default="auto", validator=_one_of(*get_args(Thinking)))
    thinking_display: Display | None = attrs.field(default=None, validator=_one_of(None, *get_args(Display)))
    json_by: JsonBy = attrs.field(default="format", validator=_one_of(*get_args(JsonBy)))
    version: str = "2023-06-01"
    betas: list[str] = attrs.field(factory=list)
    headers: dict[str, str] = attrs.field(factory=dict, validator=no_credential, repr=False)

    def __attrs_post_init__(self) -> None:
        remember_plain(self.base_url, self.headers)

    def encode(self, request: CreateChatCompletionRequest, call: Call) -> HttpRequest:
        """POST /messages.

        Raises:
            UnsupportedParameterError: the format cannot say something, and it is not to be dropped.
        """
        fitting = Fitting("anthropic", self.on_unsupported, call.attempt)
        headers = {**self._head, "content-type": "application/json"}
        if request.stream is True:
            headers["accept"] = "text/event-stream"
        content = encode(body(request, self._manner, fitting, call.extra_body))
        return HttpRequest("POST", self._messages_url, {**headers, **call.extra_headers}, content)

    def decode(self, body: bytes) -> CreateChatCompletionResponse:
        """The response, with what else the service says in it."""
        from jackfield_anthropic.response import decode

        return decode(body, by_tool=self.json_by == "tool")

    def reader(self, request: CreateChatCompletionRequest, max_line_bytes: int) -> MessagesReader:
        """Reads the stream; usage that the host did not ask for comes with the last chunk."""
        from jackfield_anthropic.reader import MessagesReader

        return MessagesReader(max_line_bytes, usage_apart=_asks_usage(request), by_tool=self.json_by == "tool")

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        """The error of a status, by the service's words."""
        from jackfield_anthropic.error import told

        return told(super().failure(status, headers, body))

    def encode_models(self, call: Call) -> HttpRequest:
        """GET /models, as many as the service lists at once."""
        return HttpRequest("GET", self._models_url, {**self._head, **call.extra_headers})

    def decode_models(self, body: bytes) -> list[Model]:
        """The list of models."""
        from jackfield_anthropic.response import decode_models

        return decode_models(body)

    @cached_property
    def _manner(self) -> Manner:
        return Manner(self.max_tokens, self.later_system, self.thinking, self.thinking_display, self.json_by)

    @cached_property
    def _head(self) -> Mapping[str, str]:
        """The headers of every request."""
        betas = {"anthropic-beta": ",".join(self.betas)} if self.betas else {}
        return head({"anthropic-version": self.version}, betas, self.headers)

    @cached_property
    def _messages_url(self) -> str:
        return under(self.base_url, "/messages")

    @cached_property
    def _models_url(self) -> str:
        url = under(self.base_url, "/models")
        return f"{url}{'&' if '?' in url else '?'}limit=1000"


def _asks_usage(request: CreateChatCompletionRequest) -> bool:
    return getattr(request.stream_options, "include_usage", None) is True
