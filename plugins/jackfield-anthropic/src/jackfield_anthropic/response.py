"""Response: the whole answer of ``POST /messages``, in OpenAI's words.

Source: https://platform.claude.com/docs/en/api/messages/create and .../build-with-claude/handling-stop-reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from jackfield.errors import ValidationError
from jackfield.models import CreateChatCompletionResponse, Model
from jackfield.models.response import ChatCompletionChoice
from jackfield.wire import parse
from jackfield_anthropic.answer_tool import as_text
from jackfield_anthropic.message import message_of
from jackfield_anthropic.request.block import Block, kind_of
from jackfield_anthropic.usage import tier_of, usage_of

REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Stop reasons and the finish reasons for them; others stay as they are: after ``pause_turn`` there is more to come."""
_MEMBERS = {"text": ("text",), "thinking": ("thinking",), "tool_use": ("id", "name")}
"""Members that are text in each block of a kind."""


class Message(msgspec.Struct):
    """The answer, as far as it is looked at."""

    content: list[dict[str, Any]]
    id: str = ""
    type: str = ""
    role: str = ""
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None


class _Listed(msgspec.Struct):
    id: str
    created_at: str | None = None
    created: int | None = None
    owned_by: str | None = None
    type: str = ""
    object: str = ""


class _Models(msgspec.Struct):
    data: list[dict[str, Any]]


def decode(body: bytes, *, by_tool: bool = False) -> CreateChatCompletionResponse:
    """The response in a body. Raises ``ValidationError``.

    Args:
        body: of the answer.
        by_tool: a call of the tool that stands for an answer in JSON is the answer's text.
    """
    data = parse(body)
    try:
        message = msgspec.convert(data, Message)
        blocks = [checked(block) for block in message.content]
        reason = message.stop_reason
        if by_tool:
            blocks = [as_text(block) for block in blocks]
            reason = reason_by_tool(reason, calls=any(block["type"] == "tool_use" for block in blocks))
        return _response(message, blocks, finish_reason(reason), unknown(data))
    except msgspec.ValidationError as error:
        raise ValidationError(str(error)) from None


def decode_models(body: bytes) -> list[Model]:
    """The models in a body; lists in OpenAI's shape are taken too. Raises ``ValidationError``."""
    try:
        return [_model(data) for data in msgspec.convert(parse(body), _Models).data]
    except msgspec.ValidationError as error:
        raise ValidationError(str(error)) from None


def finish_reason(stop_reason: str | None) -> str | None:
    """The finish reason for a stop reason."""
    return None if stop_reason is None else REASONS.get(stop_reason, stop_reason)


def reason_by_tool(stop_reason: str | None, *, calls: bool) -> str | None:
    """The stop reason where an answer in JSON comes by a tool: without other ``calls`` the answer is at its end."""
    return "end_turn" if stop_reason == "tool_use" and not calls else stop_reason


def choice_extra(message: Message) -> dict[str, Any]:
    """The service's own words for why it ended."""
    names = ("stop_reason", "stop_sequence", "stop_details")
    return {name: value for name in names if (value := getattr(message, name)) is not None}


def unknown(data: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer tells besides."""
    return {name: value for name, value in data.items() if value is not None and name not in Message.__struct_fields__}


def checked(block: Mapping[str, Any]) -> Block:
    """A block without nulls.

    Raises:
        msgspec.ValidationError: it is not what its kind is.
    """
    kind = kind_of(block)
    if not kind:
        raise msgspec.ValidationError("content: expected a type in each block")
    made = {name: value for name, value in block.items() if value is not None}
    if kind == "tool_use":
        made.setdefault("input", {})
    texts = all(isinstance(made.get(name), str) for name in _MEMBERS.get(kind, ()))
    if not texts or not _is_input(made) or not _are_citations(made):
        raise msgspec.ValidationError(f"content: expected a block of the kind {kind}, got another")
    return made


def _are_citations(block: Block) -> bool:
    """Whether the citations of a text are objects; blocks of other kinds may mean something else by the word."""
    cited = block.get("citations", ())
    return block["type"] != "text" or (isinstance(cited, list | tuple) and all(isinstance(one, dict) for one in cited))


def _is_input(block: Block) -> bool:
    return block["type"] != "tool_use" or isinstance(block["input"], dict)


def _response(
    message: Message, blocks: list[Block], finish: str | None, extra: dict[str, Any]
) -> CreateChatCompletionResponse:
    choice = ChatCompletionChoice(message=message_of(blocks), finish_reason=finish, extra=choice_extra(message))
    usage = message.usage or {}
    return CreateChatCompletionResponse(
        id=message.id,
        model=message.model,
        choices=[choice],
        usage=usage_of(usage),
        service_tier=tier_of(usage),
        extra=extra,
    )


def _model(data: dict[str, Any]) -> Model:
    listed = msgspec.convert(data, _Listed)
    created = listed.created or 0
    if listed.created_at is not None:
        try:
            created = int(datetime.fromisoformat(listed.created_at).timestamp())
        except ValueError:
            created = 0
    rest = {name: value for name, value in data.items() if name not in _Listed.__struct_fields__}
    return Model(id=listed.id, created=max(created, 0), owned_by=listed.owned_by or "anthropic", extra=rest)
