"""Usage: the tokens of an answer, in OpenAI's words.

Source: https://platform.claude.com/docs/en/api/messages/create, ``usage``: what was read from the cache or written to
it is no part of ``input_tokens``; thoughts are part of ``output_tokens``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield.models import CompletionUsage
from jackfield.models.response import CompletionTokensDetails, PromptTokensDetails


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: _Details | None = None
    service_tier: str | None = None


_TIERS = {"standard": "default"}


def usage_of(told: Mapping[str, Any]) -> CompletionUsage | None:
    """The usage that the service told; None where it told none.

    Raises:
        msgspec.ValidationError: a count is no number.
    """
    if not told:
        return None
    usage = msgspec.convert(told, _Usage)
    read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    prompt = (usage.input_tokens or 0) + (read or 0) + (written or 0)
    completion = usage.output_tokens or 0
    thought = None if usage.output_tokens_details is None else usage.output_tokens_details.thinking_tokens
    cached = read is not None or written is not None
    known = _Usage.__struct_fields__
    return CompletionUsage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=read, cache_write_tokens=written) if cached else None,
        completion_tokens_details=None if thought is None else CompletionTokensDetails(reasoning_tokens=thought),
        extra={name: value for name, value in told.items() if value is not None and name not in known},
    )


def tier_of(told: Mapping[str, Any]) -> str | None:
    """The service tier that was used; ``standard`` is called ``default``."""
    tier = told.get("service_tier")
    return _TIERS.get(tier, tier) if isinstance(tier, str) else None
