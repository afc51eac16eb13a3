"""Estimate: how many tokens a request may take, and what a text takes, told by its size. Pure functions of values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.models.base import WireValue
from jackfield.models.request import CreateChatCompletionRequest

BYTES = 4
"""Of text in UTF-8 for one token."""
MEDIUM = 1000
"""Tokens of an image, a sound or a file."""
_MEDIA = frozenset({"url", "data", "file_data", "file_id"})
"""Fields that stand for one."""


@attrs.frozen
class Estimate:
    """What a request may take.

    Attributes:
        prompt: tokens of what is asked.
        completion: the most tokens of the answer.
    """

    prompt: int
    completion: int

    @property
    def total(self) -> int:
        """Both."""
        return self.prompt + self.completion


def estimate(request: CreateChatCompletionRequest, expected: int) -> Estimate:
    """What a request may take.

    Args:
        request: whose messages, tools and format of the answer are measured.
        expected: tokens of an answer to a request that sets no limit.
    """
    asked = (request.messages, request.tools, request.functions, request.response_format)
    most = next((one for one in (request.max_completion_tokens, request.max_tokens) if _count(one)), expected)
    choices = request.n if _count(request.n) else 1
    return Estimate(tokens(asked), int(most) * int(choices))  # type: ignore[arg-type]  # both are counts


def tokens(value: Any) -> int:
    """Tokens of all texts in a value: one for each four bytes begun, 1000 for an image, a sound or a file."""
    return -(-_size(value, "") // BYTES)


def _count(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _size(value: Any, name: str) -> int:
    """Bytes of the texts in a value, media by what they count for."""
    if isinstance(value, str):
        if name in _MEDIA:
            return MEDIUM * BYTES
        return len(value) if value.isascii() else len(value.encode(errors="replace"))
    if isinstance(value, WireValue):
        return sum(_size(getattr(value, field), field) for field in value.__wire_fields__)
    if isinstance(value, Mapping):
        return sum(_size(item, str(key)) + _size(str(key), "") for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(_size(item, name) for item in value)
    return 0
