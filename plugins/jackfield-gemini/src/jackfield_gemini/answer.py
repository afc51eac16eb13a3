"""Answer: one GenerateContentResponse, whole or an event of a stream, checked for its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec

from jackfield.errors import ValidationError
from jackfield.wire import parse

Json = dict[str, Any]


class _Shape(msgspec.Struct, rename="camel"):
    """Base of the shapes: known members by their JSON types, each of which may be missing or null."""


class _FunctionCall(_Shape):
    id: str | None = None
    name: str | None = None
    args: dict[str, Any] | None = None


class _Blob(_Shape):
    mime_type: str | None = None
    data: str | None = None


class _Part(_Shape):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None
    inline_data: _Blob | None = None


class _Content(_Shape):
    parts: list[_Part] | None = None


class _Token(_Shape):
    token: str | None = None
    log_probability: float | None = None


class _Top(_Shape):
    candidates: list[_Token] | None = None


class _Logprobs(_Shape):
    chosen_candidates: list[_Token] | None = None
    top_candidates: list[_Top] | None = None


class _Candidate(_Shape):
    index: int | None = None
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    logprobs_result: _Logprobs | None = None


class _Feedback(_Shape):
    block_reason: str | None = None
    block_reason_message: str | None = None


class _Tokens(_Shape):
    modality: str | None = None
    token_count: int | None = None


class _Usage(_Shape):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[_Tokens] | None = None
    candidates_tokens_details: list[_Tokens] | None = None
    tool_use_prompt_tokens_details: list[_Tokens] | None = None
    service_tier: str | None = None


class _Answer(_Shape):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None


_KNOWN = frozenset(_Answer.__struct_encode_fields__)
_READ = _KNOWN - {"promptFeedback"}
_MISMATCH = re.compile(r"Expected `(.*?)`, got `(.*?)`(?: - at `\$\.?(.*)`)?")


@attrs.frozen
class Answer:
    """What one JSON text says.

    Attributes:
        data: all of it.
    """

    data: Json

    @property
    def candidates(self) -> Sequence[Json]:
        """The choices, or what is added to them."""
        return self.data.get("candidates") or ()

    @property
    def feedback(self) -> Json:
        """What became of the prompt."""
        return self.data.get("promptFeedback") or {}

    @property
    def usage(self) -> Json:
        """The tokens so far."""
        return self.data.get("usageMetadata") or {}

    @property
    def id(self) -> str:
        """Of the answer; empty where it is not told."""
        return self.data.get("responseId") or ""

    @property
    def model(self) -> str:
        """The model that answered."""
        return self.data.get("modelVersion") or ""

    @property
    def created(self) -> int:
        """Seconds since 1970; 0 where it is not told, as mostly."""
        from datetime import datetime

        try:
            return int(datetime.fromisoformat(self.data.get("createTime") or "").timestamp())
        except (ValueError, OverflowError):
            return 0

    @property
    def extra(self) -> Json:
        """The members that no field of a response stands for."""
        return {name: value for name, value in self.data.items() if name not in _READ}

    @property
    def known(self) -> bool:
        """Whether it has anything that an answer has."""
        return not self.data or not _KNOWN.isdisjoint(self.data)


def read(text: bytes) -> Answer:
    """The answer in a JSON text.

    Raises:
        ValidationError: it is no JSON, or has members of other types.
    """
    data = parse(text)
    try:
        msgspec.convert(data, _Answer)
    except msgspec.ValidationError as error:
        raise ValidationError(_told(str(error))) from None
    return Answer(data)


def _told(text: str) -> str:
    """The mismatch as jackfield words it."""
    found = _MISMATCH.fullmatch(text)
    if found is None:
        return text
    expected, got, path = found.groups()
    fault = f"expected {expected.replace(' | ', ' or ')}, got {got}"
    return f"{path}: {fault}" if path else fault


def without(data: Mapping[str, Any], names: frozenset[str]) -> Json:
    """The members of an object but for some."""
    return {name: value for name, value in data.items() if name not in names}
